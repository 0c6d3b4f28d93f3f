/**
 * What peers send, read: counted before it is decoded, and each statement verified once, however many pass it on.
 */
import { digestOf, isSelvedgeError, messageOf } from '../../core/index.ts'
import type { NodeId } from '../identity/index.ts'
import { decodeFrame } from './frame.ts'
import type { Notary } from './notary.ts'
import { PeerBudget } from './peer-budget.ts'
import type { Message, Sealed } from './statement.ts'

/** What members say of others that a node must withstand. */
type MembershipAttack = 'flood' | 'forged-vote' | 'parser'

export type Report = (attack: MembershipAttack, peer: NodeId, detail: string) => void

/** Statements that were verified, by digest: each comes from several neighbours. */
const rememberedStatements = 4_096

export class Reading {
  readonly #notary: Notary
  readonly #report: Report
  readonly #budget = new PeerBudget()
  readonly #verified = new Map<string, Sealed>()

  constructor(notary: Notary, report: Report) {
    this.#notary = notary
    this.#report = report
  }

  /** @param nowMs monotonic @returns null for what is not to be read, or cannot be: that has been reported */
  open(peer: NodeId, bytes: Uint8Array, nowMs: number): Message | null {
    if (!this.#budget.takeMessage(peer, nowMs)) {
      this.#overspent(peer, 'it sends more messages about members than anybody needs', nowMs)
      return null
    }
    try {
      const frame = decodeFrame(bytes)
      if (frame?.t !== 'statements') return frame
      return { t: frame.t, list: this.#openAll(peer, frame.list, nowMs) }
    } catch (error) {
      if (!isSelvedgeError(error)) throw error
      this.#report(error.code === 'ERR_VOTE' ? 'forged-vote' : 'parser', peer, messageOf(error))
      return null
    }
  }

  #openAll(peer: NodeId, list: readonly Uint8Array[], nowMs: number): Sealed[] {
    const opened: Sealed[] = []
    for (const bytes of list) {
      const digest = digestOf(bytes)
      const known = this.#verified.get(digest)
      if (known !== undefined) {
        opened.push(known)
        continue
      }
      if (!this.#budget.takeSignature(peer, nowMs)) {
        this.#overspent(peer, 'it passes on more statements than this node verifies for one peer', nowMs)
        break
      }
      try {
        const sealed = this.#notary.open(bytes)
        this.#remember(digest, sealed)
        opened.push(sealed)
      } catch (error) {
        if (!isSelvedgeError(error)) throw error
        this.#report('forged-vote', peer, error.message)
      }
    }
    return opened
  }

  #overspent(peer: NodeId, detail: string, nowMs: number): void {
    if (this.#budget.isFirst(peer, nowMs)) this.#report('flood', peer, detail)
  }

  #remember(digest: string, sealed: Sealed): void {
    this.#verified.set(digest, sealed)
    if (this.#verified.size <= rememberedStatements) return
    const [oldest] = this.#verified.keys()
    if (oldest !== undefined) this.#verified.delete(oldest)
  }
}
