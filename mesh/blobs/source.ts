/**
 * One peer as a source of blobs: what it has, how much it may be asked for now, and when it is worth asking again.
 *
 * What is in flight covers about a second of what the peer delivers. That keeps its line busy over any distance, and it
 * leaves whoever serves a choice of what to send first (`upload-queue.ts`). Pure: every call is handed the time.
 */
import type { Digest } from '../../core/index.ts'
import type { NodeId } from '../identity/index.ts'
import type { BlobRef } from '../releases/index.ts'
import { RateMeter } from './rate-meter.ts'

export interface SourceOptions {
  /** Bytes in flight at first, and at most; the last blob asked for may go beyond. */
  readonly firstWindowBytes: number
  readonly maxWindowBytes: number
  /** Blobs in flight at most. */
  readonly maxWindow: number
  /** A peer from which nothing came for so long, and {@link slowestBytesPerSecond} for the largest it was asked, has stalled. */
  readonly stallMs: number
  /** As before, and it is asked for nothing more. */
  readonly quietMs: number
  readonly slowestBytesPerSecond: number
  /** Pause of a peer that stalled, was lost or lacked what it was asked for: doubles up to the longest. */
  readonly firstPauseMs: number
  readonly longestPauseMs: number
  /** So many blobs lacking in a row, and the peer is not asked for the next ones either. */
  readonly missesBeforePause: number
}

interface Asked {
  readonly sizeBytes: number
  readonly askedAt: number
}

export class Source {
  readonly peer: NodeId
  readonly #options: SourceOptions
  readonly #inFlight = new Map<Digest, Asked>()
  /** What it said it lacks, and until when it is believed. */
  readonly #lacking = new Map<Digest, number>()
  /** By the number that the fetch gave each want. */
  #has = new Uint8Array(0)
  #hasCount = 0
  readonly #meter = new RateMeter()
  #bytes = 0
  #windowBytes: number
  #heardAt = 0
  #pausedUntil = 0
  #pauseMs: number
  #misses = 0
  /** Nothing that it has is left to be asked for; the fetch says when that may have changed. */
  isDry = false
  /** It is reached through gateways alone: its bytes cost others as well. */
  isRelayed = false

  constructor(peer: NodeId, options: SourceOptions) {
    this.peer = peer
    this.#options = options
    this.#windowBytes = options.firstWindowBytes
    this.#pauseMs = options.firstPauseMs
  }

  get bytesInFlight(): number {
    return this.#bytes
  }

  get inFlight(): ReadonlyMap<Digest, Asked> {
    return this.#inFlight
  }

  /** Wants that it said it has, whether they are still wanted or not. */
  get hasCount(): number {
    return this.#hasCount
  }

  get isIdle(): boolean {
    return this.#inFlight.size === 0
  }

  get deliveredBytes(): number {
    return this.#meter.totalBytes
  }

  bytesPerSecond(now: number): number {
    return this.#meter.bytesPerSecond(now)
  }

  /** Until the last of what it was asked for is here, as far as can be told. */
  waitMs(now: number): number {
    if (this.isIdle) return 0
    const rate = Math.max(this.bytesPerSecond(now), this.#options.slowestBytesPerSecond / 4)
    return (this.#bytes / rate) * 1_000
  }

  /** @returns true where that is news */
  has(number: number): boolean {
    return ((this.#has[number >> 3] ?? 0) & (1 << (number & 7))) !== 0
  }

  gains(number: number): void {
    if (this.has(number)) return
    if (number >> 3 >= this.#has.length) {
      const larger = new Uint8Array(Math.max(16, this.#has.length * 2, (number >> 3) + 1))
      larger.set(this.#has)
      this.#has = larger
    }
    this.#has[number >> 3] = (this.#has[number >> 3] ?? 0) | (1 << (number & 7))
    this.#hasCount++
  }

  /** Whether it can be asked for anything. */
  isReady(now: number): boolean {
    const { maxWindow } = this.#options
    if (now < this.#pausedUntil || this.#inFlight.size >= maxWindow) return false
    return this.#bytes < this.#windowBytes && this.isLively(now)
  }

  /** Whether a ready source that has this one can be asked for it. */
  canTake({ digest }: BlobRef, now: number): boolean {
    return !this.#inFlight.has(digest) && now >= (this.#lacking.get(digest) ?? 0)
  }

  /** When it was asked for what it has not yet answered, or null. */
  askedAt(digest: Digest): number | null {
    return this.#inFlight.get(digest)?.askedAt ?? null
  }

  ask({ digest, sizeBytes }: BlobRef, now: number): void {
    if (this.isIdle) this.#heardAt = now
    this.#inFlight.set(digest, { sizeBytes, askedAt: now })
    this.#bytes += sizeBytes
  }

  /** It sent the right bytes, asked for or not. */
  delivered(digest: Digest, sizeBytes: number, now: number): void {
    this.forget(digest)
    this.#heardAt = now
    this.#misses = 0
    this.#pauseMs = this.#options.firstPauseMs
    this.#meter.add(sizeBytes, now)
    // Doubles with every round trip until it holds a second's worth, and shrinks again with the rate.
    const { firstWindowBytes, maxWindowBytes } = this.#options
    const second = this.bytesPerSecond(now) + firstWindowBytes
    this.#windowBytes = Math.min(this.#windowBytes + sizeBytes, Math.max(firstWindowBytes, second))
    this.#windowBytes = Math.min(this.#windowBytes, maxWindowBytes)
  }

  /** It said that it lacks these, all of which it was asked for. */
  lacked(digests: readonly Digest[], now: number): void {
    for (const digest of digests) {
      this.forget(digest)
      this.#lacking.set(digest, now + this.#pauseMs)
    }
    this.#heardAt = now
    this.#misses += digests.length
    if (this.#misses >= this.#options.missesBeforePause) this.#pausedUntil = now + this.#pauseMs
    this.#lengthenPause()
  }

  /** The blob is no longer wanted from it. */
  forget(digest: Digest): void {
    const asked = this.#inFlight.get(digest)
    if (asked === undefined) return
    this.#inFlight.delete(digest)
    this.#bytes -= asked.sizeBytes
  }

  /** The blob is no longer wanted from anybody. */
  drop(digest: Digest): void {
    this.forget(digest)
    this.#lacking.delete(digest)
  }

  hasStalled(now: number): boolean {
    return this.#isSilentFor(this.#options.stallMs, now)
  }

  /** Something may yet come of what it was asked for; else nothing more is asked of it, and others are asked as well. */
  isLively(now: number): boolean {
    return !this.#isSilentFor(this.#options.quietMs, now)
  }

  #isSilentFor(ms: number, now: number): boolean {
    if (this.isIdle || now - this.#heardAt <= ms) return false
    let largestBytes = 0
    for (const { sizeBytes } of this.#inFlight.values()) largestBytes = Math.max(largestBytes, sizeBytes)
    return now - this.#heardAt > ms + (largestBytes / this.#options.slowestBytesPerSecond) * 1_000
  }

  /** Takes everything back and leaves it alone for a while. @returns what it was asked for */
  backOff(now: number): Digest[] {
    const released = this.release()
    this.#windowBytes = this.#options.firstWindowBytes / 4
    this.#pausedUntil = now + this.#pauseMs
    this.#lengthenPause()
    return released
  }

  release(): Digest[] {
    const released = [...this.#inFlight.keys()]
    this.#inFlight.clear()
    this.#bytes = 0
    return released
  }

  #lengthenPause(): void {
    this.#pauseMs = Math.min(this.#options.longestPauseMs, this.#pauseMs * 2)
  }
}
