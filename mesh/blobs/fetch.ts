/**
 * Which peer to ask for which blob, and when to ask another. Pure: events and the time go in, actions come out.
 *
 * Each source that has room is asked for the rarest of what it has. One that has nothing left to be asked for takes over
 * what waits at a slower one. A peer that falls silent loses what it was asked for; one that sends wrong bytes is never
 * asked again. Without a source the fetch waits: peers come back.
 */
import type { Digest, Random, TokenBucket } from '../../core/index.ts'
import type { NodeId } from '../identity/index.ts'
import type { BlobRef } from '../releases/index.ts'
import type { FetchAction, FetchEvent } from './fetch-events.ts'
import { fetchDefaults, type FetchOptions } from './fetch-options.ts'
import { Outbox } from './outbox.ts'
import { Rarity, shuffled } from './rarity.ts'
import { isNearest } from './near-sources.ts'
import { Source } from './source.ts'
import { overdueFor } from './take-over.ts'
import { FetchTurns } from './turns.ts'
import type { Want } from './want.ts'

export interface FetchNeeds {
  readonly self: NodeId
  readonly random: Random
  /** What all fetches together may ask for. */
  readonly budget: TokenBucket
}

export class FetchSchedule {
  readonly #options: FetchOptions
  readonly #budget: TokenBucket
  readonly #random: Random
  readonly #wants = new Map<Digest, Want>()
  /** Wanted and asked of nobody. */
  readonly #open: Rarity<Want>
  readonly #sources = new Map<NodeId, Source>()
  readonly #turns: FetchTurns
  readonly #shunned = new Set<NodeId>()
  readonly #outbox = new Outbox()
  #numbers = 0
  #storingBytes = 0
  #isPaused = false
  #hasFailed = false

  constructor({ self, random, budget }: FetchNeeds, options: FetchOptions = fetchDefaults) {
    this.#options = options
    this.#budget = budget
    this.#random = random
    this.#turns = new FetchTurns(self)
    this.#open = new Rarity(random)
  }

  /** Whether bytes of this digest would still help. */
  awaits(digest: Digest): boolean {
    return this.#wants.get(digest)?.isStoring === false
  }

  /** Peers that delivered something, with what they deliver now. */
  sources(now: number): { peer: NodeId; bytes: number; bytesPerSecond: number }[] {
    return [...this.#sources.values()]
      .filter(({ deliveredBytes }) => deliveredBytes > 0)
      .map((source) => ({
        peer: source.peer,
        bytes: source.deliveredBytes,
        bytesPerSecond: source.bytesPerSecond(now),
      }))
  }

  /** @param now monotonic ms */
  handle(event: FetchEvent, now: number): FetchAction[] {
    if (this.#hasFailed) return []
    const actions = this.#apply(event, now)
    if (this.#hasFailed) return actions
    this.#assign(event, now)
    return [...actions, ...this.#outbox.drain()]
  }

  #apply(event: FetchEvent, now: number): FetchAction[] {
    switch (event.type) {
      case 'start':
        return this.#add(event.wants)
      case 'peer-up':
        return this.#addSource(event.peer, event.isRelayed)
      case 'peer-down':
        return this.#removeSource(event.peer)
      case 'has':
        return this.#gains(event.peer, event.digests, event.isWhole)
      case 'link-lost':
        return this.#reopen(this.#sources.get(event.peer), (source) => source.backOff(now))
      case 'chunk':
        return this.#arrived(event.peer, event.digest, event.sizeBytes, now)
      case 'stored':
        return this.#stored(event.digest)
      case 'unstored':
        return this.#unstored(event.digest)
      case 'missing':
        return this.#lacked(event.peer, event.digests, now)
      case 'wrong':
        return this.#shun(event.peer, event.reason)
      case 'pause':
      case 'resume':
        this.#isPaused = event.type === 'pause'
        return []
      case 'tick':
        for (const source of event.relayed === undefined ? [] : this.#sources.values()) {
          source.isRelayed = event.relayed?.includes(source.peer) ?? false
        }
        return this.#takeBackStalled(now)
    }
  }

  #add(wants: readonly BlobRef[]): FetchAction[] {
    // Nodes that fetch at the same time start in different places, and so soon have something for each other.
    for (const { digest, sizeBytes } of shuffled(wants, this.#random)) {
      if (this.#wants.has(digest)) continue
      const number = this.#numbers++
      const fresh = { digest, sizeBytes, number, askedOf: new Set<Source>() }
      const rank = { holders: 0, turn: this.#turns.of(digest) }
      const want: Want = { ...fresh, ...rank, moves: 0, isStoring: false }
      this.#wants.set(digest, want)
      this.#open.add(want)
    }
    this.#wet()
    return this.#wants.size === 0 ? [{ type: 'done' }] : []
  }

  #addSource(peer: NodeId, isRelayed?: boolean): FetchAction[] {
    const isFull = this.#sources.size >= this.#options.sources
    if (!this.#sources.has(peer) && !this.#shunned.has(peer) && !isFull) {
      this.#sources.set(peer, new Source(peer, this.#options))
    }
    const source = this.#sources.get(peer)
    if (source !== undefined) source.isRelayed = isRelayed ?? source.isRelayed
    return []
  }

  #removeSource(peer: NodeId): FetchAction[] {
    const source = this.#sources.get(peer)
    if (source === undefined) return []
    this.#sources.delete(peer)
    for (const want of this.#wants.values()) {
      if (source.has(want.number)) this.#open.change(want, { holders: want.holders - 1 })
    }
    if (this.#turns.set(peer, false)) this.#takeTurns()
    return this.#reopen(source, (gone) => gone.release())
  }

  #gains(peer: NodeId, digests: readonly Digest[], isWhole: boolean): FetchAction[] {
    this.#addSource(peer)
    const source = this.#sources.get(peer)
    if (source === undefined) return []
    for (const digest of digests) {
      const want = this.#wants.get(digest)
      if (want === undefined || source.has(want.number)) continue
      source.gains(want.number)
      source.isDry = false
      this.#open.change(want, { holders: want.holders + 1 })
    }
    if (this.#turns.set(peer, !isWhole)) this.#takeTurns()
    return []
  }

  #takeTurns(): void {
    for (const want of this.#wants.values()) this.#open.change(want, { turn: this.#turns.of(want.digest) })
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
      this.#budget.giveBack(want.sizeBytes)
      if (want.askedOf.size === 0 && !want.isStoring) this.#open.add(want)
    }
    this.#wet()
    return []
  }

  /** Also takes what comes late, from a peer that was given up meanwhile. */
  #arrived(peer: NodeId, digest: Digest, sizeBytes: number, now: number): FetchAction[] {
    const source = this.#sources.get(peer)
    source?.delivered(digest, sizeBytes, now)
    const want = this.#wants.get(digest)
    if (want === undefined || want.isStoring) return []
    if (want.sizeBytes !== sizeBytes) {
      this.#hasFailed = true
      const reason = `${digest} has ${sizeBytes} bytes, not the ${want.sizeBytes} that are said of it`
      return [{ type: 'failed', reason }]
    }
    this.#open.delete(want)
    for (const asked of want.askedOf) {
      if (asked === source) continue
      asked.forget(digest)
      this.#outbox.cancel(asked.peer, digest)
    }
    want.askedOf.clear()
    want.isStoring = true
    this.#storingBytes += sizeBytes
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

  #unstored(digest: Digest): FetchAction[] {
    const want = this.#wants.get(digest)
    if (want === undefined || !want.isStoring) return []
    this.#storingBytes -= want.sizeBytes
    want.isStoring = false
    this.#open.add(want)
    this.#wet()
    return []
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
    const actions: FetchAction[] = []
    for (const source of this.#sources.values()) {
      if (!source.hasStalled(now)) continue
      const reason = `nothing came of ${source.bytesInFlight} bytes that were asked for`
      actions.push({ type: 'stalled', peer: source.peer, reason })
      for (const digest of source.inFlight.keys()) this.#outbox.cancel(source.peer, digest)
      this.#reopen(source, (stalled) => stalled.backOff(now))
    }
    // A source that paused, or lacked something a while ago, may be asked again.
    this.#wet()
    return actions
  }

  /** What is open has changed: a source that had nothing to be asked for may have now. */
  #wet(): void {
    for (const source of this.#sources.values()) source.isDry = false
  }

  #assign(event: FetchEvent, now: number): void {
    if (this.#isPaused) return
    for (const source of this.#concernedBy(event)) {
      while (!source.isDry && source.isReady(now) && this.#mayAsk(now)) {
        const want = this.#open.pick(
          (open) =>
            source.has(open.number) &&
            source.canTake(open, now) &&
            isNearest(source, open.number, this.#sources.values(), now),
        )
        if (want === null) source.isDry = true
        else this.#ask(source, want, now)
      }
      // Nor does it take over what a direct source is slow with.
      if (source.isRelayed) continue
      while (source.isDry && source.isReady(now) && this.#mayAsk(now)) if (!this.#takeOver(source, now)) break
    }
  }

  /** Those that have least go first: what only the others have is left to the others. */
  #concernedBy(event: FetchEvent): Source[] {
    const all = [...this.#sources.values()]
    if (event.type === 'has' || (event.type === 'chunk' && this.#open.size > 0)) {
      return all.filter(({ peer }) => peer === event.peer)
    }
    return all.sort((a, b) => a.hasCount - b.hasCount || a.bytesInFlight - b.bytesInFlight)
  }

  #mayAsk(now: number): boolean {
    return this.#storingBytes <= this.#options.storingBytes && this.#budget.has(now)
  }

  /** @returns whether the source, which has nothing else to do, has something to do now */
  #takeOver(source: Source, now: number): boolean {
    const overdue = overdueFor(source, {
      sources: this.#sources,
      wants: this.#wants,
      options: this.#options,
      now,
    })
    if (overdue === null) return false
    const { want, from } = overdue
    if (want.moves++ < this.#options.moves) {
      from.forget(want.digest)
      want.askedOf.delete(from)
      this.#budget.giveBack(want.sizeBytes)
      this.#outbox.cancel(from.peer, want.digest)
    }
    this.#ask(source, want, now)
    return true
  }

  #ask(source: Source, want: Want, now: number): void {
    this.#budget.take(want.sizeBytes, now)
    this.#open.delete(want)
    source.ask(want, now)
    want.askedOf.add(source)
    this.#outbox.request(source.peer, want.digest)
  }
}
