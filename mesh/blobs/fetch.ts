/**
 * Which peer to ask for which blob, and when to ask another. Pure: events and the time go in, actions come out.
 *
 * What is wanted goes to the least loaded peer that is not known to lack it. A peer that falls silent loses what it was
 * asked for; one that sends wrong bytes is never asked again; and what is still out at the end is asked of further
 * peers, so that the slowest does not set the pace. Without a source the fetch waits: peers come back.
 */
import type { Digest } from '../../core/index.ts'
import type { NodeId } from '../identity/index.ts'
import type { BlobRef } from '../releases/index.ts'
import { blobLimits } from './limits.ts'
import { Source, type SourceOptions } from './source.ts'

export type FetchEvent =
  /** Asked for in this order. May come again with more. */
  | { readonly type: 'start'; readonly wants: readonly BlobRef[] }
  | { readonly type: 'peer-up' | 'peer-down'; readonly peer: NodeId }
  /** The peer is there, but the channel to it could not be opened or closed. */
  | { readonly type: 'link-lost'; readonly peer: NodeId }
  /** Bytes with this digest came, so many of them. */
  | { readonly type: 'chunk'; readonly peer: NodeId; readonly digest: Digest; readonly sizeBytes: number }
  /** What was to be stored is on the disk. */
  | { readonly type: 'stored'; readonly digest: Digest }
  | { readonly type: 'missing'; readonly peer: NodeId; readonly digests: readonly Digest[] }
  | { readonly type: 'wrong'; readonly peer: NodeId; readonly reason: string }
  | { readonly type: 'tick' }

export type FetchAction =
  | { readonly type: 'request'; readonly peer: NodeId; readonly digests: readonly Digest[] }
  | { readonly type: 'store'; readonly digest: Digest }
  /** Everything wanted so far is on the disk. */
  | { readonly type: 'done' }
  /** What is wanted does not exist: the list that names it is wrong. Nothing follows. */
  | { readonly type: 'failed'; readonly reason: string }
  | { readonly type: 'misbehaved'; readonly peer: NodeId; readonly reason: string }

export interface FetchOptions extends SourceOptions {
  /** With nothing else to ask for, a blob that is out for so long is asked of one more peer. */
  readonly nextSourceMs: number
  /** Arrived and not stored: above it nothing more is asked for. */
  readonly storingBytes: number
}

export const fetchDefaults: FetchOptions = {
  firstWindow: 4,
  maxWindow: 32,
  windowBytes: 1024 * 1024,
  stallMs: 5_000,
  // A GPRS-class uplink: slower than that, another source is better than patience.
  slowestBytesPerSecond: 16 * 1024,
  firstPauseMs: 250,
  longestPauseMs: 5_000,
  missesBeforePause: 8,
  nextSourceMs: 2_000,
  storingBytes: blobLimits.storingBytes,
}

/** Copies of one blob that may be on their way at once. */
const sourcesPerBlob = 3

interface Want extends BlobRef {
  readonly askedOf: Set<Source>
  isStoring: boolean
}

export class FetchSchedule {
  readonly #options: FetchOptions
  readonly #wants = new Map<Digest, Want>()
  /** Wanted and asked of nobody, in order. */
  readonly #open = new Set<Digest>()
  readonly #sources = new Map<NodeId, Source>()
  readonly #shunned = new Set<NodeId>()
  #storingBytes = 0
  #hasFailed = false

  constructor(options: FetchOptions = fetchDefaults) {
    this.#options = options
  }

  /** Whether bytes of this digest would still help. */
  awaits(digest: Digest): boolean {
    return this.#wants.get(digest)?.isStoring === false
  }

  /** @param now monotonic ms */
  handle(event: FetchEvent, now: number): FetchAction[] {
    if (this.#hasFailed) return []
    const actions = this.#apply(event, now)
    return this.#hasFailed ? actions : [...actions, ...this.#assign(now)]
  }

  #apply(event: FetchEvent, now: number): FetchAction[] {
    switch (event.type) {
      case 'start':
        return this.#add(event.wants)
      case 'peer-up':
        return this.#addSource(event.peer)
      case 'peer-down':
        return this.#removeSource(event.peer)
      case 'link-lost':
        return this.#reopen(this.#sources.get(event.peer), (source) => source.backOff(now))
      case 'chunk':
        return this.#arrived(event.peer, event.digest, event.sizeBytes, now)
      case 'stored':
        return this.#stored(event.digest)
      case 'missing':
        return this.#lacked(event.peer, event.digests, now)
      case 'wrong':
        return this.#shun(event.peer, event.reason)
      case 'tick':
        return [...this.#takeBackStalled(now), ...this.#askFurtherSources(now)]
    }
  }

  #add(wants: readonly BlobRef[]): FetchAction[] {
    for (const { digest, sizeBytes } of wants) {
      if (this.#wants.has(digest)) continue
      this.#wants.set(digest, { digest, sizeBytes, askedOf: new Set(), isStoring: false })
      this.#open.add(digest)
    }
    return this.#wants.size === 0 ? [{ type: 'done' }] : []
  }

  #addSource(peer: NodeId): FetchAction[] {
    if (!this.#sources.has(peer) && !this.#shunned.has(peer)) {
      this.#sources.set(peer, new Source(peer, this.#options))
    }
    return []
  }

  #removeSource(peer: NodeId): FetchAction[] {
    const source = this.#sources.get(peer)
    this.#sources.delete(peer)
    return this.#reopen(source, (gone) => gone.release())
  }

  #shun(peer: NodeId, reason: string): FetchAction[] {
    if (this.#shunned.has(peer)) return []
    this.#shunned.add(peer)
    this.#removeSource(peer)
    return [{ type: 'misbehaved', peer, reason }]
  }

  /** Gives to others what `release` takes from a source. */
  #reopen(source: Source | undefined, release: (source: Source) => readonly Digest[]): FetchAction[] {
    if (source === undefined) return []
    for (const digest of release(source)) {
      const want = this.#wants.get(digest)
      if (want === undefined || !want.askedOf.delete(source)) continue
      if (want.askedOf.size === 0 && !want.isStoring) this.#open.add(digest)
    }
    return []
  }

  /** Also takes what comes late, from a peer that was given up meanwhile. */
  #arrived(peer: NodeId, digest: Digest, sizeBytes: number, now: number): FetchAction[] {
    this.#sources.get(peer)?.delivered(digest, now)
    const want = this.#wants.get(digest)
    if (want === undefined || want.isStoring) return []
    if (want.sizeBytes !== sizeBytes) {
      this.#hasFailed = true
      const reason = `${digest} has ${sizeBytes} bytes, not the ${want.sizeBytes} that are said of it`
      return [{ type: 'failed', reason }]
    }
    for (const source of want.askedOf) source.forget(digest)
    want.askedOf.clear()
    want.isStoring = true
    this.#storingBytes += sizeBytes
    this.#open.delete(digest)
    return [{ type: 'store', digest }]
  }

  #stored(digest: Digest): FetchAction[] {
    const want = this.#wants.get(digest)
    if (want === undefined || !want.isStoring) return []
    this.#storingBytes -= want.sizeBytes
    this.#wants.delete(digest)
    for (const source of this.#sources.values()) source.drop(digest)
    return this.#wants.size === 0 ? [{ type: 'done' }] : []
  }

  #lacked(peer: NodeId, digests: readonly Digest[], now: number): FetchAction[] {
    return this.#reopen(this.#sources.get(peer), (source) => {
      // Only what it was asked for: a peer cannot fill our memory with what it says it lacks.
      const asked = digests.filter((digest) => source.askedAt(digest) !== null)
      if (asked.length > 0) source.lacked(asked, now)
      return asked
    })
  }

  #takeBackStalled(now: number): FetchAction[] {
    for (const source of this.#sources.values()) {
      if (source.hasStalled(now)) this.#reopen(source, (stalled) => stalled.backOff(now))
    }
    return []
  }

  #assign(now: number): FetchAction[] {
    const requests = new Map<NodeId, Digest[]>()
    let ready = [...this.#sources.values()].filter((source) => source.isReady(now))
    for (const digest of this.#open) {
      if (ready.length === 0 || this.#storingBytes > this.#options.storingBytes) break
      const want = this.#wants.get(digest)
      const source = want && leastLoaded(ready.filter((candidate) => candidate.canTake(want, now)))
      if (want === undefined || source === undefined) continue
      this.#ask(source, want, now, requests)
      if (!source.isReady(now)) ready = ready.filter((candidate) => candidate !== source)
    }
    return requestsOf(requests)
  }

  #askFurtherSources(now: number): FetchAction[] {
    const requests = new Map<NodeId, Digest[]>()
    if (this.#open.size > 0) return []
    for (const want of this.#wants.values()) {
      const lastAskedAt = Math.max(...[...want.askedOf].map((source) => source.askedAt(want.digest) ?? now))
      if (want.askedOf.size === 0 || want.askedOf.size >= sourcesPerBlob) continue
      if (now - lastAskedAt < this.#options.nextSourceMs) continue
      const candidates = [...this.#sources.values()].filter(
        (source) => source.isReady(now) && source.canTake(want, now),
      )
      const source = mostReliable(candidates)
      if (source !== undefined) this.#ask(source, want, now, requests)
    }
    return requestsOf(requests)
  }

  #ask(source: Source, want: Want, now: number, requests: Map<NodeId, Digest[]>): void {
    source.ask(want, now)
    want.askedOf.add(source)
    this.#open.delete(want.digest)
    const digests = requests.get(source.peer)
    if (digests === undefined) requests.set(source.peer, [want.digest])
    else digests.push(want.digest)
  }
}

/** Among equals the one that has delivered most since it last fell silent. */
function leastLoaded(sources: readonly Source[]): Source | undefined {
  return bestOf(sources, (a, b) => a.bytesInFlight - b.bytesInFlight || b.window - a.window)
}

function mostReliable(sources: readonly Source[]): Source | undefined {
  return bestOf(sources, (a, b) => b.window - a.window || a.bytesInFlight - b.bytesInFlight)
}

function bestOf(sources: readonly Source[], compare: (a: Source, b: Source) => number): Source | undefined {
  let best = sources[0]
  for (const source of sources) if (best !== undefined && compare(source, best) < 0) best = source
  return best
}

function requestsOf(requests: ReadonlyMap<NodeId, readonly Digest[]>): FetchAction[] {
  return [...requests].map(([peer, digests]) => ({ type: 'request', peer, digests }))
}
