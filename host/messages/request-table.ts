/**
 * Who waits for what: requests of this node and the replies that have come, and requests that apps of this node may
 * reply to. Pure: it is told the time, and bounded in every way that another node or an app could fill it.
 */
import { messageLimits as limits, type Message } from './contract.ts'

/** A request of this node. */
export interface Waiting {
  readonly app: string
  /** Nodes that may reply. */
  readonly asked: ReadonlySet<string>
  readonly wanted: number
  readonly replies: Message[]
  bytes: number
  /** Called when it has enough. */
  done(): void
}

/** A request that may be replied to from here. */
export interface Answerable {
  /** Who asked. */
  readonly node: string
  /** Monotonic ms. */
  readonly untilMs: number
}

export class RequestTable {
  readonly #waiting = new Map<string, Waiting>()
  readonly #answerable = new Map<string, Answerable>()

  get waiting(): number {
    return this.#waiting.size
  }

  /** @returns whether there is room for it */
  wait(replyTo: string, waiting: Waiting): boolean {
    if (this.#waiting.size >= limits.requests) return false
    const own = [...this.#waiting.values()].filter(({ app }) => app === waiting.app)
    if (own.length >= limits.requestsOfApp) return false
    this.#waiting.set(replyTo, waiting)
    return true
  }

  over(replyTo: string): void {
    this.#waiting.delete(replyTo)
  }

  /** A reply has come. @returns whether somebody waited for it; also where it came before */
  replied(replyTo: string, reply: Message): boolean {
    const waiting = this.#waiting.get(replyTo)
    if (waiting === undefined || !waiting.asked.has(reply.origin)) return false
    const { replies, wanted } = waiting
    // Sent again by a node that did not hear that it had arrived.
    if (replies.some(({ id, origin }) => id === reply.id && origin === reply.origin)) return true
    if (replies.length >= wanted || waiting.bytes + reply.body.length > limits.replyBytes) return false
    replies.push(reply)
    waiting.bytes += reply.body.length
    if (replies.length >= wanted) waiting.done()
    return true
  }

  /** @param now monotonic ms @returns whether there is room for it */
  mayAnswer(replyTo: string, answerable: Answerable, now: number): boolean {
    if (!this.#hasRoom(answerable.node)) {
      for (const [name, { untilMs }] of this.#answerable) if (untilMs <= now) this.#answerable.delete(name)
      if (!this.#hasRoom(answerable.node)) return false
    }
    this.#answerable.set(replyTo, answerable)
    return true
  }

  /** @returns null where nobody waits any more */
  answerable(replyTo: string, now: number): Answerable | null {
    const found = this.#answerable.get(replyTo)
    return found === undefined || found.untilMs <= now ? null : found
  }

  /** Nobody waits for replies to it any more, or nobody took it. */
  forget(replyTo: string): void {
    this.#answerable.delete(replyTo)
  }

  #hasRoom(node: string): boolean {
    const ofNode = [...this.#answerable.values()].filter((one) => one.node === node).length
    return this.#answerable.size < limits.answerable && ofNode < limits.answerableOfNode
  }
}
