/** Two channels made one: what comes out of each goes into the other, no faster than it is taken, nor than allowed. */
import { delay, type Cancel, type Clock } from '../../core/index.ts'
import type { Channel } from '../transport/index.ts'

/** A channel, and what comes of it after the messages that were read already. */
export interface End {
  readonly channel: Channel
  readonly incoming: AsyncIterator<Uint8Array>
}

export interface SpliceOptions {
  readonly clock: Clock
  /** Both ends are closed when nothing has come through for so long. */
  readonly idleMs: number
  /** Counts a piece. @returns how long to wait before the next, ms */
  carry(bytes: number): number
}

/** Resolves when both channels are closed; the end of one ends the other. */
export async function splice(one: End, other: End, options: SpliceOptions): Promise<void> {
  const over = new AbortController()
  const close = (): void => {
    if (over.signal.aborted) return
    over.abort(new Error('the circuit ended'))
    one.channel.close()
    other.channel.close()
  }
  const idle = new IdleWatch(options, close)
  const pumps = [pump(one, other, options, idle, over.signal), pump(other, one, options, idle, over.signal)]
  try {
    // Neither way of a connection is of use without the other.
    await Promise.race(pumps)
  } catch {
    // A channel that broke: its ends see that themselves.
  } finally {
    idle.stop()
    close()
  }
  await Promise.allSettled(pumps)
}

async function pump(from: End, to: End, options: SpliceOptions, idle: IdleWatch, over: AbortSignal) {
  for (;;) {
    const { done, value } = await from.incoming.next()
    if (done === true || over.aborted) return
    idle.moved()
    const waitMs = options.carry(value.length)
    await to.channel.send(value)
    if (waitMs > 0) await delay(options.clock, waitMs, over)
  }
}

class IdleWatch {
  readonly #options: SpliceOptions
  readonly #onIdle: () => void
  #movedMs: number
  #cancel: Cancel

  constructor(options: SpliceOptions, onIdle: () => void) {
    this.#options = options
    this.#onIdle = onIdle
    this.#movedMs = options.clock.monotonicMs()
    this.#cancel = this.#wait(options.idleMs)
  }

  moved(): void {
    this.#movedMs = this.#options.clock.monotonicMs()
  }

  stop(): void {
    this.#cancel()
  }

  #wait(ms: number): Cancel {
    const { clock, idleMs } = this.#options
    return clock.after(ms, () => {
      const leftMs = this.#movedMs + idleMs - clock.monotonicMs()
      if (leftMs <= 0) this.#onIdle()
      else this.#cancel = this.#wait(leftMs)
    })
  }
}
