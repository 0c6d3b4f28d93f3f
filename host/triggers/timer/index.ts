/**
 * `kind = "timer"`: an event at a steady rate by the monotonic clock, whatever the time of day. Periods that went by
 * while nobody could take them are counted and not made up for.
 */
import * as v from 'valibot'
import type { Cancel } from '../../../core/index.ts'
import type { EventFacts, TriggerKind } from '../contract.ts'
import { msField, said, writtenDuration } from '../fields.ts'

const monthMs = 31 * 86_400_000
/** Timers of the system hold 24.8 days and fire at once beyond. */
const longestWaitMs = 86_400_000

const options = v.pipe(
  v.strictObject({
    everyMs: msField(10, monthMs, 'from 10 ms to 31 days'),
    /** At most so much later than the period says, by chance: devices that started together do not all call at once. */
    jitterMs: v.optional(msField(0, monthMs, 'from 0 to the period')),
  }),
  v.forward(
    v.check(({ everyMs, jitterMs = 0 }) => jitterMs <= everyMs, 'is more than the period; lower it'),
    ['jitterMs'],
  ),
)
type TimerOptions = v.InferOutput<typeof options>

export type TimerPayload = {
  /** As it was written: `every 5000 ms`, or the cron line. */
  readonly schedule: string
  /** Wall clock, of the moment it was due. */
  readonly timeMs: number
  /** Turns before it that nobody took. */
  readonly missed: number
}

export function timerArgs(
  { schedule, timeMs, missed }: TimerPayload,
  { id, attempt }: EventFacts,
): unknown[] {
  return [{ id: BigInt(id), attempt, schedule, timeMs: BigInt(timeMs), missed }]
}

export const timerHandler = 'selvedge:edge/timer-handler@0.1.0'

/** The turn that is next, and how many went by without one. Times since the start, ms. */
export function nextTurn(
  last: number,
  sinceStartMs: number,
  everyMs: number,
): { turn: number; missed: number } {
  const turn = Math.max(last + 1, Math.floor(sinceStartMs / everyMs) + 1)
  return { turn, missed: turn - last - 1 }
}

export const timerTrigger: TriggerKind<TimerOptions, TimerPayload> = {
  kind: 'timer',
  summary: 'an event at a steady rate',
  written: { every: writtenDuration('10ms', '31d'), jitter: v.optional(writtenDuration('0ms', '31d')) },
  toSpec: ({ every, jitter }) => said({ everyMs: every, jitterMs: jitter } as Record<string, number>),
  fromOption: (text) => ({ every: text }),
  options,
  handlers: [timerHandler],
  method: 'handle',
  delivery: 'at-most-once',
  requiredGrants: () => [],
  args: timerArgs,
  start({ everyMs, jitterMs = 0 }, { clock, random, emit }) {
    const startedMs = clock.monotonicMs()
    const schedule = `every ${everyMs} ms`
    let turn = 0
    let missed = 0
    let cancel: Cancel | null = null
    const since = (): number => clock.monotonicMs() - startedMs
    const waitUntil = (dueMs: number): void => {
      const leftMs = dueMs - since()
      if (leftMs > longestWaitMs) {
        cancel = clock.after(longestWaitMs, () => waitUntil(dueMs))
        return
      }
      cancel = clock.after(Math.max(0, leftMs), () => {
        emit({ payload: { schedule, timeMs: Math.max(0, Math.floor(clock.now())), missed } })
        arm()
      })
    }
    const arm = (): void => {
      const next = nextTurn(turn, since(), everyMs)
      turn = next.turn
      missed = next.missed
      // Chance moves the moment and not the rhythm.
      waitUntil(turn * everyMs + random.fraction() * jitterMs)
    }
    arm()
    return { stop: () => cancel?.() }
  },
}
