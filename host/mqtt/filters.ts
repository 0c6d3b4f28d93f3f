/** Who listens to what at one broker: filters, each subscribed to once however many ask for it. */
import type { Cancel } from '../../core/index.ts'
import type { BrokerMessage } from './contract.ts'
import { mqttProblems } from './problems.ts'
import { checkFilter, matchesFilter } from './topics.ts'

export type Listener = (message: BrokerMessage) => void
export type Taker = (message: BrokerMessage) => Promise<void>

export interface Filter {
  readonly text: string
  readonly listeners: Set<Listener>
  readonly takers: Set<Taker>
  /** Something was not taken: nothing that comes later is, until the broker gives it again. */
  isBehind: boolean
}

/** What a change of the filters means for the connection. */
export interface FilterEvents {
  /** Somebody more listens. */
  wanted(filter: Filter): void
  unwanted(filter: string): void
}

export class Filters {
  readonly #byText = new Map<string, Filter>()
  readonly #most: number
  readonly #events: FilterEvents

  constructor(most: number, events: FilterEvents) {
    this.#most = most
    this.#events = events
  }

  all(): readonly Filter[] {
    return [...this.#byText.values()]
  }

  matching(topic: string): readonly Filter[] {
    return this.all().filter(({ text }) => matchesFilter(text, topic))
  }

  /** @throws ERR_TOPIC_INVALID, ERR_BROKER_FILTERS */
  listen(text: string, listener: Listener): Cancel {
    // A function of its own, so that one that listens twice is told twice.
    const own: Listener = (message) => listener(message)
    const filter = this.#filter(text)
    filter.listeners.add(own)
    // Also where others listen already: what is retained comes with a subscription alone.
    this.#events.wanted(filter)
    return () => {
      if (filter.listeners.delete(own)) this.#drop(filter)
    }
  }

  /** @throws as listen */
  take(text: string, taker: Taker): Cancel {
    const own: Taker = (message) => taker(message)
    const filter = this.#filter(text)
    filter.takers.add(own)
    this.#events.wanted(filter)
    return () => {
      if (filter.takers.delete(own)) this.#drop(filter)
    }
  }

  #filter(text: string): Filter {
    checkFilter(text)
    const present = this.#byText.get(text)
    if (present !== undefined) return present
    if (this.#byText.size >= this.#most) {
      const message = `${this.#most} topics are listened to already`
      throw mqttProblems.error('ERR_BROKER_FILTERS', message)
    }
    const filter: Filter = { text, listeners: new Set(), takers: new Set(), isBehind: false }
    this.#byText.set(text, filter)
    return filter
  }

  #drop(filter: Filter): void {
    if (filter.listeners.size + filter.takers.size > 0) return
    this.#byText.delete(filter.text)
    this.#events.unwanted(filter.text)
  }
}

/** The quality of service that a filter needs. */
export function qosOf({ takers }: Filter): 0 | 1 {
  return takers.size > 0 ? 1 : 0
}
