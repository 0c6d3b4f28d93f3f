/**
 * Waiting in an asynchronous guest: its thread does not sleep, it goes back to its event loop.
 *
 * Sources, sinks and timers are the same as those of WASI 0.2 and only say whether they are ready. Whoever takes in
 * what arrives from the host calls `check` afterwards; timers wake by themselves.
 */
import type { Cancel, Clock } from '../../core/index.ts'
import type { Waitable } from './bytes.ts'

interface Waiter {
  readonly waitable: Waitable
  readonly wake: () => void
  cancelTimer: Cancel
}

/** Longest that a timer of JavaScript can be set for, ms; a longer wait sets it again. */
const maxTimerMs = 0x7fff_ffff

export class Readiness {
  readonly #clock: Clock
  readonly #waiters = new Set<Waiter>()

  /** @param clock the one behind `Waitable.dueAtMs` */
  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Resolves once `waitable` is ready; at once where it is. Each caller waits for itself. */
  whenReady(waitable: Waitable): Promise<void> {
    if (waitable.ready()) return Promise.resolve()
    return new Promise((resolve) => {
      const waiter: Waiter = { waitable, wake: resolve, cancelTimer: () => undefined }
      this.#waiters.add(waiter)
      this.#setTimer(waiter)
    })
  }

  /** Wakes everyone whose waitable has become ready. */
  check(): void {
    for (const waiter of this.#waiters) {
      if (!waiter.waitable.ready()) continue
      this.#waiters.delete(waiter)
      waiter.cancelTimer()
      waiter.wake()
    }
  }

  #setTimer(waiter: Waiter): void {
    const { dueAtMs } = waiter.waitable
    if (dueAtMs === undefined) return
    // A timer may fire a little early: then it is set once more.
    const ms = Math.max(1, Math.ceil(dueAtMs - this.#clock.monotonicMs()))
    waiter.cancelTimer = this.#clock.after(Math.min(ms, maxTimerMs), () => {
      this.check()
      if (this.#waiters.has(waiter)) this.#setTimer(waiter)
    })
  }
}
