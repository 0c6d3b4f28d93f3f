/**
 * The topics of one run by hand, which nobody else hears: what is said there is kept in its order until it is shown. The
 * message is asked as a node would ask it, so that what is said to it is bounded as it is there.
 */
import { systemClock, systemRandom } from '../../core/index.ts'
import type { AppContext } from '../interfaces/index.ts'
import {
  localSettings,
  localTopics,
  messageLimits,
  messageProblems,
  type Message,
  type NewMessage,
  type NewReply,
} from '../messages/index.ts'

/** What the program said to others while it handled the message, in its order. */
export interface SaidMessage {
  /** null for a reply. */
  readonly topic: string | null
  readonly contentType: string | null
  readonly metadata: readonly (readonly [string, string])[]
  readonly body: Uint8Array
}

/** As an app that asks, and as the subscription that is asked. */
const byHand = 'by-hand'

export class TopicsByHand {
  readonly said: SaidMessage[] = []
  readonly #topics = localTopics(systemClock, systemRandom)
  readonly #ended = new AbortController()
  #replyTo: string | null = null
  readonly #published = { items: 0, bytes: 0 }

  /** What the program has in the place of a node's topics. */
  get topics(): ReturnType<AppContext['topics']> {
    const topics = this.#topics
    return {
      publish: async (message) => {
        this.#requireRoom(message)
        const id = await topics.publish(message)
        this.#keep(message.topic, message)
        return id
      },
      request: (message, terms) => topics.request(message, terms),
      reply: async (to, reply, terms) => {
        await topics.reply(to, reply, terms)
        if (to === this.#replyTo) this.#keep(null, reply)
      },
    }
  }

  /** Asks for as many replies, and as long, as an app may. @returns what a reply names @throws what a node throws of it */
  async ask({ topic, body, contentType = null }: NewMessage): Promise<string> {
    const terms = {
      app: byHand,
      timeoutMs: messageLimits.requestMostMs,
      replies: messageLimits.replies,
      signal: this.#ended.signal,
    }
    let heard!: (replyTo: string) => void
    const hearing = new Promise<string>((resolve) => (heard = resolve))
    const hear = async ({ request }: Message): Promise<void> => heard(request?.replyTo ?? '')
    const end = await this.#topics.subscribe(byHand, [topic], hear, { takesRequests: true })
    // Its replies are kept as they come; that they are enough, or too late, is told to whoever replies then.
    const refused = new Promise<never>((_, reject) => {
      this.#topics.request({ topic, body, contentType }, terms).catch(reject)
    })
    try {
      return (this.#replyTo = await Promise.race([hearing, refused]))
    } finally {
      // What the program itself asks or says there is heard by nobody.
      end()
      await this.#topics.forget(byHand)
    }
  }

  /** Nobody waits for replies any more. */
  close(): void {
    this.#ended.abort(new Error('the run is over'))
  }

  /** @throws ERR_MESSAGES_FULL where a journal would be full: all of it is in memory until it is shown */
  #requireRoom({ body }: NewMessage): void {
    const { items, bytes } = this.#published
    if (items + 1 <= localSettings.items && bytes + body.length <= localSettings.bytes) return
    throw messageProblems.error(
      'ERR_MESSAGES_FULL',
      `it has published ${items} messages of ${bytes} bytes, and what it says is kept until it ends`,
    )
  }

  #keep(topic: string | null, { body, contentType = null, metadata = [] }: NewReply): void {
    if (topic !== null) {
      this.#published.items += 1
      this.#published.bytes += body.length
    }
    this.said.push({ topic, contentType, metadata, body })
  }
}
