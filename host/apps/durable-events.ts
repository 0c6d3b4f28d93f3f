/**
 * An app's events that must be handled at least once: its durable queue, opened when the first of its releases wants it,
 * and seen by each lane as a store of its own.
 */
import {
  decodeCbor,
  encodeCbor,
  isSelvedgeError,
  type Cancel,
  type Clock,
  type SelvedgeError,
} from '../../core/index.ts'
import type { DeadItem, DurableQueue, QueueItem, QueueLimits, Queues } from '../queue/index.ts'
import type { Payload, TriggerEvent } from '../triggers/index.ts'
import type { EventStore, HeldEvent } from './event-store.ts'

/** Full, it takes nothing more: what was taken was promised. */
export const eventQueueLimits: QueueLimits = {
  items: 10_000,
  bytes: 16 * 1024 * 1024,
  itemBytes: 1_048_576,
  whenFull: 'refuse',
  deadItems: 1_000,
  // Of a message; see the trigger of that name. One node's messages leave room for another's.
  sourceOf(unique) {
    const [, origin, id] = unique.split(' ')
    return id === undefined ? null : (origin ?? null)
  },
}
/** A queue that could not be opened is not tried for each event: to find out takes long where its file is large. */
export const reopenAfterMs = 5_000
const bodyLimits = { maxBytes: eventQueueLimits.itemBytes, maxDepth: 16, maxItems: 65_536 }

export interface DurableEventsNeeds {
  readonly clock: Clock
  /** Told when a change could not be written; it is tried again by itself. */
  notWritten(error: unknown): void
  /** An event is a dead letter now. */
  died(event: HeldEvent, why: string): void
  /** There may be something to take that there was not before. */
  due(): void
}

export class DurableEvents {
  readonly #app: string
  readonly #queues: Queues
  readonly #needs: DurableEventsNeeds
  #opening: Promise<DurableQueue> | null = null
  #queue: DurableQueue | null = null
  #cancel: Cancel | null = null
  #failed: { readonly error: unknown; readonly untilMs: number } | null = null
  #isClosed = false

  constructor(app: string, queues: Queues, needs: DurableEventsNeeds) {
    this.#app = app
    this.#queues = queues
    this.#needs = needs
  }

  /** null before it was opened. */
  get queue(): DurableQueue | null {
    return this.#queue
  }

  /** The same, waiting for one that is being opened. */
  async opened(): Promise<DurableQueue | null> {
    return this.#opening?.catch(() => null) ?? null
  }

  /** @throws what the queue's file says; the next one to ask tries again */
  open(): Promise<DurableQueue> {
    const { clock } = this.#needs
    if (this.#failed !== null && clock.monotonicMs() < this.#failed.untilMs) {
      return Promise.reject(this.#failed.error as Error)
    }
    this.#opening ??= this.#open().catch((error: unknown) => {
      this.#opening = null
      this.#failed = { error, untilMs: clock.monotonicMs() + reopenAfterMs }
      throw error
    })
    return this.#opening
  }

  /** Why there is no queue, where it was wanted. */
  get problem(): SelvedgeError | null {
    const error = this.#failed?.error
    return isSelvedgeError(error) ? error : null
  }

  /** @param id of the event @throws as the queue's `put` */
  async put(lane: string, id: number, event: TriggerEvent, key: string | null): Promise<void> {
    const queue = await this.open()
    const body = encodeCbor({ id, payload: event.payload })
    const unique = event.unique === undefined ? {} : { unique: `${lane} ${event.unique}` }
    await queue.put([{ key, lane, body, ...unique }])
  }

  /** Of what is in the lane now, and comes into it. */
  store(lane: string): EventStore {
    const write = (work: Promise<unknown> | undefined): void =>
      void work?.catch((error: unknown) => {
        if (!this.#isClosed) this.#needs.notWritten(error)
      })
    const queue = (): DurableQueue | null => this.#queue
    return {
      take: async (most) => {
        const items = (await this.#queue?.take(most, lane)) ?? []
        const { fit, unfit } = readItems(items)
        for (const { id } of unfit) write(this.#queue?.bury(id, 'what the disk has of it is no event'))
        return fit
      },
      handled: (events) => write(queue()?.done(events.map(({ item }) => item))),
      again: ({ item }, afterMs, why) => write(queue()?.retry(item, afterMs, why)),
      lost: (event, why) => {
        this.#needs.died(event, why)
        write(queue()?.bury(event.item, why))
      },
      putBack: (events) => queue()?.release(events.map(({ item }) => item)),
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true
    this.#cancel?.()
    const queue = await this.#opening?.catch(() => null)
    await queue?.close()
  }

  /** The app is gone. What it was promised stays for when it comes back; a file with nothing in it goes. @throws what the disk says */
  async forget(): Promise<void> {
    await this.close()
    const queue = await this.#queues.open(this.#name, eventQueueLimits)
    const { waiting, taken, dead } = queue.counts()
    if (waiting + taken + dead === 0) await this.#queues.remove(this.#name)
    else await queue.close()
  }

  get #name(): string {
    return `events.${this.#app}`
  }

  async #open(): Promise<DurableQueue> {
    const queue = await this.#queues.open(this.#name, eventQueueLimits)
    this.#queue = queue
    this.#failed = null
    this.#cancel = queue.onDue(() => this.#needs.due())
    return queue
  }
}

/** As `selvedge events` shows it. */
export interface ReadItem {
  readonly item: number
  readonly id: number
  readonly payload: Payload
}

/** @returns null for what is no event */
export function readEvent({ id: item, body }: QueueItem | DeadItem): ReadItem | null {
  try {
    const read = decodeCbor(body, bodyLimits) as { id?: unknown; payload?: Payload }
    if (typeof read !== 'object' || read === null || !Number.isSafeInteger(read.id)) return null
    return { item, id: read.id as number, payload: read.payload ?? null }
  } catch {
    return null
  }
}

function readItems(items: readonly QueueItem[]): { fit: HeldEvent[]; unfit: QueueItem[] } {
  const fit: HeldEvent[] = []
  const unfit: QueueItem[] = []
  for (const item of items) {
    const event = readEvent(item)
    if (event === null) unfit.push(item)
    else fit.push({ ...event, key: item.key, attempts: item.attempts })
  }
  return { fit, unfit }
}
