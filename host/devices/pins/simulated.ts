/**
 * A pin that exists only here and remembers its edges: for learning, demonstrations and tests.
 *
 * An input follows its pattern by the wall clock, as the simulated sensor does: two nodes with the same options and the
 * same time see the same levels.
 */
import * as v from 'valibot'
import type { Cancel, Clock } from '../../../core/index.ts'
import { durationField } from '../../toml/index.ts'
import type { Pin, PinDirection, PinDriver } from '../contract.ts'
import { deviceProblems } from '../problems.ts'
import { EdgeLog } from './edge-log.ts'

const options = v.strictObject({
  /** The level before anyone has written one, or of an input without a pattern. */
  initial: v.optional(v.boolean(), false),
  /** `out` where it is left out; what has a pattern is an input, whatever stands here. */
  direction: v.optional(v.picklist(['in', 'out'])),
  /** Of an input: levels in turn, each for the same time. */
  pattern: v.optional(v.pipe(v.array(v.boolean()), v.minLength(1), v.maxLength(1_024))),
  /** How long the pattern takes to come round; 10 s where it is left out. */
  period: v.optional(durationField('10ms', '31d')),
})

type SimulatedPinOptions = v.InferOutput<typeof options>

const usualPeriodMs = 10_000

function directionOf({ direction, pattern }: SimulatedPinOptions): PinDirection {
  return pattern === undefined ? (direction ?? 'out') : 'in'
}

/** The level of the pattern at the wall-clock time `nowMs`, and how long it lasts. */
export function patternAt(
  pattern: readonly boolean[],
  periodMs: number,
  nowMs: number,
): { readonly level: boolean; readonly forMs: number } {
  const stepMs = periodMs / pattern.length
  const intoMs = ((nowMs % periodMs) + periodMs) % periodMs
  const step = Math.min(pattern.length - 1, Math.floor(intoMs / stepMs))
  return { level: pattern[step] ?? false, forMs: Math.max(0, (step + 1) * stepMs - intoMs) }
}

/** Looks again whenever the pattern's next step is due. */
function follow(
  clock: Clock,
  pattern: readonly boolean[],
  periodMs: number,
  set: (level: boolean) => void,
): Cancel {
  let cancel: Cancel | null = null
  const look = (): void => {
    const { level, forMs } = patternAt(pattern, periodMs, clock.now())
    set(level)
    // A timer may fire a fraction of a millisecond before the step it waits for.
    cancel = clock.after(Math.max(1, Math.ceil(forMs)), look)
  }
  look()
  return () => cancel?.()
}

export const simulatedPin: PinDriver<SimulatedPinOptions> = {
  kind: 'simulated',
  summary: 'a pin in memory that records its edges; an input follows a pattern',
  options,
  directionOf,
  async open(name, table, { clock }): Promise<Pin> {
    const log = new EdgeLog()
    const direction = directionOf(table)
    const { pattern, period = usualPeriodMs } = table
    let level = pattern === undefined ? table.initial : patternAt(pattern, period, clock.now()).level
    const set = (next: boolean): void => {
      if (next === level) return
      level = next
      log.add({ level, timeMs: clock.now() })
    }
    const stop = pattern === undefined ? () => {} : follow(clock, pattern, period, set)
    return {
      name,
      driver: 'simulated',
      direction,
      read: async () => level,
      async write(next) {
        if (direction === 'in') {
          throw deviceProblems.error('ERR_DEVICE_READ_ONLY', `the pin "${name}" is an input`)
        }
        set(next)
      },
      edges: () => log.edges(),
      watch: (listener) => log.watch(listener),
      async close() {
        stop()
      },
    }
  },
}
