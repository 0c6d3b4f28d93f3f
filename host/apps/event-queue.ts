/**
 * Events of one lane that wait in memory, in the order in which they came. Bounded: when it is full the oldest goes,
 * because a device is better served by what its sensors say now.
 */
import type { EventStore, HeldEvent } from './event-store.ts'

export class EventQueue implements EventStore {
  readonly #limit: number
  readonly #drop: (event: HeldEvent, why: string) => void
  readonly #busy = new Set<string>()
  #events: HeldEvent[] = []

  /** @param drop told of each event that comes to nothing */
  constructor(limit: number, drop: (event: HeldEvent, why: string) => void) {
    this.#limit = limit
    this.#drop = drop
  }

  get waiting(): number {
    return this.#events.length
  }

  push(event: HeldEvent): void {
    this.#events.push(event)
    const oldest = this.#events.length > this.#limit ? this.#events.shift() : undefined
    if (oldest !== undefined) this.#drop(oldest, 'the queue was full')
  }

  take(most: number): readonly HeldEvent[] {
    const taken: HeldEvent[] = []
    for (let at = 0; at < this.#events.length && taken.length < most;) {
      const event = this.#events[at] as HeldEvent
      if (event.key !== null && this.#busy.has(event.key)) {
        at += 1
        continue
      }
      this.#events.splice(at, 1)
      if (event.key !== null) this.#busy.add(event.key)
      taken.push(event)
    }
    return taken
  }

  handled(events: readonly HeldEvent[]): void {
    for (const { key } of events) if (key !== null) this.#busy.delete(key)
  }

  again(event: HeldEvent, _afterMs: number, why: string): void {
    this.lost(event, why)
  }

  lost(event: HeldEvent, why: string): void {
    this.handled([event])
    this.#drop(event, why)
  }

  /** They are the oldest again. */
  putBack(events: readonly HeldEvent[]): void {
    this.handled(events)
    this.#events.unshift(...events)
  }

  /** All that wait come to nothing. */
  clear(why: string): void {
    for (const event of this.#events.splice(0)) this.#drop(event, why)
  }
}
