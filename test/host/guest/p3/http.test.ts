/** wasi:http 0.3 with a guest that is a function of the test: its classes, and a request on its way through it. */
import { describe, expect, test } from 'vitest'
import { packCall } from '../../../../host/guest/http/packing.ts'
import type { IncomingAnswer, IncomingCall } from '../../../../host/guest/http/wire.ts'
import type { GuestExports } from '../../../../host/guest/part.ts'
import { received } from '../http/kit.ts'
import { makeWorld, type World } from './kit.ts'

interface FieldsLike {
  append(name: string, value: Uint8Array): void
  set(name: string, values: Uint8Array[]): void
  get(name: string): Uint8Array[]
  copyAll(): [string, Uint8Array][]
}
interface RequestLike {
  getMethod(): unknown
  getPathWithQuery(): string | undefined
  getHeaders(): FieldsLike
  setAuthority(text: string | undefined): void
}
interface ResponseLike {
  setStatusCode(status: number): void
}
interface Types {
  Fields: { new (): FieldsLike; fromList(entries: [string, Uint8Array][]): FieldsLike }
  Request: {
    new: (...args: unknown[]) => [RequestLike, Promise<unknown>]
    consumeBody(
      request: RequestLike,
      handled: Promise<unknown>,
    ): [AsyncIterable<Uint8Array>, Promise<{ tag: string; val: unknown }>]
  }
  Response: { new: (...args: unknown[]) => [ResponseLike, Promise<unknown>] }
}

const typesOf = ({ part }: World): Types => part.imports['wasi:http/types@0.3'] as unknown as Types
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
const okay = Promise.resolve({ tag: 'ok', val: undefined })
const call: IncomingCall = {
  method: 'POST',
  path: '/a?b',
  scheme: 'http',
  authority: 'app',
  headers: ['X-One', '1'],
  body: bytes('hello'),
}

function handled(world: World, handle: (request: RequestLike) => Promise<unknown>): Promise<IncomingAnswer> {
  const exports = { 'wasi:http/handler@0.3.0': { handle } } as unknown as GuestExports
  const answer = world.part.invoke?.(exports, 'handle', packCall(call), () => world.channel().guest)
  return Promise.resolve(answer).then(received)
}

describe('a request', () => {
  test('is seen as it came, and answered with what the guest makes', async () => {
    const world = makeWorld()
    const { Fields, Request, Response } = typesOf(world)
    let sent: Promise<unknown> | null = null
    const answer = await handled(world, async (request) => {
      expect(request.getMethod()).toEqual({ tag: 'post' })
      expect(request.getPathWithQuery()).toBe('/a?b')
      expect(request.getHeaders().get('x-one')).toEqual([bytes('1')])
      const [body, trailers] = Request.consumeBody(request, okay)
      const pieces: Uint8Array[] = []
      for await (const piece of body) pieces.push(piece)
      expect(Buffer.concat(pieces).toString()).toBe('hello')
      expect(await trailers).toEqual({ tag: 'ok', val: undefined })
      const [response, done] = Response.new(Fields.fromList([['x-two', bytes('2')]]), undefined, okay)
      sent = done
      response.setStatusCode(201)
      return response
    })
    expect(answer).toEqual({
      t: 'response',
      status: 201,
      headers: ['x-two', '2'],
      body: null,
      trailers: null,
    })
    expect(await sent).toEqual({ tag: 'ok', val: undefined })
  })

  test('that the guest refuses is answered with its error code; anything else that it throws ends it', async () => {
    const declared = Object.assign(new Error(), { payload: { tag: 'HTTP-request-denied' } })
    expect(await handled(makeWorld(), () => Promise.reject(declared))).toEqual({
      t: 'error',
      code: declared.payload,
    })
    await expect(handled(makeWorld(), () => Promise.reject(new Error('a trap')))).rejects.toThrow('a trap')
  })

  test('whose trailers are an error is not answered as if it were complete', async () => {
    const world = makeWorld()
    const { Fields, Response } = typesOf(world)
    const code = { tag: 'internal-error', val: 'no' }
    const answer = await handled(world, async () => {
      return Response.new(new Fields(), undefined, Promise.resolve({ tag: 'err', val: code }))[0]
    })
    expect(answer).toEqual({ t: 'error', code })
  })

  test('without an authority is not sent, and its sender is told', async () => {
    const world = makeWorld()
    const { Fields, Request } = typesOf(world)
    const client = world.part.imports['wasi:http/client@0.3'] as { send(request: unknown): Promise<unknown> }
    const [request, sent] = Request.new(new Fields(), undefined, okay, undefined)
    await expect(client.send(request)).rejects.toMatchObject({ payload: { tag: 'HTTP-request-URI-invalid' } })
    expect(await sent).toEqual({ tag: 'err', val: { tag: 'HTTP-request-URI-invalid' } })
    expect(world.held()).toBe(0)
  })
})

/** A guest writes into its future and waits until that is taken: a thenable tells when somebody begins to. */
describe('the trailers of a guest', () => {
  const asked = (): { readonly taken: Promise<void>; readonly future: PromiseLike<unknown> } => {
    let tell!: () => void
    const taken = new Promise<void>((resolve) => (tell = resolve))
    const future = {
      // oxlint-disable-next-line unicorn/no-thenable -- the glue hands over such an object
      then: (...callbacks: Parameters<Promise<unknown>['then']>) => {
        tell()
        return okay.then(...callbacks)
      },
    } as PromiseLike<unknown>
    return { taken, future }
  }

  test('are taken also from a request that is not sent, whose guest would wait for ever', async () => {
    const world = makeWorld()
    const { Fields, Request } = typesOf(world)
    const client = world.part.imports['wasi:http/client@0.3'] as { send(request: unknown): Promise<unknown> }
    const { taken, future } = asked()
    const [request] = Request.new(new Fields(), stream([]), future, undefined)
    await expect(client.send(request)).rejects.toMatchObject({ payload: { tag: 'HTTP-request-URI-invalid' } })
    await taken
  })

  test('are taken while the contents are still being written: a guest may end those afterwards', async () => {
    const world = makeWorld()
    const { Fields, Response } = typesOf(world)
    const { taken, future } = asked()
    const contents = stream([bytes('first'), taken.then(() => bytes('last'))])
    const answer = await handled(world, async () => Response.new(new Fields(), contents, future)[0])
    expect(answer).toEqual({ t: 'streamed' })
  })
})

/** `stream<u8>` as the glue hands it over. */
function stream(pieces: (Uint8Array | Promise<Uint8Array>)[]): object {
  return {
    read: async () => (pieces.length === 0 ? { done: true } : { value: await pieces.shift(), done: false }),
    [Symbol.asyncIterator]: () => ({ return: async () => ({ done: true, value: undefined }) }),
  }
}

describe('fields', () => {
  test.each([
    ['bad name', 'x', 'invalid-syntax'],
    ['Host', 'x', 'forbidden'],
    ['transfer-encoding', 'chunked', 'forbidden'],
    ['x', 'a\nb', 'invalid-syntax'],
    ['x', 'v'.repeat(200_000), 'size-exceeded'],
  ])('refuse %j: %#', (name, value, tag) => {
    const fields = new (typesOf(makeWorld()).Fields)()
    const failing = expect.objectContaining({ payload: { tag } }) as Error
    expect(() => fields.append(name, bytes(value))).toThrow(failing)
    expect(() => fields.set(name, [bytes(value)])).toThrow(failing)
    expect(fields.copyAll()).toEqual([])
  })

  test('of a message can be read and not changed', () => {
    const { Fields, Request } = typesOf(makeWorld())
    const [request] = Request.new(Fields.fromList([['a', bytes('1')]]), undefined, okay, undefined)
    const headers = request.getHeaders()
    expect(() => headers.append('b', bytes('2'))).toThrow(
      expect.objectContaining({ payload: { tag: 'immutable' } }) as Error,
    )
    expect(headers.copyAll()).toEqual([['a', bytes('1')]])
  })

  test.each(['::', '@@', ' ', '', '#', 'localhost:what', 'a:65536'])(
    'an authority like %j is refused',
    (text) => {
      const { Fields, Request } = typesOf(makeWorld())
      const [request] = Request.new(new Fields(), undefined, okay, undefined)
      expect(() => request.setAuthority(text)).toThrow()
    },
  )
})
