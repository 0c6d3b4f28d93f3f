/** A trigger under test: what it was given, and what it made. */
import type { SelvedgeError } from '../../../core/index.ts'
import {
  planTriggers,
  type Payload,
  type PlannedTrigger,
  type TriggerContext,
  type TriggerEvent,
} from '../../../host/triggers/index.ts'
import type { TriggerSpec } from '../../../mesh/index.ts'
import { FakeClock, seededRandom } from '../fake-clock.ts'

export interface TriggerRun {
  readonly clock: FakeClock
  readonly planned: PlannedTrigger
  readonly events: TriggerEvent[]
  readonly problems: SelvedgeError[]
  readonly memory: { value: Payload; writes: number }
  /** The last event's arguments, as its handler gets them. */
  args(id?: number): readonly unknown[]
  stop(): void
}

/** Plans the one trigger and starts it. */
export function runTrigger(
  spec: TriggerSpec,
  grants: readonly string[],
  sources: Partial<TriggerContext> = {},
  clock = new FakeClock(),
  memory: TriggerRun['memory'] = { value: null, writes: 0 },
): TriggerRun {
  const [planned] = planTriggers([spec], grants)
  if (planned === undefined) throw new Error('no trigger was planned')
  const events: TriggerEvent[] = []
  const problems: SelvedgeError[] = []
  const running = planned.start({
    app: 'app',
    lane: planned.lane,
    sensors: new Map(),
    pins: new Map(),
    changes: null,
    objects: null,
    peers: null,
    topics: null,
    clock,
    random: seededRandom(1),
    memory: {
      read: async () => memory.value,
      write: async (value) => {
        memory.value = value
        memory.writes += 1
      },
    },
    emit: (event) => void events.push(event),
    offer: async (event) => void events.push(event),
    failed: (problem) => void problems.push(problem),
    ...sources,
  })
  return {
    clock,
    planned,
    events,
    problems,
    memory,
    args: (id = 1) => planned.args([{ payload: events.at(-1)?.payload ?? null, facts: { id, attempt: 1 } }]),
    stop: () => running.stop(),
  }
}
