/**
 * What was taken from a broker that may give it again: messages whose acknowledgement was lost with the connection, and
 * retained ones, which come with each new subscription. In memory: after a restart such a message may come twice.
 */
import { createHash } from 'node:crypto'
import type { BrokerMessage } from '../contract.ts'

/** More than a broker has under way at once. */
const maxAssured = 256
const maxRetained = 1_024

export class Seen {
  /** By the broker's number. */
  readonly #assured = new Map<number, string>()
  /** By topic. */
  readonly #retained = new Map<string, string>()

  has(message: BrokerMessage): boolean {
    const { number, isRepeated, isRetained, topic } = message
    if (isRetained && this.#retained.get(topic) === digest(message)) return true
    // Numbers are used again: only what the broker itself calls a repetition is held for one.
    return isRepeated && number !== null && this.#assured.get(number) === digest(message)
  }

  add(message: BrokerMessage): void {
    const { number, isRetained, topic } = message
    if (number !== null) remember(this.#assured, number, digest(message), maxAssured)
    if (isRetained) remember(this.#retained, topic, digest(message), maxRetained)
  }
}

function remember<Key>(map: Map<Key, string>, key: Key, value: string, most: number): void {
  map.delete(key)
  map.set(key, value)
  const oldest = map.keys().next()
  if (map.size > most && oldest.done !== true) map.delete(oldest.value)
}

function digest({ topic, payload }: BrokerMessage): string {
  return createHash('sha256').update(topic).update('\0').update(payload).digest('base64')
}
