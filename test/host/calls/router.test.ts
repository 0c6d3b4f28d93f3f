/** Two nodes with apps of their own that ask each other, over the virtual network. */
import { describe, expect, it } from 'vitest'
import { MeshRouter, traceOf, type CallScope } from '../../../host/calls/index.ts'
import { engineProblems, WitError } from '../../../host/engine/index.ts'
import type { HttpRequest, HttpResponse, Ingress } from '../../../host/http/index.ts'
import type { CallPolicy } from '../../../mesh/index.ts'
import { SeededRandom } from '../../sim/index.ts'
import { CallHarbor } from '../../mesh/calls/harbor.ts'

type Functions = (target: string, args: readonly unknown[]) => Promise<unknown>

/** What one node runs; changed while it runs. */
interface Own {
  ingress?: Ingress | 'down' | null
  functions?: Functions | null
}

/** What each says that it has to do, heard by the others at once. */
class Loads {
  readonly told = new Map<string, ReadonlyMap<string, number>>()

  exchangeOf(name: string) {
    return {
      tell: (load: ReadonlyMap<string, number>) => void this.told.set(name, load),
      of: (node: string) => this.told.get(node) ?? new Map<string, number>(),
    }
  }
}

class Town {
  readonly harbor = new CallHarbor(1)
  readonly ended: [string, CallScope | null, string][] = []
  readonly #policy: CallPolicy
  readonly #groups: Record<string, readonly string[]>
  /** Who says in its record that it runs the app. */
  readonly running = new Set<string>()
  readonly #changed: (() => void)[] = []
  readonly loads = new Loads()
  readonly #doubts: ((change: { node: string; to: string }) => void)[] = []

  constructor(policy: CallPolicy, groups: Record<string, readonly string[]>) {
    this.#policy = policy
    this.#groups = groups
  }

  node(name: string, own: Own): MeshRouter {
    const { calls } = this.harbor.node(name)
    if (own.ingress !== undefined || own.functions !== undefined) this.running.add(name)
    const record = {
      app: 'hello',
      triggers: [{ kind: 'http' }],
      limits: { deadlineMs: 1_000 },
      calls: this.#policy,
    }
    const mesh = {
      self: name,
      calls,
      load: this.loads.exchangeOf(name),
      members: () =>
        Object.entries(this.#groups).map(([id, groups]) => {
          const apps = this.running.has(id) ? [{ app: 'hello', state: 'running' }] : []
          return {
            id,
            name: id,
            groups,
            opinion: { verdict: 'alive' },
            held: { record: { report: { apps } } },
          }
        }),
      releases: { desired: () => [{ record }] },
      onChange: (listener: () => void) => void this.#changed.push(listener),
      onVerdict: (listener: (change: { node: string; to: string }) => void) =>
        void this.#doubts.push(listener),
    }
    const functionsOf = () => {
      const { functions } = own
      if (functions === undefined || functions === null) return null
      return async (target: string, args: readonly unknown[]) => ({
        value: await functions(target, args),
        queueMs: 3,
        runMs: 4,
      })
    }
    const router = new MeshRouter({
      mesh: mesh as unknown as ConstructorParameters<typeof MeshRouter>[0]['mesh'],
      apps: { ingressOf: () => own.ingress ?? null, functionsOf, idle: async () => {} },
      clock: this.harbor.clock,
      random: new SeededRandom(7),
      observer: {
        ended: (app, scope, outcome) => void this.ended.push([app, scope, outcome]),
        retried: () => {},
      },
    })
    router.start()
    return router
  }

  changed(): void {
    for (const tell of this.#changed) tell()
  }
}

const answers = (status: number): Ingress => ({
  handle: async () => ({ status, headers: [], body: 'x', trailers: () => null }),
})
const request = (changes: Partial<HttpRequest> = {}): HttpRequest => ({
  method: 'GET',
  path: '/',
  scheme: 'http',
  authority: 'x',
  headers: [],
  body: null,
  ...changes,
})
const ask = (router: MeshRouter, changes: Partial<HttpRequest> = {}): Promise<HttpResponse> => {
  const ingress = router.ingressOf('hello')
  if (ingress === null || ingress === 'down') return Promise.reject(new Error(String(ingress)))
  return ingress.handle(request(changes))
}
const both = { a: ['lobby'], b: ['lobby'] }

describe('a request', () => {
  it('is answered here where the app runs, else there, and the one who asks so is told by whom', async () => {
    const town = new Town({}, both)
    const own: Own = { ingress: answers(200) }
    const a = town.node('a', own)
    town.node('b', { ingress: answers(201) })
    const debug = { headers: ['X-Selvedge-Debug', '1'] }
    const here = await town.harbor.finish(ask(a, debug))
    expect([here.status, here.headers]).toEqual([200, ['x-selvedge-node', 'a']])
    own.ingress = 'down'
    const there = await town.harbor.finish(ask(a, debug))
    expect([there.status, there.headers]).toEqual([201, ['x-selvedge-node', 'b']])
    expect((await town.harbor.finish(ask(a))).headers).toEqual([])
    expect(town.ended.map(([, scope]) => scope)).toEqual(['node', 'group', 'group'])
    expect(a.departures()).toEqual([])
  })

  it('is made again elsewhere where an instance here died under it, if that does no harm', async () => {
    const town = new Town({}, both)
    const dies: Ingress = { handle: () => Promise.reject(engineProblems.error('ERR_APP_CRASH', 'died')) }
    const a = town.node('a', { ingress: dies })
    town.node('b', { ingress: answers(201) })
    expect((await town.harbor.finish(ask(a))).status).toBe(201)
    await expect(town.harbor.finish(ask(a, { method: 'POST' }))).rejects.toMatchObject({
      code: 'ERR_APP_CRASH',
    })
    const full: Ingress = { handle: () => Promise.reject(engineProblems.error('ERR_APP_BUSY', 'full')) }
    const c = new Town({}, both)
    const busy = c.node('a', { ingress: full })
    c.node('b', { ingress: answers(201) })
    expect((await c.harbor.finish(ask(busy, { method: 'POST' }))).status).toBe(201)
  })

  it('is down, nobody’s, or nowhere, as before, where nobody else could answer', async () => {
    const town = new Town({}, both)
    const own: Own = { ingress: 'down' }
    const a = town.node('a', own)
    town.running.clear()
    town.changed()
    expect(a.ingressOf('hello')).toBe('down')
    own.ingress = null
    expect(a.ingressOf('unknown')).toBeNull()
    await expect(town.harbor.finish(ask(a))).rejects.toMatchObject({ code: 'ERR_CALL_NOWHERE' })
  })

  it('never goes further than one node', async () => {
    const town = new Town({}, both)
    const a = town.node('a', { ingress: null })
    town.node('b', { ingress: null })
    await expect(town.harbor.finish(ask(a))).rejects.toMatchObject({ code: 'ERR_CALL_NOT_HERE' })
  })

  it('is given up there when its client leaves', async () => {
    const town = new Town({}, both)
    const a = town.node('a', {})
    let left = 0
    const waits: Ingress = {
      handle: ({ whenLeft }) =>
        new Promise((_, reject) =>
          whenLeft?.(() => {
            left += 1
            reject(new Error('left'))
          }),
        ),
    }
    town.node('b', { ingress: waits })
    let leave = (): void => {}
    const asked = ask(a, { whenLeft: (told) => (leave = told) }).catch((error: unknown) => error)
    await town.harbor.clock.run(100)
    leave()
    expect(await town.harbor.finish(asked)).toMatchObject({ code: 'ERR_CALL_GIVEN_UP' })
    await town.harbor.clock.run(100)
    expect(left).toBe(1)
  })
})

describe('a function', () => {
  it('is called here or there, with the same values, and the trace tells where', async () => {
    const town = new Town({ scope: 'mesh' }, { a: ['lobby'], b: ['garage'] })
    const echo: Functions = async (target, args) => ({ target, args })
    const a = town.node('a', {})
    const b = town.node('b', { functions: echo })
    const call = { app: 'hello', target: 'f', args: [1n, undefined] }
    const near = await town.harbor.finish(b.invoke(call))
    const far = await town.harbor.finish(a.invoke(call))
    expect(far.value).toEqual(near.value)
    expect(near.trace).toMatchObject({ node: 'b', scope: 'node', bytesIn: 0 })
    expect(far.trace).toMatchObject({ node: 'b', scope: 'mesh', queueMs: 3, runMs: 4 })
    expect(far.trace.bytesIn).toBeGreaterThan(0)
    expect(a.departures()).toMatchObject([{ app: 'hello', calls: 1, nodes: ['b'] }])
    await town.harbor.clock.run(400_000)
    expect(a.departures()).toEqual([])
  })

  it('fails with its own error as one that answered, and with ours otherwise', async () => {
    const town = new Town({}, both)
    let calls = 0
    const fails: Functions = async () => {
      calls += 1
      throw new WitError('no')
    }
    const a = town.node('a', {})
    town.node('b', { functions: fails })
    const call = { app: 'hello', target: 'f', args: [] }
    const error = await town.harbor.finish(a.invoke(call).catch((thrown: unknown) => thrown))
    expect(error).toBeInstanceOf(WitError)
    expect((error as WitError).payload).toBe('no')
    expect(traceOf(error)).toMatchObject({ node: 'b', attempts: [{ outcome: 'answered' }] })
    expect(calls).toBe(1)
    await expect(town.harbor.finish(a.invoke({ ...call, app: 'unknown' }))).rejects.toMatchObject({
      code: 'ERR_CALL_APP',
    })
    await expect(town.harbor.finish(a.invoke({ ...call, app: 'helo' }))).rejects.toMatchObject({
      hint: 'did you mean hello? See `selvedge status`',
    })
    await expect(town.harbor.finish(a.invoke({ ...call, hops: 0 }))).rejects.toMatchObject({
      code: 'ERR_CALL_HOPS',
    })
    await expect(town.harbor.finish(a.invoke({ ...call, args: [() => {}] }))).rejects.toMatchObject({
      code: 'ERR_CALL_VALUE',
    })
  })
})
