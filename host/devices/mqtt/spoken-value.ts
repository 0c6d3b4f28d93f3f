/**
 * The last word on a topic: what it was, when it came, what was wrong with it, and whether its device is there at all.
 * What sensors and pins on a broker have in common.
 */
import { messageOf, within, type Cancel, type Clock, type SelvedgeError } from '../../../core/index.ts'
import type { Broker, BrokerMessage } from '../../mqtt/index.ts'
import { deviceProblems } from '../problems.ts'
import { Availability, type AvailabilityRule } from './availability.ts'

/** For a first word: a broker gives a retained one at once. Shorter than those who ask wait. */
const firstWordMs = 1_500

export interface SpokenSource<Value> {
  readonly broker: Broker
  readonly topic: string
  readonly availability: AvailabilityRule
  /** @throws Error in words, where the payload does not say what it should */
  read(payload: Uint8Array): Value
}

export interface SpokenWord<Value> {
  readonly value: Value
  /** Wall clock. */
  readonly timeMs: number
  readonly monotonicMs: number
}

export class SpokenValue<Value> {
  readonly #name: string
  readonly #source: SpokenSource<Value>
  readonly #clock: Clock
  readonly #availability: Availability
  readonly #cancels: Cancel[]
  readonly #listeners = new Set<(word: SpokenWord<Value>) => void>()
  #last: SpokenWord<Value> | null = null
  #lastPayload: Buffer | null = null
  /** What was wrong with the last message, where it could not be read. */
  #complaint: string | null = null
  #isClosed = false

  /** @throws ERR_TOPIC_INVALID, ERR_BROKER_FILTERS */
  constructor(name: string, source: SpokenSource<Value>, clock: Clock) {
    this.#name = name
    this.#source = source
    this.#clock = clock
    const { broker, topic, availability } = source
    this.#availability = new Availability(availability)
    this.#cancels = [broker.listen(topic, (message) => this.#heard(message))]
    for (const word of availability.sources) {
      this.#cancels.push(broker.listen(word.topic, ({ payload }) => this.#availability.heard(word, payload)))
    }
  }

  /** Each word that can be read. */
  onWord(listener: (word: SpokenWord<Value>) => void): Cancel {
    const own = (word: SpokenWord<Value>): void => listener(word)
    this.#listeners.add(own)
    return () => void this.#listeners.delete(own)
  }

  /**
   * The last word; waits a little for the first one.
   * @param staleAfterMs how old it may be; null where age says nothing
   * @throws ERR_DEVICE_UNAVAILABLE saying why there is none; the signal's reason
   */
  async last(staleAfterMs: number | null, signal?: AbortSignal): Promise<SpokenWord<Value>> {
    signal?.throwIfAborted()
    if (this.#last === null && !this.#isClosed) await this.#firstWord(signal)
    if (this.#isClosed) throw this.#unavailable('is closed')
    if (this.#availability.isOffline) throw this.#unavailable('says that it is offline')
    const word = this.#last
    if (word === null) throw this.#unavailable(this.#complaint ?? `has said nothing on ${this.#topic()} yet`)
    const ageMs = this.#clock.monotonicMs() - word.monotonicMs
    if (staleAfterMs !== null && ageMs > staleAfterMs) {
      const why = this.#complaint ?? `has said nothing on ${this.#topic()} for ${Math.round(ageMs / 1_000)} s`
      throw this.#unavailable(why)
    }
    return word
  }

  close(): void {
    this.#isClosed = true
    for (const cancel of this.#cancels.splice(0)) cancel()
    this.#listeners.clear()
  }

  async #firstWord(signal: AbortSignal | undefined): Promise<void> {
    let cancel!: Cancel
    const first = new Promise<void>((resolve) => (cancel = this.onWord(() => resolve())))
    const deadline = { clock: this.#clock, ms: firstWordMs, ...(signal !== undefined && { signal }) }
    try {
      await within(deadline, () => first)
    } catch {
      signal?.throwIfAborted()
    } finally {
      cancel()
    }
  }

  #heard({ payload, isRetained }: BrokerMessage): void {
    // Said again with each connection, and no newer for that.
    if (isRetained && this.#lastPayload?.equals(payload) === true) return
    try {
      const value = this.#source.read(payload)
      this.#lastPayload = Buffer.from(payload)
      this.#complaint = null
      this.#last = { value, timeMs: this.#clock.now(), monotonicMs: this.#clock.monotonicMs() }
    } catch (error) {
      this.#complaint = `cannot be understood on ${this.#topic()}: ${messageOf(error)}`
      return
    }
    for (const listener of this.#listeners) listener(this.#last)
  }

  #topic(): string {
    return JSON.stringify(this.#source.topic.slice(0, 120))
  }

  #unavailable(what: string): SelvedgeError {
    const { broker } = this.#source
    const { state, problem } = broker.health()
    const away = state === 'up' ? '' : `; broker ${broker.name}: ${problem?.message ?? 'not connected yet'}`
    return deviceProblems.error('ERR_DEVICE_UNAVAILABLE', `${this.#name} ${what}${away}`)
  }
}
