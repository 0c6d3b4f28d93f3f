/**
 * Waiting with an end: for peers, drivers and guests, which may never answer.
 *
 * Listens by hand rather than through AbortSignal.any: before Node 20.3 that is our own, and a listener of it stays
 * on a long-lived signal until one of the signals aborts.
 */
import type { Clock } from './clock.ts'

export interface Deadline {
  readonly clock: Clock
  readonly ms: number
  /** Ends the wait before its time, with the signal's reason. */
  readonly signal?: AbortSignal
  /** Makes the error to throw when the time is up; one without a code where it is left out. */
  late?(): Error
}

/**
 * Does `work` and waits no longer than the deadline says, also where the work does not heed its signal; what comes
 * of it later is dropped.
 * @param work is handed a signal that aborts when the wait ends before the work
 * @throws what `work` throws, `late()`, or the signal's reason; without beginning where the signal has aborted already
 */
export async function within<T>(deadline: Deadline, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const { clock, ms, signal, late = () => new Error(`no answer in ${ms} ms`) } = deadline
  signal?.throwIfAborted()
  const giveUp = new AbortController()
  let end!: (reason: unknown) => void
  const ended = new Promise<never>((_resolve, reject) => {
    end = (reason) => {
      // First, so that the caller gets this reason and not what the work makes of it.
      reject(reason as Error)
      giveUp.abort(reason)
    }
  })
  const onAbort = (): void => end(signal?.reason)
  const cancel = clock.after(ms, () => end(late()))
  signal?.addEventListener('abort', onAbort, { once: true })
  try {
    return await Promise.race([ended, work(giveUp.signal)])
  } finally {
    cancel()
    signal?.removeEventListener('abort', onAbort)
  }
}
