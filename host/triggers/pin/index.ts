/** `kind = "pin"`: an event each time the level of a granted pin changes, in one direction or both, after its debounce. */
import * as v from 'valibot'
import type { Cancel } from '../../../core/index.ts'
import type { TriggerKind } from '../contract.ts'
import { msField, nameField, said, writtenDuration } from '../fields.ts'
import { triggerProblems } from '../problems.ts'
import { freshDebounce, seeLevel, settle, settlesAt, type Debounced } from './debounce.ts'

const edges = ['rising', 'falling', 'both'] as const
const edge = v.optional(v.picklist(edges, `is no edge; write "${edges.join('", "')}"`))

const options = v.strictObject({
  pin: nameField,
  /** `both` where it is not said. */
  edge,
  /** So long a level must last to be believed; not at all where it is not said. */
  debounceMs: v.optional(msField(0, 60_000, 'from 0 to a minute')),
})
type PinTriggerOptions = v.InferOutput<typeof options>

export type PinPayload = { readonly pin: string; readonly level: boolean; readonly timeMs: number }

export const pinTrigger: TriggerKind<PinTriggerOptions, PinPayload> = {
  kind: 'pin',
  summary: 'an event for each edge of a pin: rising, falling or both, debounced',
  written: { pin: nameField, edge, debounce: v.optional(writtenDuration('0ms', '1min')) },
  toSpec: ({ pin, edge: which, debounce }) =>
    said({ pin, edge: which, debounceMs: debounce } as Record<string, string | number>),
  fromOption(text) {
    const [pin = '', which, ...rest] = text.split(':')
    if (rest.length > 0) throw new Error('it has too many parts')
    return { pin, ...(which !== undefined && { edge: which }) }
  },
  options,
  handlers: ['selvedge:edge/pin-handler@0.1.0'],
  method: 'handle',
  delivery: 'at-most-once',
  requiredGrants: ({ pin }) => [`pin:${pin}`],
  args: ({ pin, level, timeMs }, { id, attempt }) => [
    { id: BigInt(id), attempt, pin, level, timeMs: BigInt(timeMs) },
  ],
  start({ pin: name, edge: which = 'both', debounceMs: quietMs = 0 }, { pins, clock, emit, failed }) {
    const pin = pins.get(name)
    if (pin === undefined) {
      failed(triggerProblems.error('ERR_TRIGGER_SOURCE', `there is no pin "${name}" here`))
      return { stop() {} }
    }
    let state = freshDebounce
    let cancelSettle: Cancel | null = null
    const apply = ({ state: next, changed }: Debounced): void => {
      state = next
      if (changed !== null && (which === 'both' || (which === 'rising') === changed.level)) {
        const { level, timeMs } = changed
        emit({ payload: { pin: name, level, timeMs: Math.max(0, Math.floor(timeMs)) }, key: name })
      }
      cancelSettle?.()
      const atMs = settlesAt(state, quietMs)
      const waitMs = atMs === null ? null : Math.max(1, atMs - clock.monotonicMs())
      cancelSettle =
        waitMs === null ? null : clock.after(waitMs, () => apply(settle(state, clock.monotonicMs(), quietMs)))
    }
    const cancel = pin.watch((seen) => apply(seeLevel(state, seen, clock.monotonicMs(), quietMs)))
    return {
      stop() {
        cancel()
        cancelSettle?.()
      },
    }
  },
}
