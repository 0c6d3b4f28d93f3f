/**
 * The calls of one sandbox: which wait here, which were sent ahead of their turn, and whose turn it is. A guest does
 * one after the other, so the oldest that was sent is the one that runs.
 */
import type { InvocationChannel } from './invocation-channel.ts'
import type { PendingCall, PendingInvocation } from './pending-call.ts'

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

  /** @returns the next that may be sent, which counts as sent then; null where there is none, or enough are */
  next(): PendingCall | null {
    if (this.#sent.length >= this.#sentAhead) return null
    const next = this.#waiting.shift()
    if (next === undefined) return null
    this.#sent.push(next)
    return next
  }

  /** The channel of an invocation that was sent and has no answer yet. */
  channel(id: number): InvocationChannel | undefined {
    return this.#sent.find((pending): pending is PendingInvocation => pending.owns(id))?.opened()
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
