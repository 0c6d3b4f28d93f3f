/** Keeps what travels as heads equal to what this node holds, and lets each kind judge what comes in. */
import { digestOf, messageOf, type Log } from '../core/index.ts'
import type { MeshCounters } from './counters.ts'
import { headKinds, type HeadKind, type Holdings } from './head-kinds/index.ts'
import { compareHeads, type Head, type HeadExchange, type HeadOutcome } from './heads/index.ts'
import type { NodeId } from './identity/index.ts'
import type { Witness } from './witness.ts'

/** News of trust is everywhere by then, wherever there is a way. */
const graceMs = 30_000

export interface PublishedHeadsParts {
  readonly holdings: Holdings
  readonly counters: MeshCounters
  readonly witness: Witness
  readonly log: Log
  /** Called before a head from a peer is judged. */
  onOffered(key: string, from: NodeId): void
  /** Called with the kind of a head that was taken, after it is passed on. */
  onAccepted(prefix: string): void
}

export class PublishedHeads {
  readonly #parts: PublishedHeadsParts
  readonly #kinds: readonly HeadKind[]
  #exchange: HeadExchange | null = null
  #trustChangedMs = -Infinity

  constructor(parts: PublishedHeadsParts) {
    this.#parts = parts
    this.#kinds = headKinds(parts.holdings)
    const { trust, clock } = parts.holdings
    trust.onChange(() => (this.#trustChangedMs = clock.monotonicMs()))
  }

  /** Of the keys of each kind. */
  get prefixes(): string[] {
    return this.#kinds.map(({ prefix }) => prefix)
  }

  /** The exchange asks this object and is told by it, so one of them has to be there first. */
  connect(exchange: HeadExchange): void {
    this.#exchange = exchange
  }

  publishAll(): void {
    for (const { prefix } of this.#kinds) this.publishKind(prefix)
  }

  /** Passes on all heads of a kind, and forgets those that are no more. */
  publishKind(prefix: string): void {
    const exchange = this.#exchange
    const kind = this.#kinds.find((known) => known.prefix === prefix)
    if (kind === undefined || exchange === null) return
    const heads = kind.heads()
    const kept = heads.filter((head) => !this.#isFallback(head))
    exchange.retain(prefix, new Set(kept.map(({ key }) => key)))
    for (const head of heads) {
      if (exchange.get(head.key)?.digest !== head.digest) exchange.changed(head, kind.isUnhurried)
    }
  }

  /** Passes on the head with this name, where that can be told without a look at all of its kind; else all of them. */
  publish(prefix: string, name: string): void {
    const kind = this.#kinds.find((known) => known.prefix === prefix)
    if (kind?.head === undefined) return this.publishKind(prefix)
    const head = kind.head(name)
    const held = this.#exchange?.get(prefix + name)
    if (held?.digest === head?.digest) return
    if (head === null || this.#isFallback(head)) return this.publishKind(prefix)
    this.#exchange?.changed(head, kind.isUnhurried)
  }

  /** Judges a head from a peer; one that is refused is counted and logged here. */
  async accept(key: string, bytes: Uint8Array, from: NodeId): Promise<HeadOutcome> {
    const { counters, witness, log, onOffered, onAccepted } = this.#parts
    const kind = this.#kinds.find(({ prefix }) => key.startsWith(prefix))
    if (kind === undefined) {
      counters.headRefused(null)
      return 'refused'
    }
    onOffered(key, from)
    try {
      const outcome = await kind.accept(bytes, from)
      if (outcome === 'accepted') {
        witness.taken(nameOf(kind), bytes, from)
        this.publish(kind.prefix, key.slice(kind.prefix.length))
        onAccepted(kind.prefix)
      }
      return outcome
    } catch (error) {
      counters.headRefused(nameOf(kind))
      witness.refused(nameOf(kind), bytes, from, error, this.#isNewsToOthers(bytes))
      log.warn('head:refused', { key, from, error: messageOf(error) })
      return 'refused'
    }
  }

  /** Held here until a moment ago: others may not have heard yet why it counts no more. */
  #isNewsToOthers(bytes: Uint8Array): boolean {
    const { releases, clock } = this.#parts.holdings
    const isRecent = clock.monotonicMs() - this.#trustChangedMs < graceMs
    return isRecent && releases.get(digestOf(bytes)) !== null
  }

  /** What was held in its place was newer and counts no more, so it has to be forgotten first. */
  #isFallback(head: Head): boolean {
    const held = this.#exchange?.get(head.key)
    return held !== undefined && compareHeads(held, head) < 0
  }
}

function nameOf({ prefix }: HeadKind): string {
  return prefix.replace('/', '')
}
