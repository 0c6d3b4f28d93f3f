/**
 * A virtual network: links between named nodes that delay and lose messages.
 *
 * What arrives over one link arrives in order, as on a stream; a link that is cut loses what is under way.
 */
import type { SeededRandom } from './random.ts'
import type { VirtualClock } from './virtual-clock.ts'

export interface LinkQuality {
  readonly minDelayMs: number
  readonly maxDelayMs: number
  /** Probability that a message vanishes. */
  readonly loss: number
}

interface Link {
  readonly quality: LinkQuality
  lastArrivalMs: number
}

export class VirtualNetwork<Message> {
  readonly #clock: VirtualClock
  readonly #random: SeededRandom
  readonly #links = new Map<string, Link>()
  #deliver: (from: string, to: string, message: Message) => void = () => {}
  sent = 0
  lost = 0

  constructor(clock: VirtualClock, random: SeededRandom) {
    this.#clock = clock
    this.#random = random
  }

  onDeliver(deliver: (from: string, to: string, message: Message) => void): void {
    this.#deliver = deliver
  }

  /** Both directions. */
  connect(a: string, b: string, quality: LinkQuality): void {
    for (const name of [`${a}>${b}`, `${b}>${a}`]) {
      this.#links.set(name, { quality, lastArrivalMs: 0 })
    }
  }

  cut(a: string, b: string): void {
    this.#links.delete(`${a}>${b}`)
    this.#links.delete(`${b}>${a}`)
  }

  isConnected(a: string, b: string): boolean {
    return this.#links.has(`${a}>${b}`)
  }

  send(from: string, to: string, message: Message): void {
    this.sent++
    const link = this.#links.get(`${from}>${to}`)
    if (link === undefined || this.#random.chance(link.quality.loss)) {
      this.lost++
      return
    }
    const { minDelayMs, maxDelayMs } = link.quality
    const delayMs = minDelayMs + this.#random.fraction() * (maxDelayMs - minDelayMs)
    const arrivalMs = Math.max(link.lastArrivalMs, this.#clock.monotonicMs() + delayMs)
    link.lastArrivalMs = arrivalMs
    this.#clock.after(arrivalMs - this.#clock.monotonicMs(), () => {
      if (this.#links.get(`${from}>${to}`) === link) this.#deliver(from, to, message)
      else this.lost++
    })
  }
}
