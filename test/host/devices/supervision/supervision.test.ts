import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { deviceLimits } from '../../../../host/devices/supervision/limits.ts'
import {
  Supervision,
  type DeviceAction,
  type DeviceEvent,
} from '../../../../host/devices/supervision/supervision.ts'
import { seededRandom } from '../../fake-clock.ts'

const checkMs = 10_000
const staleAfterMs = 30_000

/** A machine, and the time it is told. */
function machine(checks: number | null = checkMs, isKept = false) {
  const supervision = new Supervision({ checkMs: checks, isKept }, seededRandom(1), 0)
  const at = (nowMs: number, event: DeviceEvent): readonly DeviceAction[] => supervision.handle(event, nowMs)
  return { supervision, at, state: () => supervision.health.state, why: () => supervision.health.why }
}

const turn: DeviceEvent = { kind: 'turn' }
const answered: DeviceEvent = { kind: 'answered' }
const opened: DeviceEvent = { kind: 'opened', staleAfterMs }
const silent: DeviceEvent = { kind: 'silent', why: 'no answer', isStuck: false }
const wrong: DeviceEvent = { kind: 'wrong', why: 'it reads NaN' }

function running() {
  const made = machine()
  made.at(0, turn)
  made.at(0, opened)
  made.at(0, answered)
  return made
}

describe('the life of a device', () => {
  it('begins missing, is opened at once, asked at once, and well when it has answered', () => {
    const { at, state } = machine()
    expect(state()).toBe('missing')
    expect(at(0, turn)).toEqual(['open'])
    expect(at(5, opened)).toEqual(['check'])
    at(6, answered)
    expect(state()).toBe('ok')
  })

  it('is missing with the reason, and tried again after a pause that grows up to a cap', () => {
    const { supervision, at, state, why } = machine()
    const pauses: number[] = []
    let nowMs = 0
    for (let attempt = 0; attempt < 12; attempt += 1) {
      expect(at(nowMs, turn)).toEqual(['open'])
      at(nowMs, { kind: 'open-failed', why: 'no such bus' })
      pauses.push((supervision.nextMs ?? 0) - nowMs)
      nowMs = supervision.nextMs ?? 0
    }
    expect([state(), why()]).toEqual(['missing', 'no such bus'])
    expect(pauses[0]).toBeLessThanOrEqual(deviceLimits.reopenMs)
    expect(Math.max(...pauses)).toBeLessThanOrEqual(deviceLimits.reopenCapMs)
    expect(Math.max(...pauses.slice(6))).toBeGreaterThan(deviceLimits.reopenCapMs / 4)
  })

  it('that was unplugged is closed and missing at once, and well again when it is back and answers', () => {
    const { supervision, at, state } = running()
    expect(at(20_000, { kind: 'gone', why: 'unplugged' })).toEqual(['close'])
    expect(state()).toBe('missing')
    const backMs = supervision.nextMs ?? 0
    expect(at(backMs, turn)).toEqual(['open'])
    expect(at(backMs, opened)).toEqual(['check'])
    at(backMs, answered)
    expect(state()).toBe('ok')
  })

  it('is asked only when nobody has for a while, and not while it is being asked', () => {
    const { supervision, at } = running()
    at(4_000, answered)
    expect(supervision.nextMs).toBe(14_000)
    expect(at(13_999, turn)).toEqual([])
    expect(at(14_000, turn)).toEqual(['check'])
    expect(at(90_000, turn)).toEqual([])
  })

  it('is stale when it answered before and has not within its limit, however often it is asked', () => {
    const { at, state, why } = running()
    at(10_000, silent)
    expect(state()).toBe('ok')
    at(staleAfterMs - 1, silent)
    expect(state()).toBe('ok')
    at(staleAfterMs, turn)
    expect([state(), why()]).toEqual(['stale', 'no answer'])
    at(staleAfterMs + 1, answered)
    expect(state()).toBe('ok')
  })

  it('that never answered is faulty with the reason', () => {
    const { at, state, why } = machine()
    at(0, turn)
    at(0, opened)
    at(5_000, silent)
    expect([state(), why()]).toEqual(['faulty', 'no answer'])
  })

  it('that is only listened to is missing until it is first heard, and stale when it falls silent', () => {
    const { supervision, at, state } = machine(null)
    at(0, turn)
    expect(at(0, opened)).toEqual([])
    expect(supervision.nextMs).toBe(staleAfterMs)
    at(staleAfterMs, turn)
    expect(state()).toBe('missing')
    at(40_000, answered)
    expect(state()).toBe('ok')
    at(40_000 + staleAfterMs, turn)
    expect(state()).toBe('stale')
  })

  it('whose silence says nothing is never stale', () => {
    const { supervision, at, state } = machine(null)
    at(0, turn)
    at(0, { kind: 'opened', staleAfterMs: null })
    expect(supervision.nextMs).toBeNull()
    at(9_000_000, turn)
    expect(state()).toBe('ok')
  })

  it('is closed and opened anew after several failures in a row, or at once where it hangs', () => {
    const some = running()
    expect(some.at(1_000, silent)).toEqual([])
    expect(some.at(2_000, silent)).toEqual([])
    expect(some.at(3_000, silent)).toEqual(['close'])
    expect(some.state()).toBe('ok')
    const hanging = running()
    expect(hanging.at(1_000, { kind: 'silent', why: 'no answer in 5 s', isStuck: true })).toEqual(['close'])
  })

  it('that hears by itself is not opened anew for failures, only when it says that it is gone', () => {
    const { at, state } = machine(checkMs, true)
    at(0, turn)
    at(0, { kind: 'opened', staleAfterMs: null })
    for (let nowMs = 1_000; nowMs < 20_000; nowMs += 1_000) {
      expect(at(nowMs, { kind: 'silent', why: 'the broker is down', isStuck: true })).toEqual([])
    }
    expect(state()).toBe('faulty')
    at(20_000, answered)
    expect(state()).toBe('ok')
    expect(at(21_000, { kind: 'gone', why: 'it was removed' })).toEqual(['close'])
  })

  it('is faulty from the first wrong reading until it was right for a while, not in turns with being well', () => {
    const { supervision, at, state } = running()
    let changes = 0
    for (let nowMs = 1_000; nowMs < 20_000; nowMs += 100) {
      const before = state()
      at(nowMs, nowMs % 200 === 0 ? wrong : answered)
      if (state() !== before) changes += 1
    }
    expect([state(), changes]).toEqual(['faulty', 1])
    at(20_000, answered)
    const settledMs = supervision.nextMs ?? 0
    expect(settledMs).toBeLessThanOrEqual(20_000 + deviceLimits.settleMs)
    at(settledMs, turn)
    expect(state()).toBe('ok')
  })

  it('that vanishes again and again is opened less and less often', () => {
    const { supervision, at } = running()
    const openings: number[] = []
    let nowMs = 1_000
    while (nowMs < 120_000) {
      at(nowMs, { kind: 'gone', why: 'a loose plug' })
      nowMs = supervision.nextMs ?? 0
      openings.push(nowMs)
      at(nowMs, turn)
      at(nowMs, opened)
      at(nowMs, answered)
      nowMs += 10
    }
    expect(openings.length).toBeLessThan(60)
  })
})

const event: fc.Arbitrary<DeviceEvent> = fc.oneof(
  { arbitrary: fc.constant(turn), weight: 4 },
  fc.constant(opened),
  fc.constant({ kind: 'opened', staleAfterMs: null } as const),
  fc.constant({ kind: 'open-failed', why: 'no such bus' } as const),
  fc.constant({ kind: 'gone', why: 'unplugged' } as const),
  fc.constant(answered),
  fc.boolean().map((isStuck): DeviceEvent => ({ kind: 'silent', why: 'no answer', isStuck })),
  fc.constant(wrong),
)

describe('whatever happens, in whatever order', () => {
  const history = fc.array(fc.tuple(fc.integer({ min: 0, max: 40_000 }), event), { maxLength: 80 })

  it('a device is opened only when it is closed, closed only when it is open, and asked only while it is open', () => {
    fc.assert(
      fc.property(history, fc.constantFrom(checkMs, null), fc.integer(), (events, checks, seed) => {
        const supervision = new Supervision({ checkMs: checks }, seededRandom(seed), 0)
        let phase = 'closed'
        let nowMs = 0
        for (const [afterMs, happening] of events) {
          nowMs += afterMs
          // The effects report only on what they were asked for.
          const isOfOpening = happening.kind === 'opened' || happening.kind === 'open-failed'
          if (isOfOpening !== (phase === 'opening') && happening.kind !== 'turn') continue
          if (isOfOpening) phase = happening.kind === 'opened' ? 'open' : 'closed'
          for (const action of supervision.handle(happening, nowMs)) {
            expect(phase).toBe(action === 'open' ? 'closed' : 'open')
            if (action === 'open') phase = 'opening'
            if (action === 'close') phase = 'closed'
          }
          // Somebody always has the next move: the clock, or the attempt that is under way.
          if (phase === 'closed') expect(supervision.nextMs).not.toBeNull()
          if (phase === 'closed')
            expect(supervision.nextMs).toBeLessThanOrEqual(nowMs + deviceLimits.reopenCapMs)
          if (phase === 'opening') expect(supervision.nextMs).toBeNull()
        }
      }),
    )
  })

  it('its health has a time that is not in the future, and says why where it is not well', () => {
    fc.assert(
      fc.property(history, fc.integer(), (events, seed) => {
        const supervision = new Supervision({ checkMs }, seededRandom(seed), 0)
        let nowMs = 0
        for (const [afterMs, happening] of events) {
          nowMs += afterMs
          supervision.handle(happening, nowMs)
          const { state, sinceMs, why } = supervision.health
          expect(sinceMs).toBeLessThanOrEqual(nowMs)
          if (state === 'missing' || state === 'faulty') expect(why).not.toBe('')
        }
      }),
    )
  })

  it('a device that comes back and answers is well within the cap and the time to settle', () => {
    fc.assert(
      fc.property(history, fc.integer(), (events, seed) => {
        const supervision = new Supervision({ checkMs }, seededRandom(seed), 0)
        let nowMs = 0
        for (const [afterMs, happening] of events) {
          nowMs += afterMs
          supervision.handle(happening, nowMs)
        }
        const fromMs = nowMs
        const limitMs = fromMs + deviceLimits.reopenCapMs + deviceLimits.settleMs + checkMs + 1
        // An attempt may be under way from before.
        supervision.handle(opened, nowMs)
        supervision.handle(answered, nowMs)
        while (supervision.health.state !== 'ok' && nowMs < limitMs) {
          nowMs = Math.max(nowMs + 1, Math.min(limitMs, supervision.nextMs ?? limitMs))
          for (const action of supervision.handle(turn, nowMs)) {
            if (action === 'open') supervision.handle(opened, nowMs)
            if (action !== 'close') supervision.handle(answered, nowMs)
          }
        }
        expect(supervision.health.state).toBe('ok')
      }),
    )
  })
})
