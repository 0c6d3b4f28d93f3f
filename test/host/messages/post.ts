/**
 * Nodes that send each other messages over the virtual network, on disks that are slow and lose what they had not
 * acknowledged when the power goes. A node can be killed and started again on what its disk holds.
 */
import { memoryFolder, type Clock, type DurableFolder } from '../../../core/index.ts'
import type { Message, NewMessage } from '../../../host/messages/index.ts'
import type { Messaging, MessageSettings } from '../../../host/messages/messaging.ts'
import { openMessaging } from '../../../host/messages/opening.ts'
import type { TopicDirectory } from '../../../host/messages/directory.ts'
import { MemoryQueueFile, type QueueChange, type QueueFile } from '../../../host/queue/file.ts'
import { QueuesByName } from '../../../host/queue/queues.ts'
import type { DurableQueue } from '../../../host/queue/index.ts'
import { MessageExchange } from '../../../mesh/messages/index.ts'
import { SimNetwork, VirtualClock, type SeededRandom, type SimTransport } from '../../sim/index.ts'
import { testLog } from '../../mesh/transport/nodes.ts'

export const usualSettings: MessageSettings = {
  bytes: 64 * 2 ** 20,
  items: 50_000,
  whenFull: 'refuse',
  keepMs: 7 * 86_400_000,
}

/** One life of a node: what its disk is asked after its end does not happen. */
interface Life {
  isOver: boolean
}

/** A commit takes its while; of one that is under way when the power goes nobody knows whether it is on the disk. */
class SlowFile implements QueueFile {
  readonly #file: MemoryQueueFile
  readonly #life: Life
  readonly #clock: Clock
  readonly #random: SeededRandom

  constructor(file: MemoryQueueFile, life: Life, clock: Clock, random: SeededRandom) {
    this.#file = file
    this.#life = life
    this.#clock = clock
    this.#random = random
  }

  load(): ReturnType<QueueFile['load']> {
    return this.#file.load()
  }

  async commit(changes: readonly QueueChange[]): Promise<void> {
    const isEarly = this.#random.chance(0.5)
    if (this.#life.isOver) return this.#never()
    if (isEarly) await this.#file.commit(changes)
    await new Promise<void>((resolve) => this.#clock.after(1 + this.#random.below(20), resolve))
    if (this.#life.isOver) return this.#never()
    if (!isEarly) await this.#file.commit(changes)
  }

  bodies(ids: readonly number[]): ReturnType<QueueFile['bodies']> {
    return this.#file.bodies(ids)
  }

  async close(): Promise<void> {}

  #never(): Promise<never> {
    return new Promise(() => {})
  }
}

export class PostNode {
  readonly name: string
  readonly post: Post
  readonly topics: readonly string[]
  readonly #files = new Map<string, MemoryQueueFile>()
  readonly #folder: DurableFolder = memoryFolder()
  /** What was handed to the subscription, each time. */
  readonly handed: Message[] = []
  #events!: DurableQueue
  #life: Life = { isOver: true }
  transport!: SimTransport
  exchange!: MessageExchange
  messaging!: Messaging

  constructor(post: Post, name: string, topics: readonly string[]) {
    this.post = post
    this.name = name
    this.topics = topics
  }

  get isUp(): boolean {
    return !this.#life.isOver
  }

  async start(): Promise<void> {
    const { post, name } = this
    const { clock, random, network } = post
    const life: Life = (this.#life = { isOver: false })
    this.transport = network.transport(name)
    this.exchange = new MessageExchange({
      transport: this.transport,
      clock,
      log: testLog(),
      addressesOf: (peer) => network.find(peer)?.addresses() ?? [],
      report: (attack, peer) => void post.attacks.push(`${attack} by ${peer}`),
    })
    const queues = new QueuesByName(clock, {
      open: async (queue) => {
        const file = this.#files.get(queue) ?? new MemoryQueueFile()
        this.#files.set(queue, file)
        return new SlowFile(file, life, clock, random)
      },
      remove: async () => {},
    })
    const events = (this.#events = await queues.open('events', limitsOfEvents))
    this.messaging = await openMessaging({
      self: name,
      queues,
      folder: this.#folder,
      settings: post.settings,
      directory: post.directoryOf(name),
      carrier: this.exchange,
      clock,
      random,
      log: testLog(),
      topicsChanged() {},
    })
    this.transport.start()
    this.exchange.start()
    await this.messaging.start()
    this.exchange.receiveWith((peer, messages) => this.messaging.receive(peer, messages))
    if (this.topics.length > 0) {
      await this.messaging.subscribe('app/test', this.topics, (message) => this.#take(events, message))
    }
  }

  /** The power is gone. */
  kill(): void {
    this.#life.isOver = true
    this.transport.kill()
    this.exchange.stop()
    void this.messaging.stop()
  }

  publish(message: NewMessage): Promise<string> {
    return this.messaging.publish(message)
  }

  /** As the trigger: it is the app's when its queue has it, which knows it again. */
  async #take(events: DurableQueue, message: Message): Promise<void> {
    this.handed.push(message)
    const body = bytesOf(`${message.origin} ${message.key} ${textOf(message).slice(0, 20)}`)
    await events.put([{ key: null, unique: `${message.origin} ${message.id}`, body }])
  }

  /** What came behind the subscription, in its order: `ORIGIN KEY TEXT`. */
  async events(): Promise<string[]> {
    const items = await this.#events.peek(0, limitsOfEvents.items)
    return items.map(({ body }) => Buffer.from(body).toString())
  }
}

const limitsOfEvents = {
  items: 100_000,
  bytes: 2 ** 30,
  itemBytes: 1_000,
  whenFull: 'refuse',
  deadItems: 0,
} as const

export class Post {
  readonly clock = new VirtualClock()
  readonly random: SeededRandom
  readonly network: SimNetwork
  readonly settings: MessageSettings
  readonly attacks: string[] = []
  readonly nodes = new Map<string, PostNode>()
  /** Topics whose messages a node does not let come from others. */
  readonly withheld = new Set<string>()

  constructor(random: SeededRandom, settings: MessageSettings = usualSettings) {
    this.random = random
    this.settings = settings
    this.network = new SimNetwork(this.clock, random, {
      silenceMs: 2_000,
      wire: { minLatencyMs: 10, maxLatencyMs: 60 },
    })
  }

  async node(name: string, topics: readonly string[] = []): Promise<PostNode> {
    const node = new PostNode(this, name, topics)
    this.nodes.set(name, node)
    await this.clock.finish(node.start(), 10_000)
    return node
  }

  /** All topics go through the mesh. */
  directoryOf(self: string): TopicDirectory {
    return {
      facts: () => ({ scope: 'mesh', keepMs: null, declaredBy: [] }),
      nodesFor: (topic) =>
        [...this.nodes.values()]
          .filter((node) => node.name !== self && node.topics.includes(topic))
          .map(({ name }) => name),
      admits: (topic) => !this.withheld.has(topic),
      isMember: (node) => this.nodes.has(node),
      nameOf: (node) => node,
      declared: () => [],
    }
  }
}

export const bytesOf = (text: string): Uint8Array => new Uint8Array(Buffer.from(text))
export const textOf = ({ body }: Pick<Message, 'body'>): string => Buffer.from(body).toString()
