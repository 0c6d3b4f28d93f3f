/** Whether a device says of itself that it is there: pure, told each word on its availability topics. */
import { wordOf, type Pick } from './payload.ts'

export interface AvailabilitySource {
  readonly topic: string
  readonly pick: Pick
  readonly online: string
  readonly offline: string
}

export interface AvailabilityRule {
  readonly sources: readonly AvailabilitySource[]
  /** Which of several counts: each, one of them, or what came last. */
  readonly mode: 'all' | 'any' | 'latest'
}

export const noAvailability: AvailabilityRule = { sources: [], mode: 'all' }

export class Availability {
  readonly #rule: AvailabilityRule
  readonly #said = new Map<AvailabilitySource, boolean>()
  #latest: boolean | null = null

  constructor(rule: AvailabilityRule) {
    this.#rule = rule
  }

  /** A word that is neither the one for online nor that for offline changes nothing. */
  heard(source: AvailabilitySource, payload: Uint8Array): void {
    let word: string
    try {
      word = wordOf(source.pick(payload))
    } catch {
      return
    }
    if (word !== source.online && word !== source.offline) return
    this.#latest = word === source.online
    this.#said.set(source, this.#latest)
  }

  /** Only where it was said: a device that says nothing of itself is judged by its values. */
  get isOffline(): boolean {
    const { sources, mode } = this.#rule
    if (mode === 'latest') return this.#latest === false
    const said = sources.map((source) => this.#said.get(source))
    return mode === 'all' ? said.includes(false) : said.length > 0 && said.every((word) => word === false)
  }
}
