/**
 * Takes what others say, about others and about this node, and passes on what is news.
 *
 * Nobody is believed more than a vote is worth: a node's own word comes only from itself, a vote counts only from one who
 * watches, and whoever says too much is heard no further.
 */
import type { NodeId } from '../identity/index.ts'
import type { Ballot } from './ballot.ts'
import type { CaseFile } from './case-file.ts'
import type { Context } from './context.ts'
import { compareIncarnations } from './incarnation.ts'
import { membershipLimits } from './options.ts'
import type { Prober } from './prober.ts'
import { isVote, type OwnWord, type Sealed } from './statement.ts'

interface Allowance {
  tokens: number
  atMs: number
  isTold: boolean
}

export class Testimony {
  readonly #context: Context
  readonly #ballot: Ballot
  readonly #prober: Prober
  readonly #allowances = new Map<NodeId, Allowance>()
  readonly #twofold = new Set<NodeId>()
  #refutedMs = -Infinity
  #jumpsMs: number[] = []
  /** When a refutation is due that had to wait. */
  refuteMs = Infinity

  constructor(context: Context, ballot: Ballot, prober: Prober) {
    this.#context = context
    this.#ballot = ballot
    this.#prober = prober
  }

  take(sealed: Sealed, from: NodeId, nowMs: number): void {
    const { view } = this.#context
    const { by, about } = sealed.statement
    if (!view.rings.has(by) || !view.rings.has(about)) return
    if (about === view.self) return this.#hearOfSelf(sealed, from, nowMs)
    // Votes of this node come back by others; what it says now is newer.
    if (by === view.self) return
    if (!isVote(sealed)) view.links.get(from)?.heardWord(sealed, nowMs)
    const file = view.caseOf(about)
    const wasDoubted = file.doubtedMs !== null || file.settled !== null
    // Most of what comes is known already: asked only where it matters.
    const wasWide = wasDoubted && !isVote(sealed) && file.isWide
    const reception = file.take(sealed, nowMs)
    if (file.isTwofold) this.#tellTwofold(about)
    if (reception === 'stale' && file.own !== null) this.#context.outbox.say(from, file.own)
    if (reception !== 'news') return
    this.#context.touched.add(about)
    if (isVote(sealed)) this.#weighVote(file, nowMs)
    else this.#weighWord(file, sealed.statement as OwnWord, nowMs)
    if (!this.#mayPass(by, nowMs)) return
    if (isVote(sealed)) this.#context.spread(sealed, sealed.statement.isWide, nowMs, from)
    else if (wasDoubted || file.settled === 'left') {
      this.#context.spread(sealed, wasWide || file.settled === 'left', nowMs, from)
    }
  }

  /** Answers what could not be answered at once. */
  tick(nowMs: number): void {
    // Who has said that it leaves does not take that back.
    if (nowMs >= this.refuteMs && !this.#context.hasLeft) this.#refute(nowMs)
  }

  #weighVote(file: CaseFile, nowMs: number): void {
    const link = this.#context.view.links.get(file.about)
    if (link === undefined || file.settled !== null || file.doubtedMs === null) return
    if (link.doubt === null) this.#prober.check(link, nowMs)
    else this.#ballot.weigh(link, nowMs)
  }

  #weighWord(file: CaseFile, word: OwnWord, nowMs: number): void {
    const { view, outbox } = this.#context
    const link = view.links.get(file.about)
    if (word.kind === 'left') {
      const isSwitchedOff = word.farewell === 'network-off'
      view.settle(file, 'left', isSwitchedOff ? 'its network was switched off' : 'it said that it leaves')
      if (link !== undefined) this.#prober.release(link)
      return
    }
    if (file.settled !== null) view.settle(file, null)
    if (link === undefined) return
    this.#ballot.vouched(link, nowMs)
    // Whoever brought its word has a way to it; perhaps there is one from here again.
    if (link.doubt !== null && !link.isUp) outbox.add({ type: 'dial', node: file.about })
  }

  #hearOfSelf(sealed: Sealed, from: NodeId, nowMs: number): void {
    const { statement } = sealed
    const context = this.#context
    if (statement.kind !== 'vote') return this.#hearOwnWord(statement, from, nowMs)
    if (statement.verdict === 'alive' || context.hasLeft) return
    const order = compareIncarnations(statement.incarnation, context.incarnation)
    if (order < 0) context.outbox.say(from, context.ownWord())
    // About an incarnation that this node has not been in: made up, or its twin's.
    if (order !== 0) return
    this.#refute(nowMs)
  }

  #refute(nowMs: number): void {
    const context = this.#context
    const dueMs = this.#refutedMs + context.options.refuteMs
    if (nowMs < dueMs) {
      this.refuteMs = dueMs
      return
    }
    this.refuteMs = Infinity
    this.#refutedMs = nowMs
    const { boot, number } = context.incarnation
    this.#speak({ boot, number: number + 1 })
  }

  #speak(incarnation: { boot: number; number: number }): void {
    const context = this.#context
    const word = context.speakAnew(incarnation)
    for (const [node, link] of context.view.links) if (link.isUp) context.outbox.say(node, word)
  }

  /** A word in this node's name that it did not say: of a life that its disk forgot, or of a copy of that disk. */
  #hearOwnWord(word: OwnWord, from: NodeId, nowMs: number): void {
    const context = this.#context
    const order = compareIncarnations(word.incarnation, context.incarnation)
    if (order < 0) return context.outbox.say(from, context.ownWord())
    if (word.nonce === context.nonce && order === 0) return
    this.#jumpsMs = this.#jumpsMs.filter((ms) => nowMs - ms < membershipLimits.identityWindowMs)
    if (this.#jumpsMs.length >= membershipLimits.identityJumps) return this.#tellTwofold(context.self)
    this.#jumpsMs.push(nowMs)
    this.#speak({ boot: word.incarnation.boot, number: word.incarnation.number + 1 })
  }

  #tellTwofold(node: NodeId): void {
    if (this.#twofold.has(node)) return
    this.#twofold.add(node)
    this.#context.touched.add(node)
    this.#context.outbox.add({ type: 'duplicate', node })
  }

  #mayPass(signer: NodeId, nowMs: number): boolean {
    const { statementBurst, statementsPerSecond, countedSigners } = membershipLimits
    const known = this.#allowances.get(signer)
    const allowance = known ?? { tokens: statementBurst, atMs: nowMs, isTold: false }
    const earned = ((nowMs - allowance.atMs) / 1_000) * statementsPerSecond
    allowance.tokens = Math.min(statementBurst, allowance.tokens + earned)
    allowance.atMs = nowMs
    // The one that was counted longest ago makes room, and starts with a full allowance when it comes again.
    this.#allowances.delete(signer)
    this.#allowances.set(signer, allowance)
    if (this.#allowances.size > countedSigners) {
      this.#allowances.delete(this.#allowances.keys().next().value as NodeId)
    }
    if (allowance.tokens >= 1) {
      allowance.tokens--
      return true
    }
    if (!allowance.isTold) this.#context.outbox.add({ type: 'flood', node: signer })
    allowance.isTold = true
    return false
  }
}
