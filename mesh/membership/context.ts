/** What the parts of the membership machine share: who this node is, what it holds, what it says, and to whom. */
import type { Random } from '../../core/index.ts'
import type { NodeId } from '../identity/index.ts'
import type { Incarnation } from './incarnation.ts'
import { LocalHealth } from './local-health.ts'
import type { MembershipOptions } from './options.ts'
import { Outbox } from './outbox.ts'
import type { Reach } from './reach.ts'
import { isVote, type Farewell, type Seal, type Sealed, type Statement } from './statement.ts'
import type { View } from './view.ts'

export interface ContextParts {
  readonly view: View
  readonly options: MembershipOptions
  readonly random: Random
  readonly seal: Seal
  /** This boot, and what tells it from another machine with the same identity. */
  readonly boot: number
  readonly nonce: string
}

export class Context {
  readonly view: View
  readonly options: MembershipOptions
  readonly random: Random
  readonly health = new LocalHealth()
  readonly outbox = new Outbox()
  readonly nonce: string
  incarnation: Incarnation
  isNetworkOn = true
  isIsolated = false
  /** The part of the mesh that this node reaches; null for all that are there. */
  reached: Reach | null = null
  /** Why it has left; null while it has not. */
  farewell: Farewell | null = null
  /** Members whose verdict may have changed since this was last looked at. */
  readonly touched = new Set<NodeId>()
  readonly #seal: Seal
  readonly #boot: number
  #votes = 0
  #word: Sealed | null = null

  constructor(parts: ContextParts) {
    this.view = parts.view
    this.options = parts.options
    this.random = parts.random
    this.nonce = parts.nonce
    this.#seal = parts.seal
    this.#boot = parts.boot
    this.incarnation = { boot: parts.boot, number: 0 }
  }

  get self(): NodeId {
    return this.view.self
  }

  get hasLeft(): boolean {
    return this.farewell !== null
  }

  /** Whether this node is cut off from a member, as part of a part that is. */
  unreached(node: NodeId): boolean {
    return this.reached !== null && !this.reached.has(node)
  }

  seal<Kind extends Statement>(statement: Kind): Sealed<Kind> {
    return this.#seal(statement)
  }

  /** The place of this node's next vote among its votes. */
  nextOrder(): Incarnation {
    return { boot: this.#boot, number: ++this.#votes }
  }

  /** What this node says of itself: signed anew only when it changes. */
  ownWord(): Sealed {
    const { self, incarnation, nonce, farewell } = this
    const word = { by: self, about: self, incarnation, nonce }
    this.#word ??= this.seal(
      farewell === null ? { ...word, kind: 'alive' } : { ...word, kind: 'left', farewell },
    )
    return this.#word
  }

  /** Goes to another incarnation, or to having left. */
  speakAnew(incarnation: Incarnation, farewell: Farewell | null = null): Sealed {
    this.incarnation = incarnation
    this.farewell = farewell
    this.#word = null
    return this.ownWord()
  }

  /**
   * Passes a statement on: a wide one to every neighbour, any other to those who watch the node it is about, and to that
   * node, so that it can speak for itself. Its own newest word goes before a vote, without which a vote counts nowhere,
   * unless it crossed that connection a moment ago: where many are in doubt, words would be two statements in three.
   */
  spread(sealed: Sealed, isWide: boolean, nowMs: number, except: NodeId | null = null): void {
    const { about } = sealed.statement
    const word = isVote(sealed) ? (this.view.cases.get(about)?.own ?? null) : null
    for (const [node, link] of this.view.links) {
      if (!link.isUp || node === except || node === sealed.statement.by) continue
      if (!isWide && node !== about && !this.view.isWatcher(node, about)) continue
      if (word !== null && link.mayTellWord(word, nowMs)) this.outbox.say(node, word)
      this.outbox.say(node, sealed)
    }
  }
}
