/**
 * One peer as a source of blobs: how much it may be asked for now, and when it is worth asking again.
 *
 * The window grows with every blob that arrives and falls to one when the peer goes quiet, so a slow peer holds up little
 * and a fast one is never idle. Pure: every call is handed the time.
 */
import type { Digest } from '../../core/index.ts'
import type { NodeId } from '../identity/index.ts'
import type { BlobRef } from '../releases/index.ts'

export interface SourceOptions {
  /** Blobs in flight at first, and at most. */
  readonly firstWindow: number
  readonly maxWindow: number
  /** Bytes in flight at most; a single larger blob goes alone. */
  readonly windowBytes: number
  /** A peer from which nothing came for so long, and {@link slowestBytesPerSecond} for what it was asked, has stalled. */
  readonly stallMs: number
  readonly slowestBytesPerSecond: number
  /** Pause of a peer that stalled, was lost or lacked what it was asked for: doubles up to the longest. */
  readonly firstPauseMs: number
  readonly longestPauseMs: number
  /** So many blobs lacking in a row, and the peer is not asked for the next ones either. */
  readonly missesBeforePause: number
}

export class Source {
  readonly peer: NodeId
  readonly #options: SourceOptions
  readonly #inFlight = new Map<Digest, { readonly sizeBytes: number; readonly askedAt: number }>()
  /** What it said it lacks, and until when it is believed. */
  readonly #lacking = new Map<Digest, number>()
  #bytes = 0
  #window: number
  #heardAt = 0
  #pausedUntil = 0
  #pauseMs: number
  #misses = 0

  constructor(peer: NodeId, options: SourceOptions) {
    this.peer = peer
    this.#options = options
    this.#window = options.firstWindow
    this.#pauseMs = options.firstPauseMs
  }

  get bytesInFlight(): number {
    return this.#bytes
  }

  /** Blobs it may be asked for at once. */
  get window(): number {
    return this.#window
  }

  get isIdle(): boolean {
    return this.#inFlight.size === 0
  }

  /** Whether it can be asked for anything. */
  isReady(now: number): boolean {
    const { windowBytes } = this.#options
    return now >= this.#pausedUntil && this.#inFlight.size < this.#window && this.#bytes < windowBytes
  }

  /** Whether a ready source can be asked for this one. */
  canTake({ digest, sizeBytes }: BlobRef, now: number): boolean {
    if (this.#inFlight.has(digest) || now < (this.#lacking.get(digest) ?? 0)) return false
    return this.isIdle || this.#bytes + sizeBytes <= this.#options.windowBytes
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

  /** It sent the right bytes. */
  delivered(digest: Digest, now: number): void {
    this.forget(digest)
    this.#heardAt = now
    this.#misses = 0
    this.#pauseMs = this.#options.firstPauseMs
    this.#window = Math.min(this.#options.maxWindow, this.#window + 1)
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
    if (this.isIdle) return false
    const { stallMs, slowestBytesPerSecond } = this.#options
    return now - this.#heardAt > stallMs + (this.#bytes / slowestBytesPerSecond) * 1_000
  }

  /** Takes everything back and leaves it alone for a while. @returns what it was asked for */
  backOff(now: number): Digest[] {
    const released = this.release()
    this.#window = 1
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
