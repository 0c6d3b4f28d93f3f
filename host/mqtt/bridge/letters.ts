/** What a person sees of the messages that wait for a broker or that it refused, and may do with the latter. */
import { shownEvents, type EventIntent, type EventReport, type QueuedEvent } from '../../api/index.ts'
import type { DeadItem, DurableQueue, QueueItem } from '../../queue/index.ts'
import { decodeParcel } from './parcel.ts'

/** As of an app's events. */
export interface BridgeLetters {
  report(): Promise<Omit<EventReport, 'app'>>
  /** @returns how many there were. @throws what the disk says */
  change(action: EventIntent['action'], items: EventIntent['items']): Promise<number>
}

const longestText = 400
const nothing = { waiting: 0, taken: 0, dead: 0, bytes: 0, dropped: 0 }

/** @param queue null where the bridge sends nothing, or could not open its journal */
export function lettersOf(queue: DurableQueue | null): BridgeLetters {
  return {
    async report() {
      if (queue === null) return { counts: nothing, waiting: [], dead: [] }
      const [waiting, dead] = await Promise.all([queue.peek(0, shownEvents), queue.dead(0, shownEvents)])
      return { counts: queue.counts(), waiting: waiting.map(shown), dead: dead.map(shown) }
    },
    async change(action, items) {
      if (queue === null) return 0
      return action === 'replay' ? queue.replay(items) : queue.discard(items)
    },
  }
}

function shown(item: QueueItem | DeadItem): QueuedEvent {
  const { id, attempts, addedMs, lastError, body } = item
  return {
    item: id,
    id,
    kind: 'message',
    key: null,
    attempts,
    addedMs,
    sizeBytes: body.length,
    payload: textOf(item),
    lastError,
    ...('diedMs' in item && { diedMs: item.diedMs }),
  }
}

/** Where it goes, and what it says where that is text. */
function textOf({ body: packed }: QueueItem): string {
  const parcel = decodeParcel(packed)
  if (parcel === null) return ''
  const { to, body } = parcel
  const text = Buffer.from(body).toString('utf8')
  const isText = Buffer.from(text, 'utf8').equals(Buffer.from(body))
  const whole = `${to}: ${isText ? text : `${body.length} bytes`}`
  return whole.length > longestText ? `${whole.slice(0, longestText - 1)}…` : whole
}
