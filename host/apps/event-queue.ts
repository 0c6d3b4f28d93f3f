/**
 * Events of one app that wait for their turn, numbered in the order in which they came. Bounded: when it is full
 * the oldest goes, because a device is better served by what its sensors say now.
 */
import type { TriggerEvent } from '../triggers/index.ts'

export interface NumberedEvent {
  readonly id: number
  readonly event: TriggerEvent
}

export class EventQueue {
  readonly #limit: number
  #events: NumberedEvent[] = []

  constructor(limit: number) {
    this.#limit = limit
  }

  get length(): number {
    return this.#events.length
  }

  /** @returns the event that had to go, or null */
  push(event: NumberedEvent): NumberedEvent | null {
    this.#events.push(event)
    return this.#events.length > this.#limit ? (this.#events.shift() ?? null) : null
  }

  /** What was shifted last and came to nothing; it is the oldest again. */
  putBack(event: NumberedEvent): void {
    this.#events.unshift(event)
  }

  /** @returns the oldest event, or null */
  shift(): NumberedEvent | null {
    return this.#events.shift() ?? null
  }
}
