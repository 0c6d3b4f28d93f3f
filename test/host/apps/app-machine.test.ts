import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  backoffCapMs,
  healthyAfterMs,
  beginsAt,
  idleMachine,
  keepOldMs,
  step,
  wakeAt,
} from '../../../host/apps/app-machine.ts'
import type { AppAction, AppEvent, AppMachine } from '../../../host/apps/app-state.ts'
import type { Verdict } from '../../../host/apps/release.ts'
import { seededRandom } from '../fake-clock.ts'
import { releaseOf } from './fake-engine.ts'

const run: Verdict = { may: 'run' }
const reason = { code: 'ERR_TEST', message: 'for the test', hint: 'none' }
const [one, two, three] = [releaseOf(1), releaseOf(2), releaseOf(3)]

/** Feeds events to a machine and shows what it asks for. */
class Bench {
  machine: AppMachine = idleMachine
  nowMs = 0
  readonly #random = seededRandom(1)

  /** @returns the actions in short: `fetch 1.0.0`, `start 1.0.0 #1` */
  send(event: AppEvent): string[] {
    const now = { wallMs: 1_000_000 + this.nowMs, monotonicMs: this.nowMs }
    const { machine, actions } = step(this.machine, event, now, this.#random)
    this.machine = machine
    return actions.map(describeAction)
  }

  desire(release = one, verdict = run): string[] {
    return this.send({ type: 'desired', release, verdict })
  }

  /** Brings a release from desired to running. @returns the actions of the switch */
  bringUp(release = one): string[] {
    this.desire(release)
    this.send({ type: 'fetched', digest: release.digest })
    this.send({ type: 'prepared', digest: release.digest })
    const instance = this.machine.lastInstance
    this.send({ type: 'started', instance })
    return this.send({ type: 'checked', instance })
  }

  /** Waits until the machine wants to be woken. */
  wake(): string[] {
    this.nowMs = wakeAt(this.machine) ?? this.nowMs
    return this.send({ type: 'tick' })
  }
}

function describeAction(action: AppAction): string {
  const version = 'release' in action ? ` ${action.release.record.version}` : ''
  const instance = 'instance' in action ? ` #${action.instance}` : ''
  return `${action.type}${version}${instance}`
}

describe('an app’s first release', () => {
  it('is fetched, prepared, started, checked, and then gets events', () => {
    const bench = new Bench()
    expect(bench.desire()).toEqual(['fetch 1.0.0'])
    expect(bench.send({ type: 'fetched', digest: one.digest })).toEqual(['prepare 1.0.0'])
    expect(bench.send({ type: 'prepared', digest: one.digest })).toEqual(['start 1.0.0 #1'])
    expect(bench.send({ type: 'started', instance: 1 })).toEqual(['check #1'])
    expect(bench.send({ type: 'checked', instance: 1 })).toEqual(['switch 1.0.0 #1'])
    expect(bench.machine).toMatchObject({
      current: { phase: 'running', instance: 1 },
      next: null,
      kept: null,
    })
  })

  it('waits, without fetching a byte, where the node lacks a device', () => {
    const bench = new Bench()
    expect(bench.desire(one, { may: 'wait', reason })).toEqual([])
    expect(bench.machine.next).toMatchObject({ phase: 'waiting', reason })
    expect(wakeAt(bench.machine)).toBeNull()
  })

  it('is refused at once where it can never run', () => {
    const bench = new Bench()
    expect(bench.desire(one, { may: 'never', reason })).toEqual([])
    expect(bench.machine.next).toMatchObject({ phase: 'refused', reason })
  })

  it('begins at any moment while it is on its way or runs, after its pause, or never', () => {
    const bench = new Bench()
    expect(beginsAt(bench.machine)).toBe(Infinity)
    bench.desire(one, { may: 'wait', reason })
    expect(beginsAt(bench.machine)).toBe(Infinity)
    const other = new Bench()
    other.desire()
    expect(beginsAt(other.machine)).toBe(0)
    other.send({ type: 'fetch-failed', digest: one.digest, reason })
    expect(beginsAt(other.machine)).toBe(wakeAt(other.machine))
    expect(beginsAt(other.machine)).toBeGreaterThan(0)
  })

  it('is fetched again after a pause where nobody had it, and keeps saying why', () => {
    const bench = new Bench()
    bench.desire()
    expect(bench.send({ type: 'fetch-failed', digest: one.digest, reason })).toEqual([])
    expect(bench.machine.next).toMatchObject({ phase: 'backoff', reason, retry: { step: 'fetch' } })
    expect(bench.wake()).toEqual(['fetch 1.0.0'])
    expect(bench.machine.next).toMatchObject({ phase: 'fetching', reason })
  })

  it('is not announced twice by the same record', () => {
    const bench = new Bench()
    bench.desire()
    expect(bench.desire()).toEqual([])
  })
})

describe('a newer release', () => {
  it('comes up beside the current one, which is kept until the new one has handled an event', () => {
    const bench = new Bench()
    bench.bringUp(one)
    expect(bench.bringUp(two)).toEqual(['switch 2.0.0 #2'])
    expect(bench.machine.kept).toMatchObject({ instance: 1 })
    expect(bench.send({ type: 'handled', instance: 1 })).toEqual([])
    expect(bench.send({ type: 'handled', instance: 2 })).toEqual(['retire #1'])
    expect(bench.machine.kept).toBeNull()
  })

  it('retires the old one after 30 s where no event comes', () => {
    const bench = new Bench()
    bench.bringUp(one)
    bench.bringUp(two)
    expect(wakeAt(bench.machine)).toBe(keepOldMs)
    expect(bench.wake()).toEqual(['retire #1'])
  })

  it.each(['refused', 'prepare-failed'] as const)('leaves the running one alone when it is %s', (type) => {
    const bench = new Bench()
    bench.bringUp(one)
    const { current } = bench.machine
    bench.desire(two)
    bench.send({ type: 'fetched', digest: two.digest })
    expect(bench.send({ type, digest: two.digest, reason })).toEqual([])
    expect(bench.machine.current).toBe(current)
    expect(bench.machine.next).toMatchObject({ reason })
  })

  it('leaves the running one alone when its instance cannot be made, and tries again', () => {
    const bench = new Bench()
    bench.bringUp(one)
    bench.desire(two)
    bench.send({ type: 'fetched', digest: two.digest })
    bench.send({ type: 'prepared', digest: two.digest })
    expect(bench.send({ type: 'start-failed', instance: 2, reason, step: 'start' })).toEqual([])
    expect(bench.machine.current).toMatchObject({ phase: 'running', instance: 1 })
    expect(bench.wake()).toEqual(['start 2.0.0 #3'])
  })

  it('is prepared again where its prepared form was lost', () => {
    const bench = new Bench()
    bench.desire(one)
    bench.send({ type: 'fetched', digest: one.digest })
    bench.send({ type: 'prepared', digest: one.digest })
    bench.send({ type: 'start-failed', instance: 1, reason, step: 'prepare' })
    expect(bench.wake()).toEqual(['fetch 1.0.0'])
  })

  it('that dies while it is checked never gets an event', () => {
    const bench = new Bench()
    bench.bringUp(one)
    bench.desire(two)
    bench.send({ type: 'fetched', digest: two.digest })
    bench.send({ type: 'prepared', digest: two.digest })
    bench.send({ type: 'started', instance: 2 })
    expect(bench.send({ type: 'ended', instance: 2, reason })).toEqual([])
    expect(bench.send({ type: 'checked', instance: 2 })).toEqual([])
    expect(bench.machine.current).toMatchObject({ instance: 1 })
  })

  it('supersedes one that is still being fetched', () => {
    const bench = new Bench()
    bench.desire(one)
    expect(bench.desire(two)).toEqual(['abandon 1.0.0', 'fetch 2.0.0'])
    expect(bench.send({ type: 'fetched', digest: one.digest })).toEqual([])
  })

  it('supersedes one whose instance is starting, which is ended as soon as it is there', () => {
    const bench = new Bench()
    bench.desire(one)
    bench.send({ type: 'fetched', digest: one.digest })
    bench.send({ type: 'prepared', digest: one.digest })
    expect(bench.desire(two)).toEqual(['abandon 1.0.0', 'retire #1', 'fetch 2.0.0'])
    expect(bench.send({ type: 'started', instance: 1 })).toEqual(['retire #1'])
  })

  it('takes the place of a current one that is down', () => {
    const bench = new Bench()
    bench.bringUp(one)
    bench.send({ type: 'ended', instance: 1, reason })
    expect(bench.bringUp(two)).toEqual(['switch 2.0.0 #2', 'abandon 1.0.0'])
    expect(bench.machine.kept).toBeNull()
  })

  it('retires what was kept from the swap before, so that two swaps in a row leave two instances', () => {
    const bench = new Bench()
    bench.bringUp(one)
    bench.bringUp(two)
    expect(bench.bringUp(three)).toEqual(['switch 3.0.0 #3', 'retire #1'])
    expect(bench.machine.kept).toMatchObject({ instance: 2 })
  })

  it('is given up when the mesh settles on the one that runs', () => {
    const bench = new Bench()
    bench.bringUp(one)
    bench.desire(two)
    expect(bench.desire(one)).toEqual(['abandon 2.0.0'])
    expect(bench.machine.next).toBeNull()
  })
})

describe('a running instance that dies', () => {
  it('is started again after a pause that grows, up to 30 s', () => {
    const bench = new Bench()
    bench.bringUp(one)
    const pauses: number[] = []
    for (let attempt = 0; attempt < 12; attempt += 1) {
      const instance = bench.machine.current?.instance ?? 0
      bench.send({ type: 'ended', instance, reason })
      pauses.push((wakeAt(bench.machine) ?? 0) - bench.nowMs)
      expect(bench.wake()).toEqual([`start 1.0.0 #${instance + 1}`])
      bench.send({ type: 'started', instance: instance + 1 })
      expect(bench.send({ type: 'checked', instance: instance + 1 })).toEqual([
        `switch 1.0.0 #${instance + 1}`,
      ])
    }
    expect(pauses[0]).toBeGreaterThanOrEqual(100)
    expect(pauses[0]).toBeLessThanOrEqual(200)
    expect(Math.max(...pauses)).toBeGreaterThan(5_000)
    expect(Math.max(...pauses)).toBeLessThanOrEqual(backoffCapMs)
    expect(bench.machine.current).toMatchObject({ failures: 12, restarts: 12 })
  })

  it('begins its pauses anew after a minute of health', () => {
    const bench = new Bench()
    bench.bringUp(one)
    for (let attempt = 0; attempt < 8; attempt += 1) {
      const instance = bench.machine.lastInstance
      bench.send({ type: 'ended', instance, reason })
      bench.wake()
      bench.send({ type: 'started', instance: instance + 1 })
      bench.send({ type: 'checked', instance: instance + 1 })
    }
    bench.nowMs += healthyAfterMs
    bench.send({ type: 'ended', instance: bench.machine.lastInstance, reason })
    expect((wakeAt(bench.machine) ?? 0) - bench.nowMs).toBeLessThanOrEqual(200)
  })

  it('says why in its state until it runs again', () => {
    const bench = new Bench()
    bench.bringUp(one)
    bench.send({ type: 'ended', instance: 1, reason })
    expect(bench.machine.current).toMatchObject({ phase: 'backoff', reason })
    bench.wake()
    bench.send({ type: 'started', instance: 2 })
    bench.send({ type: 'checked', instance: 2 })
    expect(bench.machine.current).toMatchObject({ phase: 'running', reason: null })
  })
})

describe('after a restart of the node', () => {
  it('the release that last ran comes up as well, and runs where the newest is refused', () => {
    const bench = new Bench()
    expect(bench.send({ type: 'restored', release: one })).toEqual(['fetch 1.0.0'])
    bench.desire(two, { may: 'never', reason })
    bench.send({ type: 'fetched', digest: one.digest })
    bench.send({ type: 'prepared', digest: one.digest })
    bench.send({ type: 'started', instance: 1 })
    expect(bench.send({ type: 'checked', instance: 1 })).toEqual(['switch 1.0.0 #1'])
    expect(bench.machine).toMatchObject({ current: { phase: 'running' }, next: { phase: 'refused' } })
  })

  it('the newest takes over even where it is up before the old one', () => {
    const bench = new Bench()
    bench.send({ type: 'restored', release: one })
    expect(bench.bringUp(two)).toEqual(['switch 2.0.0 #1', 'abandon 1.0.0'])
  })
})

describe('an app that is no longer wanted', () => {
  it('ends all it has', () => {
    const bench = new Bench()
    bench.bringUp(one)
    bench.bringUp(two)
    bench.desire(three)
    expect(bench.send({ type: 'unwanted' })).toEqual([
      'abandon 3.0.0',
      'abandon 2.0.0',
      'retire #2',
      'retire #1',
    ])
    expect(bench.machine).toEqual({ ...idleMachine, lastInstance: 2 })
  })
})

const releases = [one, two, three, releaseOf(4)]
const anyRelease = fc.constantFrom(...releases)
const anyInstance = fc.integer({ min: 1, max: 8 })
const anyEvent: fc.Arbitrary<AppEvent> = fc.oneof(
  fc.record({
    type: fc.constant('desired' as const),
    release: anyRelease,
    verdict: fc.constantFrom<Verdict>(run, run, { may: 'wait', reason }, { may: 'never', reason }),
  }),
  fc.record({
    type: fc.constant('restored' as const),
    release: anyRelease,
    doubt: fc.constantFrom(null, { reason, waitMs: 2_000 }),
  }),
  fc.record({
    type: fc.constantFrom('fetched' as const, 'prepared' as const),
    digest: anyRelease.map(({ digest }) => digest),
  }),
  fc.record({
    type: fc.constantFrom('fetch-failed' as const, 'prepare-failed' as const, 'refused' as const),
    digest: anyRelease.map(({ digest }) => digest),
    reason: fc.constant(reason),
  }),
  fc.record({
    type: fc.constantFrom('started' as const, 'checked' as const, 'handled' as const),
    instance: anyInstance,
  }),
  fc.record({
    type: fc.constant('start-failed' as const),
    instance: anyInstance,
    reason: fc.constant(reason),
    step: fc.constantFrom('prepare' as const, 'start' as const),
  }),
  fc.record({ type: fc.constant('ended' as const), instance: anyInstance, reason: fc.constant(reason) }),
  fc.constant<AppEvent>({ type: 'tick' }),
  fc.constant<AppEvent>({ type: 'unwanted' }),
)
const anyHistory = fc.array(fc.tuple(anyEvent, fc.nat(20_000)), { maxLength: 60 })

/** What must hold in every state. */
function expectLegal({ current, next, kept, lastInstance }: AppMachine): void {
  for (const slot of [current, next]) {
    if (slot === null) continue
    const hasInstance = slot.phase === 'starting' || slot.phase === 'checking' || slot.phase === 'running'
    expect(slot.instance !== null).toBe(hasInstance)
    expect(slot.retry !== null).toBe(slot.phase === 'backoff')
    expect(slot.instance ?? 0).toBeLessThanOrEqual(lastInstance)
    if (['backoff', 'waiting', 'refused'].includes(slot.phase)) expect(slot.reason).not.toBeNull()
  }
  expect(next?.phase).not.toBe('running')
  if (current !== null && next !== null) expect(current.release.digest).not.toBe(next.release.digest)
  const instances = [current?.instance, next?.instance, kept?.instance].filter(
    (one) => typeof one === 'number',
  )
  expect(new Set(instances).size).toBe(instances.length)
}

describe('whatever happens in whatever order', () => {
  it('the machine stays legal, numbers instances once and retires only what it started', () => {
    fc.assert(
      fc.property(anyHistory, fc.integer(), (history, seed) => {
        const random = seededRandom(seed)
        let machine = idleMachine
        let nowMs = 0
        const started = new Set<number>()
        for (const [event, passMs] of history) {
          nowMs += passMs
          const result = step(machine, event, { wallMs: nowMs, monotonicMs: nowMs }, random)
          for (const action of result.actions) {
            if (action.type === 'start') {
              expect(started.has(action.instance)).toBe(false)
              started.add(action.instance)
            }
            if (action.type === 'switch') expect(result.machine.current?.instance).toBe(action.instance)
          }
          machine = result.machine
          expectLegal(machine)
        }
      }),
      { numRuns: 500 },
    )
  })

  it('a running release is retired only for one that was checked, or when the app is unwanted', () => {
    fc.assert(
      fc.property(anyHistory, fc.integer(), (history, seed) => {
        const random = seededRandom(seed)
        let machine = idleMachine
        let nowMs = 0
        for (const [event, passMs] of history) {
          nowMs += passMs
          const before = machine.current
          const result = step(machine, event, { wallMs: nowMs, monotonicMs: nowMs }, random)
          machine = result.machine
          if (before?.phase !== 'running' || before.instance === null) continue
          const retired = result.actions.some(
            (action) => action.type === 'retire' && action.instance === before.instance,
          )
          if (retired) expect(event.type).toBe('unwanted')
          const stillServes = machine.current?.instance === before.instance
          if (!stillServes && event.type !== 'unwanted')
            expect(['ended', 'start-failed', 'checked']).toContain(event.type)
        }
      }),
      { numRuns: 500 },
    )
  })
})
