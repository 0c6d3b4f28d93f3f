/**
 * Whether this node slept or stood still: others have seen it go silent, and only it can tell them that it was no death.
 *
 * A timer that comes late by the monotonic clock is a process that did not run. A wall clock that went on without the
 * monotonic one is a machine that slept, as that clock does not count sleep on Linux, or a clock that was set forward.
 */
import { every, type Cancel, type Clock, type Part } from '../../core/index.ts'
import type { NodePause } from '../api/index.ts'

const lookMs = 1_000
/** From here on others say that it is dead. */
const stalledMs = 2_000
/** A node that stalls all the time must not flood the mesh with records that say so. */
const tellMs = 60_000
/** Clocks that are corrected jump less far, as a rule. */
const sleptMs = 10_000
/** Of interest while people still ask what happened; later it would only make the node's record larger. */
const toldMs = 60 * 60_000

export class Pauses implements Part {
  readonly name = 'pauses'
  readonly #clock: Clock
  readonly #onPause: () => void
  #last: { readonly pause: NodePause; readonly endedMs: number } | null = null
  #toldMs = -Infinity
  #cancel: Cancel | null = null

  constructor(clock: Clock, onPause: () => void) {
    this.#clock = clock
    this.#onPause = onPause
  }

  start(): void {
    if (this.#cancel !== null) return
    const clock = this.#clock
    let before = { wallMs: clock.now(), monotonicMs: clock.monotonicMs() }
    this.#cancel = every(clock, lookMs, () => {
      const now = { wallMs: clock.now(), monotonicMs: clock.monotonicMs() }
      this.#look(now.monotonicMs - before.monotonicMs, now.wallMs - before.wallMs)
      before = now
    })
  }

  stop(): void {
    this.#cancel?.()
    this.#cancel = null
  }

  /** The last one, of the last hour. */
  last(): NodePause | null {
    const last = this.#last
    return last === null || this.#clock.monotonicMs() - last.endedMs > toldMs ? null : last.pause
  }

  #look(ranMs: number, passedMs: number): void {
    const stalled = ranMs - lookMs
    const slept = passedMs - ranMs
    const isSleep = slept >= sleptMs
    if (!isSleep && stalled < stalledMs) return
    const ms = Math.round(isSleep ? slept : stalled)
    const pause: NodePause = { kind: isSleep ? 'slept' : 'stalled', ms, endedAt: this.#clock.now() }
    const nowMs = this.#clock.monotonicMs()
    this.#last = { pause, endedMs: nowMs }
    if (nowMs - this.#toldMs < tellMs) return
    this.#toldMs = nowMs
    this.#onPause()
  }
}
