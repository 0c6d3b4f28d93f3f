/** What a person sees of an app's events on the disk, and may do with those given up. */
import type { EventIntent, EventReport, QueuedEvent } from '../api/index.ts'
import { shownEvents } from '../api/index.ts'
import type { DeadItem, QueueItem } from '../queue/index.ts'
import { readEvent, type DurableEvents } from './durable-events.ts'

export interface AppEvents {
  report(): Promise<Omit<EventReport, 'app'>>
  /** @returns how many there were. @throws what the disk says */
  change(action: EventIntent['action'], items: EventIntent['items']): Promise<number>
}

const longestPayload = 400

const nothing = { waiting: 0, taken: 0, dead: 0, bytes: 0, dropped: 0 }

/** Of an app that was promised nothing there is nothing to show, and no file is made for it. */
export function appEvents(durable: DurableEvents): AppEvents {
  return {
    async report() {
      const queue = await durable.opened()
      if (queue === null) return { counts: nothing, waiting: [], dead: [] }
      const [waiting, dead] = await Promise.all([queue.peek(0, shownEvents), queue.dead(0, shownEvents)])
      return { counts: queue.counts(), waiting: waiting.map(shown), dead: dead.map(shown) }
    },
    async change(action, items) {
      const queue = await durable.opened()
      if (queue === null) return 0
      return action === 'replay' ? queue.replay(items) : queue.discard(items)
    },
  }
}

function shown(item: QueueItem | DeadItem): QueuedEvent {
  const { key, attempts, addedMs, lastError, lane, body } = item
  const event = readEvent(item)
  const payload = event === null ? '' : JSON.stringify(event.payload, textOfBytes)
  return {
    item: item.id,
    id: event?.id ?? null,
    kind: lane.split('.')[0] ?? '',
    key: key === '' ? null : key,
    attempts,
    addedMs,
    sizeBytes: body.length,
    payload: payload.length > longestPayload ? `${payload.slice(0, longestPayload - 1)}…` : payload,
    lastError,
    ...('diedMs' in item && { diedMs: item.diedMs }),
  }
}

function textOfBytes(_key: string, value: unknown): unknown {
  return value instanceof Uint8Array ? `${value.length} bytes` : value
}
