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
  /** Where that node awaits replies. */
  readonly topic: string
  /** Monotonic ms. */
  readonly untilMs: number
}

/** @returns what a request is known by here: all who were asked know the topic, and none may take another's replies by it */
export function requestName(node: string, topic: string): string {
  return `${node} ${topic}`
}

export class RequestTable {
  readonly #waiting = new Map<string, Waiting>()
  readonly #answerable = new Map<string, Answerable>()
  /** Those of them that were replied to, the longest ago first: a further reply is seldom. */
  readonly #answered = new Set<string>()

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

  /**
   * Where there is no room, one that was replied to has to go: who asks often is not held up by how long it would have waited.
   * @param now monotonic ms @returns what it is replied to by; null where there is no room for it
   */
  mayAnswer(answerable: Answerable, now: number): string | null {
    const { node, topic } = answerable
    if (!this.#hasRoom(node)) this.#makeRoom(node, now)
    if (!this.#hasRoom(node)) return null
    const name = requestName(node, topic)
    this.#answerable.set(name, answerable)
    return name
  }

  /** @returns null where nobody waits any more */
  answerable(name: string, now: number): Answerable | null {
    const found = this.#answerable.get(name)
    return found === undefined || found.untilMs <= now ? null : found
  }

  /** A reply was sent to it. */
  answered(name: string): void {
    if (this.#answerable.has(name)) this.#answered.add(name)
  }

  /** Nobody waits for replies to it any more, or nobody took it. */
  forget(name: string): void {
    this.#answerable.delete(name)
    this.#answered.delete(name)
  }

  #makeRoom(node: string, now: number): void {
    for (const [name, { untilMs }] of this.#answerable) if (untilMs <= now) this.forget(name)
    if (this.#hasRoom(node)) return
    const isOwnFull = this.#countOf(node) >= limits.answerableOfNode
    for (const name of this.#answered) {
      if (isOwnFull && this.#answerable.get(name)?.node !== node) continue
      return this.forget(name)
    }
  }

  #countOf(node: string): number {
    return [...this.#answerable.values()].filter((one) => one.node === node).length
  }

  #hasRoom(node: string): boolean {
    return this.#answerable.size < limits.answerable && this.#countOf(node) < limits.answerableOfNode
  }
}
