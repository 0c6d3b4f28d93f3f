import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readCronLine } from '../../../host/triggers/cron/line.ts'
import { decideRuns, mostMissedRuns, type MissedRule } from '../../../host/triggers/cron/schedule.ts'
import { FakeClock } from '../fake-clock.ts'
import { runTrigger } from './context.ts'

const start = Date.UTC(2026, 0, 1)
const minute = 60_000
const hour = 3_600_000
/** A line of every so many ms. */
const each =
  (ms: number) =>
  (at: number): number =>
    (Math.floor(at / ms) + 1) * ms
const times = (decision: ReturnType<typeof decideRuns>): number[] =>
  decision.runs.map(({ timeMs }) => (timeMs - start) / minute)

describe('a cron line', () => {
  it('runs after a moment, in its zone', () => {
    const line = readCronLine('30 6 * * *', 'Europe/Berlin')
    if (typeof line !== 'function') throw new Error(line.why)
    expect(new Date(line(Date.UTC(2026, 6, 1)) ?? 0).toISOString()).toBe('2026-07-01T04:30:00.000Z')
    expect(new Date(line(Date.UTC(2026, 0, 1)) ?? 0).toISOString()).toBe('2026-01-01T05:30:00.000Z')
  })

  it('may have seconds', () => {
    const line = readCronLine('*/5 * * * * *')
    if (typeof line !== 'function') throw new Error(line.why)
    expect(line(start)).toBe(start + 5_000)
  })

  it.each([
    ['0 0 30 2 *', undefined, 'can never run'],
    ['61 * * * *', undefined, 'is no cron line'],
    ['* * *', undefined, 'is no cron line'],
    ['* * * * *', 'Mars/Olympus', 'which is not known here'],
    [`${'0,'.repeat(120)}1 * * * *`, undefined, 'more than 200 characters'],
  ])('%s is refused with the reason', (line, zone, why) => {
    const read = readCronLine(line, zone)
    expect(typeof read === 'function' ? '' : read.why).toContain(why)
  })
})

describe('runs that nobody made', () => {
  const after = (rule: MissedRule) => decideRuns(each(10 * minute), start, start + 35 * minute, rule)

  it('are left out, made once or made all, as the rule says', () => {
    expect(times(after('skip'))).toEqual([])
    expect(after('once').runs).toEqual([{ timeMs: start + 30 * minute, missed: 2 }])
    expect(times(after('all'))).toEqual([10, 20, 30])
  })

  it('are the last hundred where all of them were more, and the first says how many are not made', () => {
    const decision = decideRuns(each(minute), start, start + 300 * minute + 1, 'all')
    expect(decision.runs).toHaveLength(mostMissedRuns)
    expect(times(decision).at(-1)).toBe(300)
    expect(decision.runs[0]).toMatchObject({ timeMs: start + 201 * minute, missed: 200 })
    expect(decideRuns(each(minute), decision.doneMs, start + 300 * minute + 2, 'all').runs).toEqual([])
  })

  it('are not looked for where the clock was never set', () => {
    expect(decideRuns(each(minute), start, 5_000, 'all')).toMatchObject({
      runs: [],
      doneMs: start,
      clockIsSet: false,
    })
  })

  it('are none where the clock was ahead before and was put right', () => {
    const wrong = Date.UTC(2035, 0, 1)
    const decision = decideRuns(each(minute), wrong, start, 'all')
    expect(decision).toMatchObject({ runs: [], doneMs: start })
    expect(times(decideRuns(each(minute), decision.doneMs, start + minute, 'all'))).toEqual([1])
  })

  it('are not made twice where the clock goes back a little', () => {
    const done = decideRuns(each(minute), start, start + minute, 'all').doneMs
    expect(decideRuns(each(minute), done, start + minute - 30_000, 'all').runs).toEqual([])
    expect(decideRuns(each(minute), done, start + minute, 'all').runs).toEqual([])
  })

  it('under any clock: no moment is run twice, none before its time, and all are run by "all"', () => {
    const steps = fc.array(fc.integer({ min: -20 * minute, max: 90 * minute }), { maxLength: 25 })
    fc.assert(
      fc.property(steps, fc.constantFrom('skip', 'once', 'all' as const), (moves, rule) => {
        const line = each(7 * minute)
        let nowMs = start
        let doneMs: number | null = start
        const made: number[] = []
        for (const move of moves) {
          nowMs = Math.max(start, nowMs + move)
          const decision = decideRuns(line, doneMs, nowMs, rule)
          for (const { timeMs } of decision.runs) {
            expect(timeMs).toBeLessThanOrEqual(nowMs)
            expect(timeMs % (7 * minute)).toBe(line(timeMs - 1) % (7 * minute))
            made.push(timeMs)
          }
          // A clock that jumps back by more than an hour was wrong before: it begins anew.
          if (doneMs !== null && doneMs > nowMs + hour) made.length = 0
          doneMs = decision.doneMs
        }
        expect(new Set(made).size).toBe(made.length)
        expect([...made].sort((a, b) => a - b)).toEqual(made)
        if (rule !== 'all' || made.length === 0) return
        const first = made[0] ?? 0
        expect(made).toEqual(made.map((_, index) => first + index * 7 * minute))
      }),
    )
  })
})

describe('the cron trigger', () => {
  const spec = { kind: 'cron', line: '*/10 * * * *' }

  it('runs at its times, by the wall clock', async () => {
    const run = runTrigger(spec, [], {}, new FakeClock(start + 5 * minute))
    await run.clock.advance(26 * minute)
    expect(run.events.map(({ payload }) => (payload as { timeMs: number }).timeMs)).toEqual(
      [10, 20, 30].map((at) => start + at * minute),
    )
    expect(run.args(2)).toEqual([
      { id: 2n, attempt: 1, schedule: '*/10 * * * *', timeMs: BigInt(start + 30 * minute), missed: 0 },
    ])
    expect(run.planned.terms.promise).toBe('at-least-once')
    run.stop()
    expect(run.memory.writes).toBe(0)
  })

  it('makes up after a restart for what its rule says, from what it noted', async () => {
    const first = runTrigger({ ...spec, missed: 'all' }, [], {}, new FakeClock(start + 5 * minute))
    await first.clock.advance(6 * minute)
    first.stop()
    expect(first.events).toHaveLength(1)
    const later = new FakeClock(start + 45 * minute)
    const second = runTrigger({ ...spec, missed: 'all' }, [], {}, later, first.memory)
    await later.advance(1_000)
    expect(second.events.map(({ payload }) => (payload as { timeMs: number }).timeMs)).toEqual(
      [20, 30, 40].map((at) => start + at * minute),
    )
    second.stop()
  })

  it('with a note that cannot be read begins anew', async () => {
    const clock = new FakeClock(start)
    const run = runTrigger({ ...spec, missed: 'all' }, [], {}, clock, { value: { doneMs: 'x' }, writes: 0 })
    await clock.advance(10 * minute)
    expect(run.events).toHaveLength(1)
    run.stop()
  })

  it('waits for a clock that is not set, and says so once', async () => {
    const run = runTrigger(spec, [], {}, new FakeClock(0))
    await run.clock.advance(hour)
    expect(run.events).toEqual([])
    expect(run.problems).toMatchObject([{ code: 'ERR_TRIGGER_CLOCK' }])
    run.stop()
  })

  it('offers a run again that could not be put on the disk, and says so', async () => {
    let refused = 0
    const events: unknown[] = []
    const run = runTrigger(
      spec,
      [],
      {
        offer: async (event) => {
          refused += 1
          if (refused < 3) throw new Error('the disk is full')
          events.push(event)
        },
      },
      new FakeClock(start + 5 * minute),
    )
    await run.clock.advance(6 * minute)
    expect(events).toHaveLength(1)
    expect(run.problems[0]).toMatchObject({ code: 'ERR_TRIGGER_EVENT' })
    run.stop()
  })
})
