/** Where the events of one lane wait for their turn: in memory, or in a durable queue. */
import type { Payload } from '../triggers/index.ts'

export interface HeldEvent {
  /** Of the app's events on this node, counting up. */
  readonly id: number
  readonly payload: Payload
  /** Where several are handled at once, those of one key are handled one at a time. */
  readonly key: string | null
  /** How often it was handed over before. */
  readonly attempts: number
  /** How the store knows it. */
  readonly item: number
  /** Monotonic ms: from then on nobody wants it handled. */
  readonly untilMs?: number
}

export interface EventStore {
  /** The oldest that may be handled now; they are the lane's until one of the others is called for them. */
  take(most: number): readonly HeldEvent[] | Promise<readonly HeldEvent[]>
  handled(events: readonly HeldEvent[]): void
  /** Handed over in vain, and to be handed over again after a while. */
  again(event: HeldEvent, afterMs: number, why: string): void
  /** Given up. */
  lost(event: HeldEvent, why: string): void
  /** What was taken and was never handed over. */
  putBack(events: readonly HeldEvent[]): void
}
