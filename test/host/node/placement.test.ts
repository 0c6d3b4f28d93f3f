import { describe, expect, it, vi } from 'vitest'
import { fileProblems, silentLog, systemRandom } from '../../../core/index.ts'
import { createPlacement, fetchFrom, type PlacementParts } from '../../../host/node/placement.ts'
import type { ComponentRef, NeededComponents, ObtainCall, PlacementRule } from '../../../mesh/index.ts'
import { FakeClock } from '../fake-clock.ts'

const ref = (digest: string): ComponentRef => ({
  digest,
  sizeBytes: 100,
  chunks: { digest: `list-${digest}`, sizeBytes: 10 },
})

/** The only one that could run anything, were it there. */
const away = {
  id: 'away',
  name: 'away',
  groups: [],
  roles: [],
  held: { record: { report: { arch: 'x64', platform: 'linux', features: [], devices: [], apps: [] } } },
}

function setUp(
  rule?: PlacementRule,
  opinion: unknown = { verdict: 'dead' },
  hasVariants = false,
): {
  part: ReturnType<typeof createPlacement>
  clock: FakeClock
  calls: unknown[]
  listeners: { mesh: Set<() => void>; apps: Set<() => void>; moves: Set<() => void> }
  store: { needed: () => NeededComponents }
  app: Record<string, unknown>
} {
  const clock = new FakeClock()
  const calls: unknown[] = []
  const listeners = {
    mesh: new Set<() => void>(),
    apps: new Set<() => void>(),
    moves: new Set<() => void>(),
  }
  const history = ['v5', 'v4', 'v3', 'v2', 'v1'].map((digest, index) => ({
    record: {
      app: 'light-alarm',
      seq: 5 - index,
      component: ref(digest),
      ...(hasVariants && { variants: [{ name: 'simd', component: ref(`${digest}-simd`) }] }),
      limits: { memoryBytes: 1_024, deadlineMs: 1_000 },
      groups: [],
      grants: [],
      placement: rule,
    },
  }))
  const on = (set: Set<() => void>) => (run: () => void) => {
    set.add(run)
    return () => set.delete(run)
  }
  const app: Record<string, unknown> = { app: 'light-alarm', seq: 1, state: 'running', since: 1, failures: 0 }
  const store = { needed: (): NeededComponents => ({ required: [], kept: [] }) }
  const parts = {
    mesh: {
      self: 'self',
      members: () => [
        { id: 'self', name: 'self', groups: [], roles: [], opinion: { verdict: 'alive' }, held: null },
        ...(rule === undefined ? [] : [{ ...away, opinion }]),
      ],
      releases: {
        heads: () => history.slice(0, 1),
        desired: () => history.slice(0, 1),
        history: () => history,
      },
      blobs: {
        setNeeded: (needed: () => NeededComponents) => void (store.needed = needed),
      },
      source: {
        collect: async (keep: ComponentRef[]) =>
          void calls.push(['keep', ...keep.map(({ digest }) => digest)]),
      },
      onChange: on(listeners.mesh),
      descriptionChanged: () => calls.push('described'),
      descriptionPasses: () => calls.push('passing'),
      descriptionMoved: () => calls.push('moved'),
    },
    apps: {
      setDesired: (heads: unknown[]) => calls.push(['desired', heads.length]),
      status: () => [app],
      ranBefore: new Map(),
      onChange: on(listeners.apps),
      onProgress: on(listeners.moves),
    },
    capabilities: { arch: 'x64', platform: 'linux', features: [] },
    resting: { from: [] },
    clock,
    random: systemRandom,
    log: silentLog,
  } as unknown as PlacementParts
  return { part: createPlacement(parts), clock, calls, listeners, store, app }
}

describe('placement', () => {
  it('tells the store what must not make room for others, and what may though it is kept, from the start', () => {
    const { part, store } = setUp()
    void part.start?.()
    const { required, kept } = store.needed()
    expect(required.map(({ digest }) => digest)).toEqual(['v5', 'v1'])
    expect(kept.map(({ digest }) => digest)).toEqual(['v4', 'v3'])
  })

  it('keeps all variants of a release that are here, as other nodes may have nobody else to ask', () => {
    const { part, store } = setUp(undefined, undefined, true)
    void part.start?.()
    const { required, kept } = store.needed()
    expect(required.map(({ digest }) => digest)).toEqual(['v5', 'v5-simd', 'v1', 'v1-simd'])
    expect(kept.map(({ digest }) => digest)).toEqual(['v4', 'v4-simd', 'v3', 'v3-simd'])
  })

  it('wants what the releases want, at the start and whenever the mesh changes', () => {
    const { part, calls, listeners } = setUp()
    void part.start?.()
    void part.start?.()
    for (const run of listeners.mesh) run()
    expect(calls).toEqual([
      ['desired', 1],
      ['desired', 1],
    ])
  })

  it('has the node describe itself anew when its apps change', () => {
    const { part, calls, listeners, app } = setUp()
    void part.start?.()
    for (const state of ['backoff', 'running']) {
      Object.assign(app, { state })
      for (const run of listeners.apps) run()
    }
    expect(calls.slice(1)).toEqual(['described', 'described'])
  })

  it('lets what passes pass, and has told what it came to', () => {
    const { part, calls, listeners, app } = setUp()
    void part.start?.()
    for (const state of ['fetching', 'preparing', 'starting', 'failed']) {
      app['next'] = { version: '2.0.0', seq: 2, state }
      for (const run of listeners.apps) run()
    }
    expect(calls.slice(1)).toEqual(['passing', 'passing', 'passing', 'described'])
  })

  it('has it told less eagerly that a component has come nearer', () => {
    const { part, calls, listeners } = setUp()
    void part.start?.()
    for (const run of listeners.moves) run()
    expect(calls).toContain('moved')
    expect(calls).not.toContain('described')
  })

  it('keeps the components of the newest three releases of each app on the disk, and the one that runs', async () => {
    const { part, calls, clock } = setUp()
    void part.start?.()
    await clock.advance(600_000)
    expect(calls.at(-1)).toEqual(['keep', 'v5', 'v1', 'v4', 'v3'])
  })

  it('waits for a far day in steps that a timer of the system can hold', () => {
    const { part, calls, listeners, clock } = setUp({ replicas: 1, replaceAfterMs: 2_678_400_000 })
    const after = vi.spyOn(clock, 'after')
    void part.start?.()
    for (const run of listeners.mesh) run()
    expect(Math.max(...after.mock.calls.map(([ms]) => ms))).toBe(86_400_000)
    expect(calls.at(-1)).toEqual(['desired', 0])
    void part.stop?.()
  })

  it('leaves a node its place for a while where only its network was switched off', () => {
    const placedOn = (farewell: string): unknown => {
      const { part } = setUp({ replicas: 1 }, { verdict: 'left', grounds: { word: { farewell } } })
      void part.start?.()
      const nodes = part.of('light-alarm')?.nodes
      void part.stop?.()
      return nodes
    }
    expect([placedOn('stops'), placedOn('network-off')]).toEqual([[], ['away']])
  })

  it('leaves neither listener nor timer behind', () => {
    const { part, clock, listeners } = setUp()
    void part.start?.()
    void part.stop?.()
    void part.stop?.()
    expect([...Object.values(listeners).map(({ size }) => size), clock.pendingTimers]).toEqual([0, 0, 0, 0])
  })
})

describe('a component', () => {
  type Mesh = Parameters<typeof fetchFrom>[0]
  const bytes = new Uint8Array([1])
  const release = { component: ref('a') } as Parameters<ReturnType<typeof fetchFrom>>[0]

  it('is obtained by the mesh, which is told when nobody wants it any more, and says how far it is', async () => {
    const asked: unknown[] = []
    const seen: unknown[] = []
    const mesh: Mesh = {
      source: {
        async obtain(record: unknown, { signal, onProgress }: ObtainCall) {
          asked.push(record, signal)
          const progress = { haveBytes: 25, totalBytes: 100, fetchedBytes: 20, patchBytes: 5 }
          onProgress({ ...progress, paused: null })
          onProgress({ ...progress, paused: { code: 'ERR_DISK_FULL', message: 'the disk is full' } })
          return bytes
        },
      },
    } as unknown as Mesh
    const { signal } = new AbortController()
    expect(await fetchFrom(mesh)(release, (progress) => seen.push(progress), signal)).toBe(bytes)
    expect(asked).toEqual([release, signal])
    const { fix } = fileProblems.problems.ERR_DISK_FULL
    const full = { code: 'ERR_DISK_FULL', message: 'the disk is full', hint: fix }
    expect(seen).toEqual([
      { share: 0.25, fetchedBytes: 20, patchBytes: 5, paused: null },
      { share: 0.25, fetchedBytes: 20, patchBytes: 5, paused: full },
    ])
  })
})
