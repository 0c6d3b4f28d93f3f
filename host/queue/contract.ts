/**
 * The durable queue: what must not be lost between somebody who has it and somebody who will handle it. Events of
 * triggers, messages on their way, lines of logs: each has a queue of its own, by name.
 *
 * Promised: what `put` resolved for is handed out until `done`, `bury` or `discard`, across crashes and power cuts; one
 * item may be handed out more than once. Not promised: an order between items without a key once one was tried again.
 */
import type { Cancel } from '../../core/index.ts'

export interface NewItem {
  /** Items of one key are handed out one at a time, in the order in which they were put; null keeps no order. */
  readonly key: string | null
  /** For `take`: items that are handled by somebody of their own. Keys are told apart by lane too. */
  readonly lane?: string
  /** The same one again within the queue's memory is taken as done: deduplication. */
  readonly unique?: string
  readonly body: Uint8Array
  /** Not before so many milliseconds from now have passed; a restart ends the wait. */
  readonly notBeforeMs?: number
}

export interface QueueItem {
  /** Grows, and is never used again. */
  readonly id: number
  readonly key: string | null
  readonly lane: string
  readonly unique?: string
  readonly body: Uint8Array
  /** How often it was handed out and given back by `retry`. */
  readonly attempts: number
  /** Wall clock. */
  readonly addedMs: number
  readonly lastError: string | null
}

export interface DeadItem extends QueueItem {
  /** Wall clock, of the moment it was buried. */
  readonly diedMs: number
}

export interface QueueLimits {
  /** Waiting and taken together. */
  readonly items: number
  /** Of all bodies, keys and names of them. */
  readonly bytes: number
  /** Of one item's body, key, lane and unique together. */
  readonly itemBytes: number
  /** `drop-oldest` drops what waits longest, and counts it; what is taken is never dropped. */
  readonly whenFull: 'refuse' | 'drop-oldest'
  /** Beyond it, or beyond `bytes`, the oldest dead letter goes, and is counted as dropped. */
  readonly deadItems: number
  /**
   * Whose an item is, by its `unique`; null where it is one's own. No source takes more than `sourceFactor` times of what all
   * of them leave free, what has to go is of the one that holds most, and so it is with the names that are remembered: one
   * that is noisy pushes out its own.
   */
  readonly sourceOf?: (unique: string) => string | null
}

/** With seven, a source that is alone gets seven eighths; the last eighth is there for who comes next. */
export const sourceFactor = 7

export interface QueueCounts {
  readonly waiting: number
  readonly taken: number
  readonly dead: number
  /** Of what waits, is taken or is dead. */
  readonly bytes: number
  /** Since the queue was opened. */
  readonly dropped: number
  /** Taken as done, because the same one had been put before; since the queue was opened. */
  readonly duplicates: number
}

export interface DurableQueue {
  /**
   * Resolves when they are on the disk, all or none.
   * @throws ERR_QUEUE_FULL, ERR_QUEUE_TOO_LARGE, ERR_QUEUE_CLOSED, and what the disk says: ERR_DISK_FULL, ERR_STORAGE_…
   */
  put(items: readonly NewItem[]): Promise<void>
  /**
   * The oldest that are due and not taken, at most one at a time per key; taken until `done`, `retry`, `bury` or the
   * end of the process. @param lane only of this one; of all without it
   */
  take(max: number, lane?: string): Promise<readonly QueueItem[]>
  /** They are not handed out any more; resolves when the disk knows. Ids that are not taken are left out. */
  done(ids: readonly number[]): Promise<void>
  /** What waits in a lane, due or not, is not handed out any more; what is taken stays so. Resolves when the disk knows. */
  drop(lane: string): Promise<void>
  /** Given back, to be taken again after `afterMs` or after a restart; its key waits with it. */
  retry(id: number, afterMs: number, why: string): Promise<void>
  /** Given back as if it had never been taken: no attempt is counted. */
  release(ids: readonly number[]): void
  /** What waits for its time waits no longer: the reason of the wait is gone. */
  hasten(): void
  /** To the dead letters. */
  bury(id: number, why: string): Promise<void>
  /** Oldest first. @param after an id */
  dead(after: number, limit: number): Promise<readonly DeadItem[]>
  /** What waits or is taken, oldest first, without taking it. @param after an id */
  peek(after: number, limit: number): Promise<readonly QueueItem[]>
  /** Dead letters wait again, with no attempt behind them. @returns how many */
  replay(ids: readonly number[] | 'all'): Promise<number>
  /** Dead letters are deleted. @returns how many */
  discard(ids: readonly number[] | 'all'): Promise<number>
  counts(): QueueCounts
  /** Of what waits or is taken. */
  lanes(): readonly string[]
  /** Called when there may be something to take that there was not before, until cancelled. */
  onDue(listener: () => void): Cancel
  /** What was acknowledged stays on the disk; what was not fails. */
  close(): Promise<void>
}

/** Queues by name: `^[a-z0-9][a-z0-9.-]{0,120}$`. One that is open already is handed out again. */
export interface Queues {
  /** @throws ERR_QUEUE_NAME, ERR_STORAGE_DAMAGED, ERR_STORAGE_FAILED, ERR_DISK_FULL */
  open(name: string, limits: QueueLimits): Promise<DurableQueue>
  /** Deletes a queue and all that is in it; nothing happens where there is none. */
  remove(name: string): Promise<void>
  close(): Promise<void>
}
