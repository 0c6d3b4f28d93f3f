/**
 * What was said about one member: its own newest word, and the newest vote of each of its observers.
 *
 * A vote stands while it is about the incarnation that the member itself said last; one about an earlier is void, one
 * about a later waits until the member says so. So nobody but the member can raise its incarnation.
 */
import type { NodeId } from '../identity/index.ts'
import { compareIncarnations, unheardOf, type Incarnation } from './incarnation.ts'
import { membershipLimits } from './options.ts'
import { isVote, type OwnWord, type Sealed, type Vote } from './statement.ts'

export interface HeldVote {
  readonly sealed: Sealed<Vote>
  readonly receivedMs: number
}

/** `stale`: of an incarnation that is over. */
export type Reception = 'news' | 'known' | 'stale'

/** Lives of a member that are told apart: a restart never comes back to an earlier one. */
const rememberedLives = 8

export class CaseFile {
  readonly about: NodeId
  own: Sealed<OwnWord> | null = null
  ownReceivedMs = 0
  readonly votes = new Map<NodeId, HeldVote>()
  /** What was decided and stands until the member says otherwise. */
  settled: 'dead' | 'left' | null = null
  /** In words, why it was settled as it was. */
  reason = ''
  /** Since when some vote of doubt has stood; null where none does. */
  doubtedMs: number | null = null
  /** Whether anybody's vote for death stands. */
  isCalledDead = false
  /** Two machines speak with this identity: an earlier life came back after a later one, or two claim one incarnation. */
  isTwofold = false
  readonly #lives: string[] = []
  readonly #doubted: Map<NodeId, CaseFile>
  /** Found out when it is asked for after a change. */
  #doubters: readonly NodeId[] | null = null
  #oldestMs = Infinity

  /** @param doubted where it stands while there is doubt and nothing is settled */
  constructor(about: NodeId, doubted: Map<NodeId, CaseFile>) {
    this.about = about
    this.#doubted = doubted
  }

  get incarnation(): Incarnation {
    return this.own?.statement.incarnation ?? unheardOf
  }

  /** The vote as it stands; undefined for one that does not. */
  standing(observer: NodeId): HeldVote | undefined {
    const held = this.votes.get(observer)
    return held !== undefined && this.#stands(held.sealed) ? held : undefined
  }

  /** Whether this observer's vote of doubt stands. */
  doubts(observer: NodeId): boolean {
    const held = this.standing(observer)
    return held !== undefined && held.sealed.statement.verdict !== 'alive'
  }

  /** Whose votes of doubt stand. */
  get doubters(): readonly NodeId[] {
    return (this.#doubters ??= [...this.votes.keys()].filter((observer) => this.doubts(observer)))
  }

  *standingVotes(): Generator<HeldVote> {
    for (const held of this.votes.values()) if (this.#stands(held.sealed)) yield held
  }

  take(sealed: Sealed, nowMs: number): Reception {
    const reception = isVote(sealed)
      ? this.#takeVote(sealed, nowMs)
      : this.#takeOwn(sealed as Sealed<OwnWord>, nowMs)
    if (reception === 'news') this.#changed(nowMs)
    return reception
  }

  /** Forgets what one observer said: seen from a part that was cut off, it says nothing of the other. */
  forget(observer: NodeId): void {
    this.votes.delete(observer)
    this.#changed(null)
  }

  settle(as: 'dead' | 'left' | null, reason: string): void {
    this.settled = as
    this.reason = reason
    this.#date(this.doubtedMs)
  }

  /** Forgets doubts that came before a moment. @returns whether there were any */
  expire(beforeMs: number): boolean {
    if (this.#oldestMs >= beforeMs) return false
    for (const [observer, { sealed, receivedMs }] of this.votes) {
      if (receivedMs < beforeMs && sealed.statement.verdict !== 'alive') this.votes.delete(observer)
    }
    this.#changed(null)
    return true
  }

  /** Whether anything about it was told to the whole mesh. */
  get isWide(): boolean {
    if (this.settled !== null) return true
    for (const { sealed } of this.votes.values()) {
      if (sealed.statement.isWide && this.#stands(sealed)) return true
    }
    return false
  }

  #takeVote(sealed: Sealed<Vote>, receivedMs: number): Reception {
    const { by, order, incarnation } = sealed.statement
    if (compareIncarnations(incarnation, this.incarnation) < 0) return 'stale'
    const held = this.votes.get(by)
    if (held === undefined && this.votes.size >= membershipLimits.votesPerNode) return 'known'
    if (held !== undefined && compareIncarnations(order, held.sealed.statement.order) <= 0) return 'known'
    this.votes.set(by, { sealed, receivedMs })
    return 'news'
  }

  #takeOwn(sealed: Sealed<OwnWord>, nowMs: number): Reception {
    const { incarnation, kind, nonce } = sealed.statement
    const before = this.own?.statement
    if (before !== undefined) {
      const order = compareIncarnations(incarnation, before.incarnation)
      if (order === 0 && before.nonce !== nonce) this.isTwofold = true
      // Who leaves has said its last word in that incarnation.
      const isLater = order > 0 || (order === 0 && kind === 'left' && before.kind === 'alive')
      if (!isLater) return order < 0 ? 'stale' : 'known'
    }
    this.#remember(nonce)
    this.own = sealed
    this.ownReceivedMs = nowMs
    for (const [observer, { sealed: vote }] of this.votes) {
      if (compareIncarnations(vote.statement.incarnation, incarnation) < 0) this.votes.delete(observer)
    }
    return 'news'
  }

  #remember(nonce: string): void {
    const last = this.#lives.length - 1
    const at = this.#lives.lastIndexOf(nonce)
    if (at >= 0 && at < last) this.isTwofold = true
    if (at === last && last >= 0) return
    this.#lives.push(nonce)
    if (this.#lives.length > rememberedLives) this.#lives.shift()
  }

  /** @param nowMs since when there is doubt, if there is now and was not; null where it can only have ended */
  #changed(nowMs: number | null): void {
    this.#doubters = null
    this.#oldestMs = Infinity
    this.isCalledDead = false
    let isDoubted = false
    for (const { sealed, receivedMs } of this.votes.values()) {
      const { verdict } = sealed.statement
      if (verdict === 'alive') continue
      this.#oldestMs = Math.min(this.#oldestMs, receivedMs)
      if (!this.#stands(sealed)) continue
      isDoubted = true
      if (verdict === 'dead') this.isCalledDead = true
    }
    this.#date(isDoubted ? (this.doubtedMs ?? nowMs) : null)
  }

  #date(doubtedMs: number | null): void {
    this.doubtedMs = doubtedMs
    if (doubtedMs !== null && this.settled === null) this.#doubted.set(this.about, this)
    else this.#doubted.delete(this.about)
  }

  #stands({ statement }: Sealed<Vote>): boolean {
    return compareIncarnations(statement.incarnation, this.incarnation) === 0
  }
}
