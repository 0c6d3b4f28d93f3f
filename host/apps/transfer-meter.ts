/**
 * How a release's component comes to this node: how much is here, how much was taken from others, how fast it moves.
 *
 * Whoever watches from another node hears of it in signed records that travel to every member, so it also says when
 * it has moved far enough to be worth one.
 */
import type { Clock } from '../../core/index.ts'
import type { Transfer } from '../api/index.ts'
import type { Reason } from './release.ts'

export interface FetchProgress {
  /** 0–1 of what must be there. */
  readonly share: number
  /** Bytes that came from peers, not from this node's disk. */
  readonly fetchedBytes: number
  /** Of these, as a patch to what was there. */
  readonly patchBytes?: number
  /** Why nothing is asked for at the moment, as a disk that is full. */
  readonly paused?: Reason | null
}

/** The rate is that of the last moments: long enough to be steady, short enough to show a stall. */
const rateWindowMs = 3_000
/** Samples within the window; chunks come by the hundred, and one sample in this time is enough. */
const sampleMs = 100
/** Of the whole; finer steps are told to whoever asks this node itself. */
const toldStep = 0.05

interface Sample {
  readonly atMs: number
  readonly bytes: number
}

export class TransferMeter {
  readonly #totalBytes: number
  readonly #clock: Clock
  #beganMs: number
  #tookMs: number | null = null
  #share = 0
  /** Of former attempts, and of this one. */
  #baseBytes = 0
  #attemptBytes = 0
  #patchBytes = 0
  #isPaused = false
  #samples: Sample[]
  #toldShare = 0

  constructor(totalBytes: number, clock: Clock) {
    this.#totalBytes = totalBytes
    this.#clock = clock
    this.#beganMs = clock.monotonicMs()
    this.#samples = [{ atMs: this.#beganMs, bytes: 0 }]
  }

  /** A fetch starts, the first or another: what was taken before counts too. */
  begin(): void {
    this.#baseBytes += this.#attemptBytes
    this.#attemptBytes = 0
    this.#isPaused = false
    if (this.#tookMs !== null) this.#beganMs = this.#clock.monotonicMs() - this.#tookMs
    this.#tookMs = null
    this.#samples = [{ atMs: this.#clock.monotonicMs(), bytes: this.#fetchedBytes }]
  }

  /** @returns whether it has moved far enough since this was last true to be told to the mesh */
  take({ share, fetchedBytes, patchBytes = 0, paused = null }: FetchProgress): boolean {
    this.#isPaused = paused !== null
    this.#share = Math.min(1, Math.max(0, share))
    this.#attemptBytes = fetchedBytes
    this.#patchBytes = Math.max(this.#patchBytes, patchBytes)
    this.#sample(this.#clock.monotonicMs())
    if (Math.abs(this.#share - this.#toldShare) < toldStep) return false
    this.#toldShare = this.#share
    return true
  }

  /** All of it is here. */
  end(): void {
    this.#share = 1
    this.#tookMs ??= this.#clock.monotonicMs() - this.#beganMs
  }

  /** By now; whole bytes and milliseconds, as records carry them. */
  report(): Transfer {
    const nowMs = this.#clock.monotonicMs()
    const fetchedBytes = this.#fetchedBytes
    return {
      haveBytes: Math.round(this.#share * this.#totalBytes),
      totalBytes: this.#totalBytes,
      fetchedBytes,
      via: this.#patchBytes > 0 ? 'patch' : fetchedBytes > 0 ? 'peers' : 'disk',
      ms: Math.round(this.#tookMs ?? nowMs - this.#beganMs),
      // What waits for room is asked of nobody: the rate of before would say that it comes.
      ...(this.#tookMs === null && !this.#isPaused && { bytesPerSecond: this.#rate(nowMs) }),
    }
  }

  get #fetchedBytes(): number {
    return this.#baseBytes + this.#attemptBytes
  }

  #sample(nowMs: number): void {
    const last = this.#samples.at(-1)
    const sample = { atMs: nowMs, bytes: this.#fetchedBytes }
    if (this.#samples.length > 1 && last !== undefined && nowMs - last.atMs < sampleMs) {
      // The time of the first in this span stays, so that the rate is not made of the last chunk alone.
      this.#samples[this.#samples.length - 1] = { ...sample, atMs: last.atMs }
    } else {
      this.#samples.push(sample)
    }
    // The one just outside the window is where the measured time begins.
    while ((this.#samples[1]?.atMs ?? Infinity) <= nowMs - rateWindowMs) this.#samples.shift()
  }

  #rate(nowMs: number): number {
    while ((this.#samples[1]?.atMs ?? Infinity) <= nowMs - rateWindowMs) this.#samples.shift()
    const first = this.#samples[0]
    if (first === undefined) return 0
    const spanMs = Math.max(sampleMs, nowMs - first.atMs)
    return Math.round(((this.#fetchedBytes - first.bytes) / spanMs) * 1_000)
  }
}
