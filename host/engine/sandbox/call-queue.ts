/**
 * The calls of one sandbox: which wait here, which were sent ahead of their turn, and whose turn it is. A guest does
 * one after the other, so the oldest that was sent is the one that runs.
 */
import type { InvocationChannel } from './invocation-channel.ts'

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
  readonly channel: InvocationChannel | null
}

/**
 * Both queues are short lists, and no maps by number: a map that takes in and gives back an entry with every call
 * leaves its outgrown tables behind, each of which holds the next one and what was in it then. One of them in the old
 * generation of the heap keeps all later calls from being collected young: it was most of the collector's work.
 */
export class CallQueue {
  readonly #sentAhead: number
  readonly #waiting: PendingCall[] = []
  readonly #sent: PendingCall[] = []

  /** @param sentAhead calls that may be sent before their turn: the guest goes from one to the next without us */
  constructor(sentAhead: number) {
    this.#sentAhead = sentAhead
  }

  get size(): number {
    return this.#waiting.length + this.#sent.length
  }

  /** The call that runs. */
  get head(): PendingCall | null {
    return this.#sent[0] ?? null
  }

  add(pending: PendingCall): void {
    this.#waiting.push(pending)
  }

  /** Sends what may be sent. */
  pump(): void {
    while (this.#sent.length < this.#sentAhead) {
      const next = this.#waiting.shift()
      if (next === undefined) return
      this.#sent.push(next)
      next.send()
    }
  }

  /** @returns null where there is no such call under way */
  finish(call: number): PendingCall | null {
    const at = this.#sent[0]?.call === call ? 0 : this.#sent.findIndex((pending) => pending.call === call)
    if (at < 0) return null
    return (at === 0 ? this.#sent.shift() : this.#sent.splice(at, 1)[0]) ?? null
  }

  /** Takes a call out that was not sent yet. @returns whether there was one */
  withdraw(call: number): PendingCall | null {
    const at = this.#waiting.findIndex((pending) => pending.call === call)
    return at < 0 ? null : (this.#waiting.splice(at, 1)[0] ?? null)
  }

  /** Everything, oldest first; the queue is empty then. */
  drain(): { readonly sent: readonly PendingCall[]; readonly waiting: readonly PendingCall[] } {
    return { sent: this.#sent.splice(0), waiting: this.#waiting.splice(0) }
  }
}
