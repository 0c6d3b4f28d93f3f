/**
 * Messages on one node: what is published goes into the journals of what leaves and of what is heard here, what arrives
 * into the second. Nobody is told that a message is taken before the disk has it.
 */
import {
  isSelvedgeError,
  messageOf,
  type Cancel,
  type Clock,
  type DurableFolder,
  type Log,
  type Part,
  type Random,
} from '../../core/index.ts'
import type { MessageReport } from '../api/index.ts'
import type { MessageVerdict, Verdicts, WireMessage } from '../../mesh/index.ts'
import type { DurableQueue, NewItem, QueueLimits, Queues } from '../queue/index.ts'
import type { AgeClock } from './age-clock.ts'
import { checkMessage, checkName, checkTopic } from './check.ts'
import {
  messageLimits as limits,
  type Message,
  type NewMessage,
  type NewReply,
  type ReplyTerms,
  type RequestTerms,
  type SubscribeOptions,
  type Topics,
} from './contract.ts'
import type { TopicDirectory } from './directory.ts'
import { Inbox, type Handle } from './inbox.ts'
import { Outbox, type MessageCarrier } from './outbox.ts'
import { messageProblems } from './problems.ts'
import { Requests } from './requests.ts'
import { journalOf, messageReport } from './report.ts'
import type { Subscriptions } from './subscriptions.ts'

const listenerPrefix = 'listen/'

/** What the node's owner says of messages. */
export interface MessageSettings {
  /** Each of the two journals. */
  readonly bytes: number
  readonly items: number
  readonly whenFull: QueueLimits['whenFull']
  /** For topics whose releases do not say. */
  readonly keepMs: number
}

export interface MessagingNeeds {
  readonly self: string
  readonly queues: Queues
  readonly folder: DurableFolder
  readonly settings: MessageSettings
  readonly directory: TopicDirectory
  readonly carrier: MessageCarrier
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  /** What this node hears is different now. */
  topicsChanged(): void
}

/** Its journals, and what it has beside them. */
export interface MessagingParts {
  readonly out: DurableQueue
  readonly into: DurableQueue
  readonly unusable: { readonly out: string | null; readonly in: string | null }
  readonly age: AgeClock
  readonly subscriptions: Subscriptions
  readonly queueLimits: QueueLimits
}

export class Messaging implements Topics, Part {
  readonly name = 'messages'
  readonly #needs: MessagingNeeds
  readonly #parts: MessagingParts
  readonly #outbox: Outbox
  readonly #inbox: Inbox
  #requests: Requests
  readonly #counts = { published: 0, received: 0, refused: 0 }
  #isStopped = false

  /** Use `openMessaging`. */
  constructor(needs: MessagingNeeds, parts: MessagingParts) {
    this.#needs = needs
    this.#parts = parts
    this.#outbox = new Outbox({ ...needs, queue: parts.out, age: parts.age })
    this.#inbox = new Inbox({ ...needs, queue: parts.into })
    this.#requests = this.#newRequests()
  }

  /** What this node hears, for its record; sorted. */
  get topics(): readonly string[] {
    return this.#parts.subscriptions.topics
  }

  async start(): Promise<void> {
    const { into, subscriptions } = this.#parts
    if (this.#isStopped) this.#requests = this.#newRequests()
    this.#isStopped = false
    // Who listened was gone with the process.
    for (const name of subscriptions.names) {
      if (!name.startsWith(listenerPrefix)) continue
      // A disk that is full must not keep the node from starting.
      await subscriptions.remove(name).catch((error: unknown) => {
        this.#needs.log.warn('messages:listener', { error: messageOf(error) })
      })
    }
    this.#inbox.start()
    this.#outbox.start()
    // What waits for somebody of whom nothing is known any more was promised: it waits until the list is written again.
    if (!subscriptions.isWhole) return
    for (const lane of into.lanes()) {
      if (!subscriptions.names.includes(lane)) await this.#inbox.clear(lane).catch(() => {})
    }
  }

  async stop(): Promise<void> {
    this.#isStopped = true
    this.#requests.stop()
    this.#outbox.stop()
    this.#inbox.stop()
    if (this.#parts.out.lanes().length > 0) {
      await this.#parts.age.save(true).catch((error: unknown) => {
        this.#needs.log.warn('messages:age', { error: messageOf(error) })
      })
    }
  }

  async publish(given: NewMessage): Promise<string> {
    this.#requireOpen()
    checkMessage(given)
    const { clock, directory, random, self, settings } = this.#needs
    const { topic, body, key = null, contentType = null, metadata = [] } = given
    const id = given.id ?? Buffer.from(random.bytes(12)).toString('hex')
    const timeMs = Math.max(0, Math.floor(clock.now()))
    const message = { id, topic, key, contentType, metadata, body, origin: self, timeMs }
    const nodes = directory.nodesFor(topic).slice(0, limits.nodes)
    const keepMs = directory.facts(topic).keepMs ?? settings.keepMs
    const leaving = this.#outbox.itemsFor(message, nodes, keepMs, given.id !== undefined)
    const heard = this.#inbox.itemsFor(message, this.#parts.subscriptions.hearing(topic))
    // Of both or of neither: a publisher who is told that it is full publishes it again.
    this.#requireRoom(this.#parts.out, leaving, 'for other nodes')
    this.#requireRoom(this.#parts.into, heard, 'for apps of this node')
    await Promise.all([this.#put(this.#parts.out, leaving), this.#put(this.#parts.into, heard)])
    this.#counts.published += 1
    return id
  }

  async subscribe(
    name: string,
    topics: readonly string[],
    handle: Handle,
    { takesRequests = false }: SubscribeOptions = {},
  ): Promise<Cancel> {
    this.#requireOpen()
    checkName(name)
    for (const topic of topics) checkTopic(topic)
    if (await this.#parts.subscriptions.set(name, topics)) this.#needs.topicsChanged()
    return this.#inbox.read(name, handle, takesRequests)
  }

  async request(message: Omit<NewMessage, 'id' | 'key'>, terms: RequestTerms): Promise<readonly Message[]> {
    this.#requireOpen()
    return this.#requests.request(message, terms)
  }

  async reply(replyTo: string, reply: NewReply, terms?: ReplyTerms): Promise<void> {
    this.#requireOpen()
    await this.#requests.reply(replyTo, reply, terms)
  }

  /** Hears topics from now on for as long as somebody listens; what comes later is nobody's. @returns ends it */
  async listen(topics: readonly string[], handle: Handle): Promise<Cancel> {
    const name = `${listenerPrefix}${Buffer.from(this.#needs.random.bytes(8)).toString('hex')}`
    const cancel = await this.subscribe(name, topics, handle)
    return () => {
      cancel()
      this.forget(name).catch((error: unknown) => {
        this.#needs.log.warn('messages:listener', { error: messageOf(error) })
      })
    }
  }

  async forget(name: string): Promise<void> {
    if (!(await this.#parts.subscriptions.remove(name))) return
    this.#needs.topicsChanged()
    if (!this.#inbox.isRead(name)) await this.#inbox.clear(name)
  }

  /** Subscriptions of this node that hear it. */
  hearing(topic: string): readonly string[] {
    return this.#parts.subscriptions.hearing(topic)
  }

  /** Names of the subscriptions there are. */
  get subscriptions(): readonly string[] {
    return this.#parts.subscriptions.names
  }

  isRead(name: string): boolean {
    return this.#inbox.isRead(name)
  }

  /** What other nodes sent. Never rejects. */
  async receive(node: string, messages: readonly WireMessage[]): Promise<Verdicts> {
    const { directory, log } = this.#needs
    const items: NewItem[] = []
    // None of them is on the disk: what becomes of them is known at once.
    const live = await Promise.all(
      messages.map((message) => (this.#isStopped ? null : this.#requests.receive(node, message))),
    )
    const verdicts = messages.map((message, at): MessageVerdict => {
      const verdict = live[at]
      if (verdict !== null && verdict !== undefined) return verdict
      if (!directory.admits(message.topic, node)) {
        this.#counts.refused += 1
        return 'refused'
      }
      const names = this.#parts.subscriptions.hearing(message.topic)
      if (names.length === 0) return 'unwanted'
      items.push(...this.#inbox.itemsFor({ ...message, origin: node }, names))
      return 'taken'
    })
    try {
      if (this.#isStopped) throw closed()
      await this.#put(this.#parts.into, items)
      this.#counts.received += verdicts.filter(
        (verdict, at) => verdict === 'taken' && live[at] === null,
      ).length
      return { verdicts, waitMs: 0 }
    } catch (error) {
      log.debug('messages:no-room', { node, error: messageOf(error) })
      // What a request came to is known: sent again, it would be handed over twice.
      const isUnwritten = (verdict: MessageVerdict, at: number): boolean =>
        verdict === 'taken' && (live[at] ?? null) === null
      return {
        verdicts: verdicts.map((verdict, at) => (isUnwritten(verdict, at) ? 'later' : verdict)),
        waitMs: 0,
      }
    }
  }

  /** What waits, for whom and since when. @throws what the disk says */
  async report(): Promise<MessageReport> {
    const { out, into, subscriptions } = this.#parts
    return messageReport({
      out,
      into,
      subscriptions,
      directory: this.#needs.directory,
      isAway: (node) => this.#outbox.isAway(node),
      isConnected: (node) => this.#needs.carrier.isConnected(node),
      isRead: (name) => this.#inbox.isRead(name),
      figures: this.figures(),
    })
  }

  /** What became of messages, and what the journals hold. */
  figures(): Pick<MessageReport, 'counts' | 'journals'> {
    const { out, into, unusable, queueLimits } = this.#parts
    return {
      counts: { ...this.#counts, ...this.#outbox.counts, ...this.#inboxCounts(), ...this.#requests.counts },
      journals: {
        out: journalOf(out, queueLimits, unusable.out),
        in: journalOf(into, queueLimits, unusable.in),
      },
    }
  }

  #newRequests(): Requests {
    const hearing = (topic: string): readonly string[] => this.#parts.subscriptions.hearing(topic)
    return new Requests({
      ...this.#needs,
      isHeard: (topic) => hearing(topic).some((name) => this.#inbox.takesRequests(name)),
      hand: (message) => this.#inbox.handNow(message, hearing(message.topic)),
    })
  }

  #inboxCounts(): { readonly handled: number; readonly failed: number; readonly damaged: number } {
    const { handled, failed, damaged } = this.#inbox.counts
    return { handled, failed, damaged: damaged + this.#outbox.counts.damaged }
  }

  async #put(queue: DurableQueue, items: readonly NewItem[]): Promise<void> {
    if (items.length === 0) return
    try {
      await queue.put(items)
    } catch (error) {
      if (isSelvedgeError(error, 'ERR_QUEUE_FULL')) throw full(error.message, error)
      // What it says may be that the message is on the disk after all.
      if (isSelvedgeError(error, 'ERR_QUEUE_CLOSED')) throw closed(error)
      throw error
    }
  }

  #requireRoom(queue: DurableQueue, items: readonly NewItem[], whose: string): void {
    const { whenFull, items: mostItems, bytes: mostBytes } = this.#parts.queueLimits
    if (whenFull !== 'refuse' || items.length === 0) return
    const { waiting, taken, bytes } = queue.counts()
    const more = items.reduce((sum, { body }) => sum + body.length, 0)
    if (waiting + taken + items.length <= mostItems && bytes + more <= mostBytes) return
    throw full(`the journal of messages ${whose} holds ${waiting + taken} messages and ${bytes} bytes`)
  }

  #requireOpen(): void {
    if (this.#isStopped) throw closed()
  }
}

function full(message: string, cause?: unknown): Error {
  return messageProblems.error('ERR_MESSAGES_FULL', message, { cause })
}

function closed(cause?: Error): Error {
  const what = cause === undefined ? ', and takes no more messages' : `: ${cause.message}`
  return messageProblems.error('ERR_MESSAGES_CLOSED', `the node stops${what}`, { cause })
}
