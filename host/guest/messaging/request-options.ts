/** `request-options` of wasi:messaging/request-reply: what a guest says of how long it waits, and for how many. */
import { dispose } from '../io/index.ts'
import type { PartContext } from '../part.ts'

export function requestOptionsClass(context: PartContext) {
  return class RequestOptions {
    readonly #release = context.hold()
    #timeoutMs: number | undefined
    #replies: number | undefined

    setTimeoutMs(timeoutMs: number): void {
      this.#timeoutMs = timeoutMs
    }

    setExpectedReplies(replies: number): void {
      this.#replies = replies
    }

    /** What was said: undefined is the node's choice. */
    said(): readonly [timeoutMs: number | undefined, replies: number | undefined] {
      return [this.#timeoutMs, this.#replies]
    }

    drop(): void {
      this.#release()
    }

    [dispose](): void {
      this.drop()
    }
  }
}
