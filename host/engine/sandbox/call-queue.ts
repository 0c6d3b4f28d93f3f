/**
 * The calls of one sandbox: which wait here, which were sent ahead of their turn, and whose turn it is. A guest does
 * one after the other, so the oldest that was sent is the one that runs.
 */

export interface PendingCall {
  readonly call: number
  readonly resolve: (value: unknown) => void
  readonly reject: (error: Error) => void
  /** Puts it on the way. */
  readonly send: () => void
  /** What runs, for messages. */
  readonly what: string
  readonly argsBytes: number
  /** Of an invocation. */
  readonly channel: number | null
}

export class CallQueue {
  readonly #sentAhead: number
  readonly #waiting: PendingCall[] = []
  readonly #sent = new Map<number, PendingCall>()

  /** @param sentAhead calls that may be sent before their turn: the guest goes from one to the next without us */
  constructor(sentAhead: number) {
    this.#sentAhead = sentAhead
  }

  get size(): number {
    return this.#waiting.length + this.#sent.size
  }

  /** The call that runs. */
  get head(): PendingCall | null {
    for (const pending of this.#sent.values()) return pending
    return null
  }

  add(pending: PendingCall): void {
    this.#waiting.push(pending)
  }

  /** Sends what may be sent. */
  pump(): void {
    while (this.#sent.size < this.#sentAhead) {
      const next = this.#waiting.shift()
      if (next === undefined) return
      this.#sent.set(next.call, next)
      next.send()
    }
  }

  /** @returns null where there is no such call under way */
  finish(call: number): PendingCall | null {
    const pending = this.#sent.get(call) ?? null
    this.#sent.delete(call)
    return pending
  }

  /** Takes a call out that was not sent yet. @returns whether there was one */
  withdraw(call: number): PendingCall | null {
    const at = this.#waiting.findIndex((pending) => pending.call === call)
    return at < 0 ? null : (this.#waiting.splice(at, 1)[0] ?? null)
  }

  /** Everything, oldest first; the queue is empty then. */
  drain(): { readonly sent: readonly PendingCall[]; readonly waiting: readonly PendingCall[] } {
    const drained = { sent: [...this.#sent.values()], waiting: this.#waiting.splice(0) }
    this.#sent.clear()
    return drained
  }
}
