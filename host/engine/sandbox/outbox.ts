/** What goes to a sandbox, gathered to batches: one message across costs more than what most of them carry. */
import type { ToGuest } from '../../guest/index.ts'

export class Outbox {
  readonly #send: (batch: readonly ToGuest[]) => void
  readonly #flushLater = (): void => this.flush()
  #batch: ToGuest[] = []
  #isFlushing = false

  constructor(send: (batch: readonly ToGuest[]) => void) {
    this.#send = send
  }

  queue(message: ToGuest): void {
    this.#batch.push(message)
    if (this.#isFlushing) return
    this.#isFlushing = true
    // After what this turn of the loop has read: requests of several connections make one batch.
    setImmediate(this.#flushLater)
  }

  flush(): void {
    this.#isFlushing = false
    const batch = this.#batch
    if (batch.length === 0) return
    this.#batch = []
    this.#send(batch)
  }
}
