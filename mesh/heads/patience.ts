/**
 * How much of each peer is heard, answered and forgiven. Outlives the connection, so that coming back does not wipe
 * the slate.
 */
import { RateLimit } from './rate-limit.ts'

export interface PatienceOptions {
  /** Messages per second taken from one peer in the long run, and at once; long ones count for several. */
  readonly messagesPerSecond: number
  readonly messageBurst: number
  /** Bytes per second of answers to one peer in the long run, and at once; what it asks beyond is not looked at. */
  readonly answerBytesPerSecond: number
  readonly answerBurstBytes: number
  /** Faults within a minute after which a peer is reported. */
  readonly maxFaults: number
}

interface Slate {
  readonly messages: RateLimit
  readonly answers: RateLimit
  readonly faults: RateLimit
}

/** Peers remembered, beyond those that are there. */
const maxSlates = 1_024

export class Patience {
  readonly #options: PatienceOptions
  readonly #isThere: (peer: string) => boolean
  readonly #slates = new Map<string, Slate>()

  /** @param isThere whose slate must not be forgotten */
  constructor(options: PatienceOptions, isThere: (peer: string) => boolean) {
    this.#options = options
    this.#isThere = isThere
  }

  /** @param weight one for a short message, more for a long one */
  mayHear(peer: string, weight: number, nowMs: number): boolean {
    return this.#slate(peer, nowMs).messages.take(nowMs, weight)
  }

  /** Asked before the work, so that a peer that asks and does not read the answers costs no more than this. */
  mayAnswer(peer: string, costBytes: number, nowMs: number): boolean {
    return this.#slate(peer, nowMs).answers.take(nowMs, costBytes)
  }

  mayForgive(peer: string, nowMs: number): boolean {
    return this.#slate(peer, nowMs).faults.take(nowMs)
  }

  #slate(peer: string, nowMs: number): Slate {
    const known = this.#slates.get(peer)
    if (known !== undefined) return known
    const { messagesPerSecond, messageBurst, answerBytesPerSecond, answerBurstBytes, maxFaults } =
      this.#options
    const slate: Slate = {
      messages: new RateLimit(messagesPerSecond, messageBurst, nowMs),
      answers: new RateLimit(answerBytesPerSecond, answerBurstBytes, nowMs),
      faults: new RateLimit(maxFaults / 60, maxFaults, nowMs),
    }
    this.#slates.set(peer, slate)
    for (const oldest of this.#slates.keys()) {
      if (this.#slates.size <= maxSlates) break
      if (!this.#isThere(oldest)) this.#slates.delete(oldest)
    }
    return slate
  }
}
