/** The mesh's topics, in memory: what a bridge sees of them. */
import type { Message, NewMessage, Topics } from '../../../host/messages/index.ts'

export class TopicsDouble implements Topics {
  readonly published: NewMessage[] = []
  readonly #ids = new Set<string>()
  readonly #handlers = new Map<
    string,
    { topics: readonly string[]; handle: (message: Message) => Promise<void> }
  >()
  #last = 0
  /** What `publish` throws instead. */
  failure: Error | null = null

  async publish(message: NewMessage): Promise<string> {
    if (this.failure !== null) throw this.failure
    const id = message.id ?? `m${(this.#last += 1)}`
    if (message.id !== undefined && this.#ids.has(id)) return id
    this.#ids.add(id)
    this.published.push(message)
    return id
  }

  async subscribe(
    name: string,
    topics: readonly string[],
    handle: (message: Message) => Promise<void>,
  ): Promise<() => void> {
    this.#handlers.set(name, { topics, handle })
    return () => void this.#handlers.delete(name)
  }

  get subscriptions(): readonly string[] {
    return [...this.#handlers.keys()]
  }

  request(): Promise<never> {
    return Promise.reject(new Error('a bridge asks nothing'))
  }

  reply(): Promise<never> {
    return Promise.reject(new Error('a bridge replies to nothing'))
  }

  async forget(name: string): Promise<void> {
    this.#handlers.delete(name)
  }

  /** Hands one message to the bridges that want it, as a node of the mesh would. */
  async hand(message: Partial<Message> & Pick<Message, 'topic'>): Promise<void> {
    this.#last += 1
    const whole: Message = {
      id: `h${this.#last}`,
      key: null,
      contentType: null,
      metadata: [],
      body: new Uint8Array(0),
      origin: 'node-a',
      timeMs: 0,
      ...message,
    }
    for (const { topics, handle } of this.#handlers.values()) {
      if (topics.includes(message.topic)) await handle(whole)
    }
  }
}
