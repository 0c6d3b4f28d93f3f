/**
 * Requests and their replies over topics. Neither goes through a journal: a request is worth something only while
 * somebody waits for the answer, so it reaches whoever is there now, at most once, or nobody. Replies go straight to the
 * node that asked. What is left of the time goes along, and nobody works for a request whose time is over.
 */
import { setMaxListeners } from 'node:events'
import type { Clock, Log, Random } from '../../core/index.ts'
import type { MessageVerdict, WireMessage } from '../../mesh/index.ts'
import { checkMessage } from './check.ts'
import {
  messageLimits as limits,
  type Message,
  type NewMessage,
  type NewReply,
  type ReplyTerms,
  type RequestTerms,
} from './contract.ts'
import type { TopicDirectory } from './directory.ts'
import type { MessageCarrier } from './outbox.ts'
import { messageProblems } from './problems.ts'
import { requestName, RequestTable, type Waiting } from './request-table.ts'
import {
  isReplyTopic,
  readRequest,
  replyMessage,
  replyTopic,
  requestMessage,
  requestMetadata,
} from './request-wire.ts'
import { notTaken, sendNow, untaken } from './sending.ts'

export interface RequestsNeeds {
  readonly self: string
  readonly directory: Pick<TopicDirectory, 'nodesFor' | 'nameOf' | 'admits'>
  readonly carrier: Pick<MessageCarrier, 'deliver' | 'isConnected'>
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  /** Whether somebody on this node takes requests of the topic now. */
  isHeard(topic: string): boolean
  /** @returns how many on this node have it */
  hand(message: Message): Promise<number>
}

export class Requests {
  readonly #needs: RequestsNeeds
  readonly #table = new RequestTable()
  readonly #stopping = new AbortController()
  /** Of requests that wait: ended with the node. */
  readonly #waiting = new Set<AbortController>()
  readonly #counts = { requests: 0, replies: 0, unanswered: 0 }

  constructor(needs: RequestsNeeds) {
    this.#needs = needs
  }

  /** `requests` and `replies` that were sent; `unanswered` had none. */
  get counts(): { readonly requests: number; readonly replies: number; readonly unanswered: number } {
    return { ...this.#counts }
  }

  stop(): void {
    this.#stopping.abort(closed())
    for (const over of this.#waiting) over.abort()
  }

  /** See `Topics.request`. */
  async request(given: Omit<NewMessage, 'id' | 'key'>, terms: RequestTerms): Promise<readonly Message[]> {
    checkMessage(given)
    checkMetadata(given)
    this.#counts.requests += 1
    try {
      return await this.#replies(given, terms)
    } catch (error) {
      this.#counts.unanswered += 1
      throw error
    }
  }

  async #replies(given: Omit<NewMessage, 'id' | 'key'>, terms: RequestTerms): Promise<readonly Message[]> {
    const { directory, random, clock, self } = this.#needs
    const { topic, body, contentType = null, metadata = [] } = given
    const nodes = directory.nodesFor(topic).slice(0, limits.nodes)
    const asked = this.#needs.isHeard(topic) ? [...nodes, self] : nodes
    if (asked.length === 0) throw unheard(`nobody takes requests of ${topic}`)
    const id = Buffer.from(random.bytes(12)).toString('hex')
    const message = { id, topic, key: null, contentType, metadata, body, timeMs: this.#timeMs() }
    const timeoutMs = Math.min(Math.max(1, terms.timeoutMs), limits.requestMostMs)
    const untilMs = clock.monotonicMs() + timeoutMs
    const replyTo = replyTopic(random.bytes(12))
    const over = new AbortController()
    // Each node that is asked listens, however often.
    setMaxListeners(4 * (limits.nodes + 1), over.signal)
    const waiting: Waiting = {
      app: terms.app,
      asked: new Set(asked),
      wanted: Math.min(Math.max(1, terms.replies), limits.replies),
      replies: [],
      bytes: 0,
      done: () => over.abort(),
    }
    if (!this.#table.wait(replyTo, waiting))
      throw messageProblems.error('ERR_REQUESTS_FULL', `${this.#table.waiting} requests wait for replies`)
    const forget = this.#endWith(over, terms.signal, timeoutMs)
    try {
      terms.signal?.throwIfAborted()
      // Before anybody is asked: who answers at once ends it at once.
      const ended = abortOf(over.signal)
      const asking = asked.map((node) => this.#ask(node, message, { replyTo, untilMs, over: over.signal }))
      const refusals = await Promise.race([Promise.all(asking), ended])
      const isNowhere = refusals !== undefined && refusals.every((why) => why !== null)
      if (isNowhere && waiting.replies.length === 0)
        throw unheard(`nobody can answer a request of ${topic}: ${refusals.join('; ').slice(0, 400)}`)
      if (!isNowhere) await ended
      this.#stopping.signal.throwIfAborted()
      terms.signal?.throwIfAborted()
      if (waiting.replies.length > 0) return waiting.replies
      const late = `nobody answered a request of ${topic} in ${Math.round(timeoutMs)} ms`
      throw messageProblems.error('ERR_REQUEST_TIMEOUT', late)
    } finally {
      forget()
      this.#table.over(replyTo)
      this.#table.forget(requestName(self, replyTo))
      over.abort()
    }
  }

  /** See `Topics.reply`. */
  async reply(request: string, reply: NewReply, terms: ReplyTerms = {}): Promise<void> {
    const { random, clock, self } = this.#needs
    const nowMs = clock.monotonicMs()
    const found = this.#table.answerable(request, nowMs)
    if (found === null) throw gone(`whoever asked ${enough}, or it was no request of this node`)
    const id = Buffer.from(random.bytes(12)).toString('hex')
    const message = replyMessage(id, found.topic, reply, this.#timeMs())
    checkMessage(message)
    this.#stopping.signal.throwIfAborted()
    this.#counts.replies += 1
    this.#table.answered(request)
    if (found.node === self) {
      if (this.#table.replied(found.topic, { ...message, origin: self })) return
      throw gone(`whoever asked ${enough}`)
    }
    const untilMs = Math.min(found.untilMs, nowMs + (terms.timeoutMs ?? Infinity))
    const over = new AbortController()
    const forget = this.#endWith(over, terms.signal, untilMs - nowMs)
    // Two replies of one id are one: it is sent again also where it may have arrived.
    const sent = await sendNow(this.#needs, found.node, () => message, {
      untilMs,
      over: over.signal,
      isRepeatable: true,
      unwanted: enough,
    }).finally(forget)
    if (sent.state === 'taken') return
    this.#stopping.signal.throwIfAborted()
    if (sent.state === 'lost' || over.signal.aborted)
      throw gone('it was not taken in time, and may not have arrived')
    this.#table.forget(request)
    throw gone(`whoever asked ${sent.why}`)
  }

  /** What another node sent. @returns null for a message that is neither request nor reply */
  receive(node: string, message: WireMessage): MessageVerdict | Promise<MessageVerdict> | null {
    if (isReplyTopic(message.topic))
      return this.#table.replied(message.topic, { ...message, origin: node }) ? 'taken' : 'unwanted'
    const read = readRequest(message)
    if (read === null) return null
    if (read === 'broken' || !this.#needs.directory.admits(message.topic, node)) return 'refused'
    return this.#take(node, read.message, read.replyTo, this.#needs.clock.monotonicMs() + read.leftMs)
  }

  async #take(node: string, message: WireMessage, topic: string, untilMs: number): Promise<MessageVerdict> {
    if (!this.#needs.isHeard(message.topic)) return 'unwanted'
    const request = this.#table.mayAnswer({ node, topic, untilMs }, this.#needs.clock.monotonicMs())
    if (request === null) return 'later'
    const mark = { replyTo: request, untilMs }
    const count = await this.#needs.hand({ ...message, origin: node, request: mark })
    if (count > 0) return 'taken'
    this.#table.forget(request)
    return 'unwanted'
  }

  /** @returns why this node will not answer; null where it may */
  async #ask(
    node: string,
    message: WireMessage,
    { replyTo, untilMs, over }: { replyTo: string; untilMs: number; over: AbortSignal },
  ): Promise<string | null> {
    const { self, directory } = this.#needs
    if (node === self) {
      const verdict = await this.#take(self, message, replyTo, untilMs)
      return verdict === 'taken' ? null : `this node ${notTaken(verdict)}`
    }
    const sent = await sendNow(this.#needs, node, (leftMs) => requestMessage(message, replyTo, leftMs), {
      untilMs,
      over,
      isRepeatable: false,
      unwanted: untaken,
    })
    return sent.state === 'not' ? `${directory.nameOf(node)} ${sent.why}` : null
  }

  /** When the time is over, whoever asked gives up, or the node stops. @returns forgets it */
  #endWith(over: AbortController, signal: AbortSignal | undefined, ms: number): () => void {
    const end = (): void => over.abort()
    const cancel = this.#needs.clock.after(ms, end)
    this.#waiting.add(over)
    if (signal?.aborted === true || this.#stopping.signal.aborted) end()
    signal?.addEventListener('abort', end, { once: true })
    return () => {
      cancel()
      this.#waiting.delete(over)
      signal?.removeEventListener('abort', end)
    }
  }

  #timeMs(): number {
    return Math.max(0, Math.floor(this.#needs.clock.now()))
  }
}

function abortOf(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
}

/** What is said of a request beside what its app says needs room too. */
function checkMetadata({ metadata = [] }: Pick<NewMessage, 'metadata'>): void {
  const chars = metadata.reduce((sum, [name, value]) => sum + name.length + value.length, 0)
  if (metadata.length <= requestMetadata.entries && chars <= requestMetadata.chars) return
  const text = `the metadata of a request has ${metadata.length} entries and ${chars} characters; ${requestMetadata.entries} and ${requestMetadata.chars} are allowed`
  throw messageProblems.error('ERR_MESSAGE_TOO_LARGE', text)
}

/** What is said of whoever asked, behind that. */
const enough = 'has enough replies, or waits no more'

function unheard(message: string): Error {
  return messageProblems.error('ERR_REQUEST_UNHEARD', message)
}

function gone(why: string): Error {
  return messageProblems.error('ERR_REQUEST_OVER', `nobody waits for the reply: ${why}`)
}

function closed(): Error {
  return messageProblems.error('ERR_MESSAGES_CLOSED', 'the node stops, and takes no more messages')
}
