/** What a node answers of what others ask: its own apps, within their scope, whatever the caller checked itself. */
import { describe, expect, it } from 'vitest'
import { encodeCbor } from '../../../core/index.ts'
import { answering } from '../../../host/calls/answering.ts'
import { Directory, type DirectoryMesh } from '../../../host/calls/directory.ts'
import {
  packFunctionCall,
  packHttpRequest,
  readFunctionAnswer,
  readHttpAnswer,
} from '../../../host/calls/heads.ts'
import { requestFrom, responseFrom, SentRequest } from '../../../host/calls/http-call.ts'
import { decodeValue, encodeValue } from '../../../host/calls/values.ts'
import { engineProblems, WitError } from '../../../host/engine/index.ts'
import type { HttpRequest, Ingress } from '../../../host/http/index.ts'
import { NotStarted, type CallAnswer, type CallPolicy, type IncomingCall } from '../../../mesh/index.ts'

const groups: Record<string, string[]> = { me: ['lobby'], near: ['lobby', 'attic'], far: ['garage'] }

interface Answers {
  readonly ingress?: Ingress | 'down' | null
  readonly functions?: (target: string, args: readonly unknown[]) => Promise<unknown>
}

function node(policy: CallPolicy | undefined, { ingress = null, functions }: Answers) {
  const record = { app: 'hello', triggers: [{ kind: 'http' }], limits: { deadlineMs: 1_000 }, calls: policy }
  const mesh = {
    self: 'me',
    members: () =>
      Object.entries(groups).map(([id, of]) => ({
        id,
        name: id,
        groups: of,
        opinion: { verdict: 'alive' },
        held: null,
      })),
    releases: { desired: () => [{ record }] },
    onChange: () => () => {},
  } as unknown as DirectoryMesh
  const called =
    functions === undefined
      ? null
      : async (target: string, args: readonly unknown[]) => ({
          value: await functions(target, args),
          queueMs: 1,
          runMs: 2,
        })
  const apps = { ingressOf: () => ingress, functionsOf: () => called }
  return answering({ self: 'me', directory: new Directory(mesh), apps })
}

const request: HttpRequest = {
  method: 'POST',
  path: '/a?b=c',
  scheme: 'http',
  authority: 'shop.example',
  headers: ['Accept', '*/*', 'X-Odd', 'h\u00e9'],
  body: new Uint8Array([1, 2]),
}
const call = (head: Uint8Array, changes: Partial<IncomingCall> = {}): IncomingCall => ({
  peer: 'near',
  head,
  body: null,
  deadlineMs: 1_000,
  hops: 1,
  signal: new AbortController().signal,
  ...changes,
})
const codeOf = async (work: Promise<CallAnswer>): Promise<[string, boolean]> =>
  work.then(
    () => ['answered', false],
    (error: unknown) => [(error as { code: string }).code, error instanceof NotStarted],
  )
const hello: Ingress = {
  handle: async ({ path }) => ({
    status: 200,
    headers: ['X-Path', path],
    body: 'h\u00e9',
    trailers: () => null,
  }),
}

describe('a request from another node', () => {
  it('comes to the app as it was, and its response goes back as it was', async () => {
    const seen: HttpRequest[] = []
    const ingress: Ingress = {
      async handle(asked) {
        seen.push(asked)
        return { status: 207, headers: ['X-One', '1'], body: 'h\u00e9', trailers: () => ['X-Sum', '2'] }
      },
    }
    const sent = new SentRequest('hello', request)
    const answer = await node(undefined, { ingress })(call(sent.head, { body: sent.body }))
    expect(seen).toHaveLength(1)
    expect(seen[0]).toMatchObject(request)
    const response = responseFrom(answer)
    expect(response).toMatchObject({ status: 207, headers: ['X-One', '1'] })
    expect(response.body).toEqual(new Uint8Array([0x68, 0xe9]))
    expect(response.trailers()).toEqual(['X-Sum', '2'])
    expect(readHttpAnswer(answer.head).status).toBe(207)
  })

  it('tells the app when its caller is gone', () => {
    const controller = new AbortController()
    const head = {
      k: 'http' as const,
      app: 'hello',
      method: 'GET',
      path: '/',
      scheme: 'http' as const,
      headers: [],
    }
    let left = 0
    requestFrom(head, null, controller.signal).whenLeft?.(() => (left += 1))
    expect(left).toBe(0)
    controller.abort()
    expect(left).toBe(1)
  })

  it.each([
    [undefined, 'near', 'answered'],
    [undefined, 'far', 'ERR_CALL_SCOPE'],
    [undefined, 'nobody', 'ERR_CALL_SCOPE'],
    [{ scope: 'group' }, 'far', 'ERR_CALL_SCOPE'],
    [{ scope: 'mesh' }, 'far', 'answered'],
    [{ scope: 'node' }, 'near', 'ERR_CALL_SCOPE'],
  ] as const)('under %j of %s is %s', async (policy, peer, code) => {
    const answered = node(policy, { ingress: hello })(call(packHttpRequest('hello', request), { peer }))
    expect(await codeOf(answered)).toEqual([code, code !== 'answered'])
  })

  it('is refused, as not begun, where the app is not here, or has too much to do, or what came is no call', async () => {
    const head = packHttpRequest('hello', request)
    expect(await codeOf(node(undefined, { ingress: 'down' })(call(head)))).toEqual([
      'ERR_CALL_NOT_HERE',
      true,
    ])
    expect(await codeOf(node(undefined, { ingress: null })(call(head)))).toEqual(['ERR_CALL_NOT_HERE', true])
    const failing = (code: 'ERR_APP_BUSY' | 'ERR_APP_TRAP'): Ingress => ({
      handle: () => Promise.reject(engineProblems.error(code, 'failed')),
    })
    const busy = node(undefined, { ingress: failing('ERR_APP_BUSY') })(call(head))
    expect(await codeOf(busy)).toEqual(['ERR_APP_BUSY', true])
    const trapped = node(undefined, { ingress: failing('ERR_APP_TRAP') })(call(head))
    expect(await codeOf(trapped)).toEqual(['ERR_APP_TRAP', false])
    const base = { k: 'http', app: 'hello', method: 'GET', path: '/', scheme: 'http', headers: [] }
    const malformed = [
      { ...base, method: 'GET /' },
      { ...base, path: 'x' },
      { ...base, path: '/ HTTP/1.1\r\nX: y' },
      { ...base, headers: ['a'] },
      { ...base, headers: ['a', 'b\r\nc: d'] },
      { ...base, headers: ['a b', 'c'] },
      { ...base, app: '../x' },
      { ...base, more: 1 },
      { ...base, k: 'other' },
    ]
    for (const wrong of malformed) {
      const answered = node(undefined, { ingress: hello })(call(encodeCbor(wrong)))
      expect(await codeOf(answered), JSON.stringify(wrong)).toEqual(['ERR_CALL_MALFORMED', true])
    }
  })
})

describe('a function called from another node', () => {
  it('gets its arguments, and gives back what it returned or its own error', async () => {
    const functions = async (target: string, args: readonly unknown[]): Promise<unknown> => {
      if (target === 'fail') throw new WitError({ tag: 'too-large', val: 5n })
      return [target, ...args]
    }
    const body = encodeValue([1n, undefined, { a: 'b' }])
    const good = await node(undefined, { functions })(call(packFunctionCall('hello', 'x:y/z#f'), { body }))
    expect(readFunctionAnswer(good.head)).toMatchObject({ isError: false, queueMs: 1, runMs: 2 })
    expect(decodeValue(good.body as Uint8Array)).toEqual(['x:y/z#f', 1n, undefined, { a: 'b' }])
    const bad = await node(undefined, { functions })(call(packFunctionCall('hello', 'fail'), { body }))
    expect(readFunctionAnswer(bad.head).isError).toBe(true)
    expect(decodeValue(bad.body as Uint8Array)).toEqual({ tag: 'too-large', val: 5n })
  })

  it('is refused where its arguments are none', async () => {
    const functions = async (): Promise<unknown> => null
    const head = packFunctionCall('hello', 'f')
    for (const body of [encodeValue('no list'), new Uint8Array([0xff])]) {
      const [, isNotStarted] = await codeOf(node(undefined, { functions })(call(head, { body })))
      expect(isNotStarted).toBe(true)
    }
  })
})
