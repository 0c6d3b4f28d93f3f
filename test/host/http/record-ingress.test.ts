/** The small way into an app: records in and out of `selvedge:edge/http-handler`. */
import { describe, expect, it } from 'vitest'
import { WitError } from '../../../host/engine/index.ts'
import { httpHandlerId, recordIngress, type HttpRequest } from '../../../host/http/index.ts'

const request: HttpRequest = {
  method: 'GET',
  path: '/a?b',
  scheme: 'http',
  authority: 'x:1',
  headers: ['A', '1', 'a', '2'],
  body: null,
}

const answering = (
  value: unknown,
): { call: (target: string, args: readonly unknown[]) => Promise<unknown> } => ({
  call: async () => {
    if (value instanceof Error) throw value
    return value
  },
})

function streamed(pieces: readonly string[], sizeBytes: number | null = null): HttpRequest['body'] {
  return {
    sizeBytes,
    trailers: () => null,
    chunks: (async function* () {
      for (const piece of pieces) yield Buffer.from(piece)
    })(),
  }
}

describe('an app of records', () => {
  it('is called with the request, and its record is the response', async () => {
    const calls: unknown[] = []
    const sandbox = {
      call: async (target: string, args: readonly unknown[]) => {
        calls.push([target, ...args])
        return { status: 201, headers: [['X', 'y']], body: new Uint8Array([1]) }
      },
    }
    const response = await recordIngress('hello', sandbox, 10).handle({
      ...request,
      body: streamed(['he', 'llo']),
    })
    expect(response).toMatchObject({ status: 201, headers: ['X', 'y'], body: new Uint8Array([1]) })
    expect(calls).toEqual([
      [
        `${httpHandlerId}#handle`,
        {
          method: 'GET',
          path: '/a?b',
          authority: 'x:1',
          headers: [
            ['A', '1'],
            ['a', '2'],
          ],
          body: new Uint8Array(Buffer.from('hello')),
        },
      ],
    ])
  })

  it('is not called with a body over its limit, declared or not', async () => {
    const ingress = recordIngress('hello', answering(new Error('it was called')), 4)
    for (const body of [streamed([], 5), streamed(['abc', 'de'])]) {
      await expect(ingress.handle({ ...request, body })).rejects.toMatchObject({ code: 'ERR_HTTP_BODY_SIZE' })
    }
  })

  it('may answer with an error, and its traps stay traps', async () => {
    const refusing = recordIngress('hello', answering(new WitError('no such page')), 4)
    await expect(refusing.handle(request)).rejects.toMatchObject({
      code: 'ERR_HTTP_APP',
      message: 'hello answered with an error: no such page',
    })
    const trap = new Error('unreachable')
    await expect(recordIngress('hello', answering(trap), 4).handle(request)).rejects.toBe(trap)
  })
})
