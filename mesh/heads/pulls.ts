/**
 * Which heads are being pulled, from whom, and who else could give them.
 *
 * Each key is asked of one peer at a time. A peer that does not answer in time loses the pull to another one; its
 * late answer still counts, since it was asked.
 */
import { compareHeads, isNewer, type HeadId, type HeadOutcome } from './head.ts'

export interface PullOptions {
  readonly pullMs: number
  readonly refusedMs: number
  /** Under way with one peer, so that one that advertises nonsense cannot crowd the others out. */
  readonly maxPulls: number
}

interface Pull {
  id: HeadId
  peer: string
  dueMs: number
  /** The peer has answered and the owner is looking at it. */
  isJudging: boolean
  /** Who else has something newer than what is held. */
  readonly others: Map<string, HeadId>
}

/** Keys to ask for, by peer. */
export type Asks = ReadonlyMap<string, readonly string[]>

const maxOthers = 4
const maxRefused = 4_096
/** Unanswered questions remembered per peer, so that a late answer is not taken for rubbish. */
const maxAsked = 4_096

export class Pulls {
  readonly #options: PullOptions
  readonly #pulls = new Map<string, Pull>()
  /** Keys each peer was asked for and has not answered. */
  readonly #asked = new Map<string, Set<string>>()
  /** Versions that the owner did not take, until when. */
  readonly #refused = new Map<string, number>()

  constructor(options: PullOptions) {
    this.#options = options
  }

  countFor(peer: string): number {
    let count = 0
    for (const pull of this.#pulls.values()) if (pull.peer === peer) count++
    return count
  }

  /** @returns what to ask now, and whether there was no room for all of it */
  want(peer: string, ids: readonly HeadId[], nowMs: number): { asks: Asks; isFull: boolean } {
    const keys: string[] = []
    let isFull = false
    let room = this.#options.maxPulls - this.countFor(peer)
    for (const id of ids) {
      if ((this.#refused.get(versionOf(id)) ?? -Infinity) > nowMs) continue
      const pull = this.#pulls.get(id.key)
      if (pull !== undefined) {
        // Also one that is older than what the first peer claims to have: that may be a lie.
        if (pull.peer !== peer && (pull.others.has(peer) || pull.others.size < maxOthers))
          pull.others.set(peer, id)
        else if (pull.peer === peer && isNewer(id, pull.id)) pull.id = id
      } else if (room-- <= 0) {
        isFull = true
      } else {
        const dueMs = nowMs + this.#options.pullMs
        this.#pulls.set(id.key, { id, peer, dueMs, isJudging: false, others: new Map() })
        keys.push(id.key)
      }
    }
    return { asks: this.#asking(new Map([[peer, keys]])), isFull }
  }

  /** @returns false for bytes that the peer was not asked for */
  onAnswer(peer: string, key: string): boolean {
    if (this.#asked.get(peer)?.delete(key) !== true) return false
    const pull = this.#pulls.get(key)
    if (pull?.peer === peer) pull.isJudging = true
    return true
  }

  /** The version that this peer announced and was asked for. */
  promised(peer: string, key: string): HeadId | undefined {
    const pull = this.#pulls.get(key)
    return pull?.peer === peer ? pull.id : undefined
  }

  onJudged(peer: string, key: string, outcome: HeadOutcome, nowMs: number): Asks {
    const pull = this.#pulls.get(key)
    if (pull === undefined || pull.peer !== peer) return new Map()
    if (outcome !== 'accepted') this.#refuse(pull.id, nowMs)
    return this.#next([pull], nowMs, outcome === 'accepted' ? pull.id : null)
  }

  /** Something changed: what was refused for the lack of it may pass now. */
  onChanged(id: HeadId): void {
    this.#refused.clear()
    const pull = this.#pulls.get(id.key)
    if (pull === undefined) return
    for (const [peer, other] of pull.others) if (!isNewer(other, id)) pull.others.delete(peer)
  }

  onPeerDown(peer: string, nowMs: number): Asks {
    this.#asked.delete(peer)
    for (const pull of this.#pulls.values()) pull.others.delete(peer)
    return this.#next(
      [...this.#pulls.values()].filter((pull) => pull.peer === peer && !pull.isJudging),
      nowMs,
      null,
    )
  }

  /** When a pull has waited long enough for its peer, monotonic; Infinity while none waits. */
  get wakeMs(): number {
    let wakeMs = Infinity
    for (const { dueMs, isJudging } of this.#pulls.values()) if (!isJudging) wakeMs = Math.min(wakeMs, dueMs)
    return wakeMs
  }

  onTick(nowMs: number): Asks {
    for (const [version, untilMs] of this.#refused) if (untilMs <= nowMs) this.#refused.delete(version)
    return this.#next(
      [...this.#pulls.values()].filter((pull) => pull.dueMs <= nowMs && !pull.isJudging),
      nowMs,
      null,
    )
  }

  /** Ends these pulls, or hands them to the next peer that has something newer than `got`. */
  #next(pulls: readonly Pull[], nowMs: number, got: HeadId | null): Asks {
    const asks = new Map<string, string[]>()
    for (const pull of pulls) {
      const { key } = pull.id
      this.#pulls.delete(key)
      const left = [...pull.others]
        .filter(([, id]) => (got === null || isNewer(id, got)) && !this.#refused.has(versionOf(id)))
        .sort(([, a], [, b]) => compareHeads(a, b))
      const [first, ...rest] = left
      if (first === undefined) continue
      const [peer, id] = first
      const dueMs = nowMs + this.#options.pullMs
      this.#pulls.set(key, { id, peer, dueMs, isJudging: false, others: new Map(rest) })
      asks.set(peer, [...(asks.get(peer) ?? []), key])
    }
    return this.#asking(asks)
  }

  #asking(asks: Map<string, string[]>): Asks {
    for (const [peer, keys] of asks) {
      const asked = this.#asked.get(peer) ?? new Set()
      this.#asked.set(peer, asked)
      for (const key of keys) asked.add(key)
      for (const oldest of asked) {
        if (asked.size <= maxAsked) break
        asked.delete(oldest)
      }
    }
    return asks
  }

  #refuse(id: HeadId, nowMs: number): void {
    if (this.#refused.size < maxRefused) this.#refused.set(versionOf(id), nowMs + this.#options.refusedMs)
  }
}

function versionOf({ key, order, digest }: HeadId): string {
  return `${key} ${order[0]} ${order[1]} ${digest}`
}
