/**
 * Where to get a patch, and when to stop waiting for one. Pure: events and the time go in, actions come out.
 *
 * A few peers are asked at a time, because each answer costs bytes that patches are there to save. Who expects a patch
 * soon is waited for; else the search says that it does not promise anything, so that chunks are fetched, and goes on
 * listening beside that: what turns up later is taken while it is smaller than what is left to fetch.
 */
import type { Digest } from '../../core/index.ts'
import type { NodeId } from '../identity/index.ts'
import type { PatchOffer } from './messages.ts'

export type SearchEvent =
  | { readonly type: 'peer-up' | 'peer-down'; readonly peer: NodeId }
  /** The channel could not be opened or closed: also how an older node answers, which knows no patches. */
  | { readonly type: 'link-lost'; readonly peer: NodeId }
  | {
      readonly type: 'known'
      readonly peer: NodeId
      readonly expecting: boolean
      readonly patches: readonly PatchOffer[]
    }
  | { readonly type: 'gone'; readonly peer: NodeId }
  /** All bytes of what was asked for are here, and have its digest. */
  | { readonly type: 'arrived'; readonly peer: NodeId }
  /** What arrived gives the component. */
  | { readonly type: 'fits' }
  /** What came from this peer is not what it offered, or no patch for this component. */
  | { readonly type: 'wrong'; readonly peer: NodeId; readonly digest: Digest | null; readonly reason: string }
  /** It could not be tried, for a reason of this node's own. */
  | { readonly type: 'untried'; readonly digest: Digest }
  /** So many bytes are left to fetch in chunks. */
  | { readonly type: 'left'; readonly bytes: number }
  | { readonly type: 'tick' }

export type SearchAction =
  | { readonly type: 'ask'; readonly peer: NodeId }
  | { readonly type: 'get'; readonly peer: NodeId; readonly offer: PatchOffer }
  | { readonly type: 'apply'; readonly peer: NodeId; readonly offer: PatchOffer }
  /** Nothing is in sight: fetch chunks. Once. */
  | { readonly type: 'unpromising' }
  /** It did not hand over in time what it had offered. */
  | { readonly type: 'dawdled'; readonly peer: NodeId; readonly reason: string }
  | { readonly type: 'misbehaved'; readonly peer: NodeId; readonly reason: string }

export interface SearchOptions {
  readonly askedAtOnce: number
  /** Who has not answered by then has nothing. */
  readonly answerMs: number
  /** Who expects a patch, and has none by then, is not waited for. */
  readonly expectMs: number
  /** Neighbours hear of a release at the same time: who has nothing yet may expect something a moment later. */
  readonly graceMs: number
  /** After this nothing new is waited for; what is on its way is. */
  readonly patienceMs: number
  /** A patch must be here after so long and its size at {@link slowestBytesPerSecond}. */
  readonly getMs: number
  readonly slowestBytesPerSecond: number
}

export const searchDefaults: SearchOptions = {
  askedAtOnce: 2,
  answerMs: 2_000,
  expectMs: 5_000,
  graceMs: 300,
  patienceMs: 15_000,
  getMs: 5_000,
  // As for blobs: a GPRS-class uplink.
  slowestBytesPerSecond: 16 * 1024,
}

interface Peer {
  state: 'new' | 'asked' | 'answered' | 'silent'
  askedAt: number
  /** Since when it has said that it expects one; null where it does not. */
  expectingSince: number | null
  /** It said so before and was not right: not waited for a second time. */
  isPatienceUsed: boolean
  /** How often it was asked for bytes. */
  gets: number
  offers: readonly PatchOffer[]
}

/** Then what a peer offers is not looked at any more: it would have had it by now. */
const getsPerPeer = 3

export class PatchSearch {
  readonly #options: SearchOptions
  readonly #peers = new Map<NodeId, Peer>()
  readonly #shunned = new Set<NodeId>()
  readonly #refused = new Set<Digest>()
  #current: {
    readonly peer: NodeId
    readonly offer: PatchOffer
    readonly dueAt: number
    isApplying: boolean
  } | null = null
  #startedAt: number | null = null
  #leftBytes: number
  /** When it first looked as if nobody had anything. */
  #doubtSince: number | null = null
  #isUnpromising = false
  #isOver = false

  /** @param worthBytes a patch as large as this is no gain */
  constructor(worthBytes: number, options: SearchOptions = searchDefaults) {
    this.#leftBytes = worthBytes
    this.#options = options
  }

  /** Whether this node may soon have a patch to hand on. */
  isExpecting(now: number): boolean {
    if (this.#isOver) return false
    return this.#current !== null || [...this.#peers.values()].some((peer) => this.#isWaitedFor(peer, now))
  }

  /** @param now monotonic ms */
  handle(event: SearchEvent, now: number): SearchAction[] {
    if (this.#isOver) return []
    this.#startedAt ??= now
    const actions = this.#apply(event, now)
    return this.#isOver ? actions : [...actions, ...this.#next(now)]
  }

  #apply(event: SearchEvent, now: number): SearchAction[] {
    switch (event.type) {
      case 'peer-up':
        if (!this.#peers.has(event.peer) && !this.#shunned.has(event.peer)) {
          this.#peers.set(event.peer, newPeer())
        }
        return []
      case 'peer-down':
        this.#peers.delete(event.peer)
        return this.#letGo(event.peer)
      case 'link-lost':
      case 'gone':
        this.#silence(event.peer)
        return this.#letGo(event.peer)
      case 'known':
        return this.#learn(event.peer, event.expecting, event.patches, now)
      case 'arrived':
        return this.#arrived(event.peer)
      case 'fits':
        this.#isOver = true
        return []
      case 'untried':
        this.#refused.add(event.digest)
        this.#current = null
        return []
      case 'wrong':
        return this.#shun(event.peer, event.digest, event.reason)
      case 'left':
        this.#leftBytes = event.bytes
        return []
      case 'tick':
        return this.#giveUpLate(now)
    }
  }

  #learn(peer: NodeId, expecting: boolean, offers: readonly PatchOffer[], now: number): SearchAction[] {
    const known = this.#peers.get(peer)
    // Only who was asked: nobody can make this node get something by itself.
    if (known === undefined || known.state === 'new') return []
    known.state = 'answered'
    known.offers = offers
    if (!expecting) known.expectingSince = null
    else if (!known.isPatienceUsed) {
      known.expectingSince ??= now
      known.isPatienceUsed = true
    }
    return []
  }

  #arrived(peer: NodeId): SearchAction[] {
    const current = this.#current
    if (current === null || current.peer !== peer || current.isApplying) return []
    current.isApplying = true
    return [{ type: 'apply', peer, offer: current.offer }]
  }

  #shun(peer: NodeId, digest: Digest | null, reason: string): SearchAction[] {
    if (digest !== null) this.#refused.add(digest)
    this.#peers.delete(peer)
    if (this.#current?.peer === peer) this.#current = null
    if (this.#shunned.has(peer)) return []
    this.#shunned.add(peer)
    return [{ type: 'misbehaved', peer, reason }]
  }

  #silence(name: NodeId): void {
    const peer = this.#peers.get(name)
    if (peer === undefined) return
    peer.state = 'silent'
    peer.offers = []
    peer.expectingSince = null
  }

  /** What a peer was handing over will not come, unless it is here already. */
  #letGo(peer: NodeId): SearchAction[] {
    if (this.#current?.peer === peer && !this.#current.isApplying) this.#current = null
    return []
  }

  #giveUpLate(now: number): SearchAction[] {
    for (const [name, peer] of this.#peers) {
      if (peer.state === 'asked' && now - peer.askedAt >= this.#options.answerMs) this.#silence(name)
    }
    const current = this.#current
    if (current === null || current.isApplying || now < current.dueAt) return []
    this.#silence(current.peer)
    // What it still sends of this one must not be taken for the next.
    const peer = this.#peers.get(current.peer)
    if (peer !== undefined) peer.gets = getsPerPeer
    const reason = `it did not hand over a patch of ${current.offer.sizeBytes} bytes in time`
    return [...this.#letGo(current.peer), { type: 'dawdled', peer: current.peer, reason }]
  }

  #next(now: number): SearchAction[] {
    if (this.#current !== null) return []
    const best = this.#best()
    if (best !== null) {
      const { getMs, slowestBytesPerSecond } = this.#options
      const dueAt = now + getMs + (best.offer.sizeBytes / slowestBytesPerSecond) * 1_000
      this.#current = { ...best, dueAt, isApplying: false }
      const peer = this.#peers.get(best.peer)
      if (peer !== undefined) peer.gets++
      return [...this.#despair(now), { type: 'get', ...best }]
    }
    return [...this.#ask(now), ...this.#despair(now)]
  }

  /** The smallest that is a gain, of the first that offered it. */
  #best(): { peer: NodeId; offer: PatchOffer } | null {
    let best: { peer: NodeId; offer: PatchOffer } | null = null
    for (const [peer, { offers, gets }] of this.#peers) {
      if (gets >= getsPerPeer) continue
      for (const offer of offers) {
        if (offer.sizeBytes >= (best?.offer.sizeBytes ?? this.#leftBytes)) continue
        if (!this.#refused.has(offer.digest)) best = { peer, offer }
      }
    }
    return best
  }

  #ask(now: number): SearchAction[] {
    const peers = [...this.#peers]
    const awaited = peers.filter(([, peer]) => peer.state === 'asked').length
    // Somebody has it soon: asking the others meanwhile would cost as much as it is worth.
    if (peers.some(([, peer]) => this.#isWaitedFor(peer, now))) return []
    const next = peers.filter(([, peer]) => peer.state === 'new')
    return next.slice(0, Math.max(0, this.#options.askedAtOnce - awaited)).map(([name, peer]) => {
      peer.state = 'asked'
      peer.askedAt = now
      return { type: 'ask', peer: name }
    })
  }

  #despair(now: number): SearchAction[] {
    if (this.#isUnpromising || !this.#isHopeless(now)) return []
    this.#isUnpromising = true
    return [{ type: 'unpromising' }]
  }

  #isHopeless(now: number): boolean {
    if (now - (this.#startedAt ?? now) >= this.#options.patienceMs) return true
    if (this.#current !== null) return false
    const peers = [...this.#peers.values()]
    if (
      peers.some((peer) => peer.state === 'new' || peer.state === 'asked' || this.#isWaitedFor(peer, now))
    ) {
      return false
    }
    this.#doubtSince ??= now
    return now - this.#doubtSince >= this.#options.graceMs || peers.every(({ state }) => state === 'silent')
  }

  #isWaitedFor({ expectingSince }: Peer, now: number): boolean {
    return expectingSince !== null && now - expectingSince < this.#options.expectMs
  }
}

function newPeer(): Peer {
  return { state: 'new', askedAt: 0, expectingSince: null, isPatienceUsed: false, gets: 0, offers: [] }
}
