/**
 * Signs of attacks that this node saw since it started: how many of each, and of whom and when the last ones came.
 *
 * What was refused for want of something that came a moment later (a release before the bundle that names its
 * publisher) is pardoned: it stays counted, and is no longer shown.
 */
import type { Clock } from '../core/index.ts'
import { attackNames, type AttackName } from './attacks.ts'

/** Pairs of attack and peer that are remembered; the one seen longest ago makes room. */
const maxSightings = 128
/** Refusals that can still be pardoned. */
const maxPardonable = 512
const maxDetailChars = 200

/** One attack by one peer. */
export interface AttackSighting {
  readonly attack: AttackName
  /** Null where nobody knows of whom it was. */
  readonly peer: string | null
  readonly count: number
  /** By `clock.monotonicMs()`. */
  readonly lastMs: number
  /** What was refused last, in words. */
  readonly detail: string
}

interface Seen {
  readonly attack: AttackName
  readonly peer: string | null
  readonly detail: string
  /** Names what was refused, so that it can be pardoned. */
  readonly subject?: string
}

export class AttackLedger {
  readonly #clock: Clock
  readonly #counts = new Map<AttackName, number>(attackNames.map((name) => [name, 0]))
  readonly #sightings = new Map<string, AttackSighting>()
  /** By subject and peer: under which sightings it was counted. */
  readonly #pardonable = new Map<string, string[]>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  report({ attack, peer, detail, subject }: Seen): void {
    this.#counts.set(attack, (this.#counts.get(attack) ?? 0) + 1)
    const key = `${attack} ${peer ?? ''}`
    const count = (this.#sightings.get(key)?.count ?? 0) + 1
    const lastMs = this.#clock.monotonicMs()
    // Deleted first: a Map keeps the place of a key that is set again.
    this.#sightings.delete(key)
    this.#sightings.set(key, { attack, peer, count, lastMs, detail: detail.slice(0, maxDetailChars) })
    forgetOldest(this.#sightings, maxSightings)
    if (subject !== undefined) {
      this.#pardonable.set(subject, [...(this.#pardonable.get(subject) ?? []), key].slice(-maxPardonable))
      forgetOldest(this.#pardonable, maxPardonable)
    }
  }

  /** What had been refused under this name was right after all. */
  pardon(subject: string): void {
    const keys = this.#pardonable.get(subject)
    if (keys === undefined) return
    this.#pardonable.delete(subject)
    for (const key of keys) {
      const seen = this.#sightings.get(key)
      if (seen === undefined) continue
      if (seen.count <= 1) this.#sightings.delete(key)
      else this.#sightings.set(key, { ...seen, count: seen.count - 1 })
    }
  }

  /** All that was reported since this object was made, also what was pardoned; every name is there. */
  get counts(): Readonly<Record<AttackName, number>> {
    return Object.fromEntries(this.#counts) as Record<AttackName, number>
  }

  /** The latest first. */
  sightings(): AttackSighting[] {
    return [...this.#sightings.values()].sort((a, b) => b.lastMs - a.lastMs)
  }
}

function forgetOldest(map: Map<string, unknown>, max: number): void {
  for (const oldest of map.keys()) {
    if (map.size <= max) return
    map.delete(oldest)
  }
}
