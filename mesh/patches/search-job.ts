/** One search carried out: asks over the links, collects the bytes of a patch, applies it, and hands on the component. */
import {
  digestOf,
  every,
  isSelvedgeError,
  messageOf,
  type Cancel,
  type Clock,
  type Digest,
  type Log,
} from '../../core/index.ts'
import type { NodeId } from '../identity/index.ts'
import type { ComponentRef } from '../releases/index.ts'
import type { PatchCodec } from './codec.ts'
import { patchLimits } from './limits.ts'
import type { PatchAnswer, PatchOffer, PatchRequest } from './messages.ts'
import { PatchSearch, type SearchAction, type SearchEvent } from './search.ts'

/** What a peer did with patches, by the names that `status` and the metrics show. */
export type PatchAttack = 'bad-patch' | 'parser' | 'slow-retrieval'

export interface SearchJobNeeds {
  /** This node's name for the question; no two searches share one. */
  readonly n: number
  readonly app: string
  readonly target: ComponentRef
  /** What this node has, the likeliest first. */
  readonly bases: readonly ComponentRef[]
  /** In chunks it would cost so much, as far as is known. */
  readonly worthBytes: number
  readonly clock: Clock
  readonly log: Log
  readonly codec: PatchCodec
  /** A base, whole and verified; null where it is not there any more. */
  readBase(ref: ComponentRef): Promise<Uint8Array | null>
  send(peer: NodeId, request: PatchRequest): void
  /** It must not be asked again. */
  misbehaved(peer: NodeId, attack: PatchAttack, reason: string): void
  /** It may be overloaded. */
  dawdled(peer: NodeId, reason: string): void
  /** A patch gave the component: for others to have. */
  proven(base: Digest, patch: Uint8Array): Promise<void>
  onPiece(receivedBytes: number): void
  onExpecting(): void
}

/** How often late answers are looked for. */
const tickMs = 250

export class SearchJob {
  readonly #needs: SearchJobNeeds
  readonly #search: PatchSearch
  readonly #unpromising = settlement<void>()
  readonly #found = settlement<Uint8Array | null>()
  readonly #asked = new Set<NodeId>()
  #ticking: Cancel = () => {}
  #get: { readonly peer: NodeId; readonly offer: PatchOffer; bytes: Uint8Array; at: number } | null = null
  #attack: PatchAttack = 'parser'
  #wasExpecting = false
  #receivedBytes = 0
  #isOver = false

  constructor(needs: SearchJobNeeds) {
    this.#needs = needs
    this.#search = new PatchSearch(needs.worthBytes)
  }

  /** Of patches, wanted or not. */
  get receivedBytes(): number {
    return this.#receivedBytes
  }

  /** Resolves when there is no reason (any more) to hold chunks back. */
  get unpromising(): Promise<void> {
    return this.#unpromising.promise
  }

  /** The component, verified; null when the search was ended. Never rejects. */
  get found(): Promise<Uint8Array | null> {
    return this.#found.promise
  }

  get isExpecting(): boolean {
    return !this.#isOver && this.#search.isExpecting(this.#needs.clock.monotonicMs())
  }

  start(peers: readonly NodeId[]): void {
    this.#ticking = every(this.#needs.clock, tickMs, () => this.observe({ type: 'tick' }))
    for (const peer of peers) this.observe({ type: 'peer-up', peer })
    this.observe({ type: 'tick' })
  }

  stop(): void {
    this.#end(null)
  }

  observe(event: SearchEvent): void {
    if (this.#isOver) return
    for (const action of this.#search.handle(event, this.#needs.clock.monotonicMs())) this.#act(action)
    const { isExpecting } = this
    if (isExpecting === this.#wasExpecting) return
    this.#wasExpecting = isExpecting
    this.#needs.onExpecting()
  }

  /** Takes what a peer answered to this question. */
  take(peer: NodeId, answer: PatchAnswer): void {
    if (this.#isOver) return
    switch (answer.kind) {
      case 'known': {
        const { expecting, patches } = answer
        const isForeign = patches.some(({ base }) => base >= this.#needs.bases.length)
        if (isForeign) return this.broken(peer, 'it offers a patch of a base that was not asked for')
        return this.observe({ type: 'known', peer, expecting, patches })
      }
      case 'gone':
        return this.observe({ type: 'gone', peer })
      case 'piece':
        return this.#piece(peer, answer.bytes)
    }
  }

  broken(peer: NodeId, reason: string): void {
    this.#wrong(peer, null, 'parser', reason)
  }

  #piece(peer: NodeId, piece: Uint8Array): void {
    this.#receivedBytes += piece.length
    this.#needs.onPiece(this.#receivedBytes)
    const get = this.#get
    // Late, from a peer that was given up meanwhile.
    if (get === null || get.peer !== peer) return
    const left = get.offer.sizeBytes - get.at
    if (piece.length !== Math.min(left, patchLimits.pieceBytes)) {
      return this.broken(peer, `it sent a piece of ${piece.length} bytes where ${left} were left`)
    }
    get.bytes.set(piece, get.at)
    get.at += piece.length
    if (get.at < get.offer.sizeBytes) return
    if (digestOf(get.bytes) === get.offer.digest) return this.observe({ type: 'arrived', peer })
    this.#wrong(peer, null, 'bad-patch', `it sent other bytes as the patch ${get.offer.digest}`)
  }

  #act(action: SearchAction): void {
    const { n, app, target, bases, send } = this.#needs
    switch (action.type) {
      case 'ask':
        this.#asked.add(action.peer)
        return send(action.peer, {
          kind: 'find',
          n,
          app,
          target: target.digest,
          bases: bases.map(({ digest }) => digest),
        })
      case 'get': {
        const { peer, offer } = action
        this.#get = { peer, offer, bytes: new Uint8Array(offer.sizeBytes), at: 0 }
        return send(peer, { kind: 'get', n, digest: offer.digest })
      }
      case 'apply':
        this.#apply(action.peer, action.offer).catch((error: unknown) => this.#untried(action.offer, error))
        return
      case 'unpromising':
        return this.#unpromising.resolve()
      case 'dawdled':
        this.#get = null
        return this.#needs.dawdled(action.peer, action.reason)
      case 'misbehaved':
        return this.#needs.misbehaved(action.peer, this.#attack, action.reason)
    }
  }

  async #apply(peer: NodeId, offer: PatchOffer): Promise<void> {
    const { bases, readBase, codec, target, proven } = this.#needs
    const patch = this.#get?.bytes
    this.#get = null
    const ref = bases[offer.base]
    const base = ref === undefined ? null : await readBase(ref)
    if (patch === undefined || ref === undefined || base === null) {
      return this.#untried(offer, 'its base is not on this disk any more')
    }
    let component: Uint8Array
    try {
      component = await codec.apply(base, patch, target)
    } catch (error) {
      if (!isSelvedgeError(error, 'ERR_PATCH_FORMAT', 'ERR_PATCH_SIZE', 'ERR_PATCH_RESULT')) throw error
      return this.#wrong(peer, offer.digest, 'bad-patch', error.message)
    }
    await proven(ref.digest, patch).catch((error: unknown) =>
      this.#needs.log.warn('patch:not-kept', { error: messageOf(error) }),
    )
    this.observe({ type: 'fits' })
    this.#end(component)
  }

  #untried(offer: PatchOffer, error: unknown): void {
    this.#needs.log.warn('patch:untried', { patch: offer.digest, error: messageOf(error) })
    this.observe({ type: 'untried', digest: offer.digest })
  }

  #wrong(peer: NodeId, digest: Digest | null, attack: PatchAttack, reason: string): void {
    if (this.#get?.peer === peer) this.#get = null
    this.#attack = attack
    this.observe({ type: 'wrong', peer, digest, reason })
  }

  #end(component: Uint8Array | null): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#ticking()
    for (const peer of this.#asked) this.#needs.send(peer, { kind: 'forget', n: this.#needs.n })
    if (component === null) this.#unpromising.resolve()
    this.#found.resolve(component)
    this.#needs.onExpecting()
  }
}

function settlement<T>(): { promise: Promise<T>; resolve(value: T): void } {
  let resolve!: (value: T) => void
  const promise = new Promise<T>((settle) => {
    resolve = settle
  })
  return { promise, resolve }
}
