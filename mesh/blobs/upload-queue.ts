/**
 * What one peer asked for and has not been sent, and how much may be on its way to it. Pure: events and the time go in.
 *
 * Of what a peer wants, that goes first which this node has sent the least often. So a seed gives each of its
 * neighbours something that none of the others has, and they give it to each other ("super-seeding", BEP 16). Components
 * take turns by bytes. No more is on the way than the peer takes in a tenth of a second beside the way itself: what is
 * not sent can still be cancelled, and small messages do not wait behind it.
 */
import type { Digest } from '../../core/index.ts'
import { blobLimits } from './limits.ts'
import { RateMeter } from './rate-meter.ts'

/** How often blobs were sent by this node, to whomever; the oldest are forgotten. */
export class SentCounts {
  readonly #counts = new Map<Digest, number>()

  of(digest: Digest): number {
    return this.#counts.get(digest) ?? 0
  }

  add(digest: Digest): void {
    const count = this.of(digest) + 1
    this.#counts.delete(digest)
    this.#counts.set(digest, count)
    if (this.#counts.size <= blobLimits.countedBlobs) return
    const [oldest] = this.#counts.keys()
    if (oldest !== undefined) this.#counts.delete(oldest)
  }
}

interface Group {
  readonly wants: Set<Digest>
  sentBytes: number
}

interface OnTheWay {
  /** All that had been sent on the channel after this. */
  readonly totalBytes: number
  readonly sentAt: number
}

/** Beside what the way itself holds. */
const aheadMs = 100
const leastAheadBytes = 48 * 1024
const mostAheadBytes = 4 * 1024 * 1024
/** A frame should not take longer, so that its chunks can be handed on. */
const frameMs = 30

export class UploadQueue {
  readonly #counts: SentCounts
  readonly #groups = new Map<string, Group>()
  readonly #way: OnTheWay[] = []
  readonly #meter = new RateMeter()
  #size = 0
  #sentBytes = 0
  #gotBytes = 0
  /** The shortest time from sending to hearing that it came. */
  #delayMs = Number.POSITIVE_INFINITY

  constructor(counts: SentCounts) {
    this.#counts = counts
  }

  get size(): number {
    return this.#size
  }

  /** Sent, and not known to have come. */
  get bytesOnTheWay(): number {
    return this.#sentBytes - this.#gotBytes
  }

  /** @returns those for which there is no room */
  want(digests: readonly Digest[], group = ''): Digest[] {
    const refused: Digest[] = []
    for (const digest of digests) {
      if (this.#size >= blobLimits.queuedWants) refused.push(digest)
      else this.#add(digest, group)
    }
    return refused
  }

  cancel(digests: readonly Digest[]): void {
    for (const digest of digests) for (const [name, group] of this.#groups) this.#take(name, group, digest)
  }

  /** @param totalBytes that came on the channel since it was opened; @param now monotonic ms */
  got(totalBytes: number, now: number): void {
    if (totalBytes <= this.#gotBytes || totalBytes > this.#sentBytes) return
    this.#meter.add(totalBytes - this.#gotBytes, now)
    this.#gotBytes = totalBytes
    for (
      let first = this.#way[0];
      first !== undefined && first.totalBytes <= totalBytes;
      first = this.#way[0]
    ) {
      this.#delayMs = Math.min(this.#delayMs, now - first.sentAt)
      this.#way.shift()
    }
  }

  /** Whether something may be sent now. */
  isReady(now: number): boolean {
    return this.#size > 0 && this.bytesOnTheWay < this.#aheadBytes(now)
  }

  /** Takes out what to send next. */
  next(): { readonly digest: Digest; readonly group: string } | null {
    let turn: [string, Group] | null = null
    for (const entry of this.#groups)
      if (turn === null || entry[1].sentBytes < turn[1].sentBytes) turn = entry
    if (turn === null) return null
    const [name, group] = turn
    let best: Digest | null = null
    let least = Number.POSITIVE_INFINITY
    for (const digest of group.wants) {
      const count = this.#counts.of(digest)
      if (count >= least) continue
      best = digest
      least = count
      if (count === 0) break
    }
    if (best === null) return null
    this.#take(name, group, best)
    this.#counts.add(best)
    return { digest: best, group: name }
  }

  /** A frame may carry so many bytes. */
  frameBytes(now: number): number {
    const bytes = (this.#meter.bytesPerSecond(now) * frameMs) / 1_000
    return Math.min(blobLimits.batchBytes, Math.max(1, bytes))
  }

  /** Bytes per second that the peer takes. */
  bytesPerSecond(now: number): number {
    return this.#meter.bytesPerSecond(now)
  }

  sent(group: string, bytes: number, now: number): void {
    this.#sentBytes += bytes
    this.#way.push({ totalBytes: this.#sentBytes, sentAt: now })
    const known = this.#groups.get(group)
    if (known !== undefined) known.sentBytes += bytes
  }

  #add(digest: Digest, name: string): void {
    let group = this.#groups.get(name)
    if (group === undefined) {
      // A newcomer has no claim to what the others got before it came.
      const least = Math.min(...[...this.#groups.values()].map(({ sentBytes }) => sentBytes))
      group = { wants: new Set(), sentBytes: this.#groups.size === 0 ? 0 : least }
      this.#groups.set(name, group)
    }
    if (group.wants.has(digest)) return
    group.wants.add(digest)
    this.#size++
  }

  #take(name: string, group: Group, digest: Digest): void {
    if (!group.wants.delete(digest)) return
    this.#size--
    if (group.wants.size === 0) this.#groups.delete(name)
  }

  #aheadBytes(now: number): number {
    const wayMs = this.#delayMs === Number.POSITIVE_INFINITY ? 0 : this.#delayMs
    const bytes = (this.#meter.bytesPerSecond(now) * (1.5 * wayMs + aheadMs)) / 1_000
    return Math.min(mostAheadBytes, Math.max(leastAheadBytes, bytes))
  }
}
