/**
 * The seams through which decisions see time and chance.
 *
 * State machines never ask the system: they are handed a time with each event, or one of these.
 * The simulator passes virtual ones, so a run can be repeated from its seed.
 */
import { randomBytes } from 'node:crypto'

/** Stops a timer. Calling it twice, or after the timer fired, does nothing. */
export type Cancel = () => void

export interface Clock {
  /** Wall clock, milliseconds since the Unix epoch. May be wrong, may jump: only for showing to people. */
  now(): number
  /** Milliseconds since some fixed moment; never goes back. Every timeout is measured with this one. */
  monotonicMs(): number
  /** Calls `run` once after `ms` milliseconds. Does not keep the process alive on its own. */
  after(ms: number, run: () => void): Cancel
}

export interface Random {
  bytes(length: number): Uint8Array
  /** Uniform in [0, 1). */
  fraction(): number
}

/** The machine's own clock. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonicMs: () => performance.now(),
  after(ms, run) {
    const timer = setTimeout(run, ms)
    timer.unref()
    return () => clearTimeout(timer)
  },
}

/** The machine's own source of randomness. */
export const systemRandom: Random = {
  bytes: (length) => new Uint8Array(randomBytes(length)),
  fraction: () => Math.random(),
}

/** From here on a period is a beat: what is sooner has a reason for its very moment. */
const leastBeatMs = 1_000

/**
 * When what repeats every `ms` is due next: after `ms`, give or take a half, at a multiple of it. So all that repeats by the
 * second falls on the same moments, and a node at rest wakes for it once and not once for each.
 * @param nowMs monotonic
 */
export function nextBeatMs(nowMs: number, ms: number): number {
  return ms < leastBeatMs ? nowMs + ms : Math.round((nowMs + ms) / ms) * ms
}

/**
 * Repeats `run` about every `ms` until cancelled, of a second or more at the moments of {@link nextBeatMs}. `run` must not
 * throw: nothing would repeat it.
 */
export function every(clock: Clock, ms: number, run: () => void): Cancel {
  let cancelled = false
  const next = (): Cancel => {
    const nowMs = clock.monotonicMs()
    return clock.after(nextBeatMs(nowMs, ms) - nowMs, turn)
  }
  const turn = (): void => {
    run()
    if (!cancelled) cancel = next()
  }
  let cancel = next()
  return () => {
    cancelled = true
    cancel()
  }
}

/** Resolves after `ms`; rejects with the signal's reason when it aborts first. */
export function delay(clock: Clock, ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason as Error)
    const onAbort = (): void => {
      cancel()
      reject(signal?.reason as Error)
    }
    const cancel = clock.after(ms, () => {
      signal?.removeEventListener('abort', onAbort)
      resolve()
    })
    signal?.addEventListener('abort', onAbort, { once: true })
  })
}

/**
 * Exponential backoff with full jitter.
 * @param attempt 0 for the first retry
 * @returns milliseconds in [base/2, min(cap, base·2^attempt)]
 */
export function backoffMs(attempt: number, baseMs: number, capMs: number, random: Random): number {
  const ceiling = Math.min(capMs, baseMs * 2 ** Math.min(attempt, 30))
  const floor = Math.min(ceiling, baseMs / 2)
  return floor + random.fraction() * (ceiling - floor)
}
