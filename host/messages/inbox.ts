/**
 * Messages that have arrived, and wait for who hears them: one journal, a lane for each subscription. What is in it is
 * handed out until its handler is done with it, one of a key at a time.
 */
import { backoffMs, messageOf, type Cancel, type Clock, type Log, type Random } from '../../core/index.ts'
import type { DurableQueue, NewItem, QueueItem } from '../queue/index.ts'
import { messageLimits as limits, type Message } from './contract.ts'
import { openEnvelope, packEnvelope } from './envelope.ts'

export type Handle = (message: Message) => Promise<void>

export interface InboxNeeds {
  readonly queue: DurableQueue
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
}

/** @returns of which origin's message it is the name, as {@link Inbox.itemsFor} makes it */
export function originIn(unique: string): string {
  return unique.split(' ', 2)[1] ?? ''
}

/** After a read of the journal that failed. */
const readAgainMs = 1_000

interface Reader {
  readonly handle: Handle
  underWay: number
  isTaking: boolean
  isOver: boolean
  readonly takesRequests: boolean
}

export class Inbox {
  readonly #needs: InboxNeeds
  readonly #readers = new Map<string, Reader>()
  /** Of each name, what is being taken or handed over. */
  readonly #underWay = new Map<string, number>()
  /** Names that nobody is to have anything of any more, of which something is under way. */
  readonly #cleared = new Set<string>()
  readonly #counts = { handled: 0, failed: 0, damaged: 0 }
  #cancel: Cancel | null = null

  constructor(needs: InboxNeeds) {
    this.#needs = needs
  }

  /** `failed` are tries. */
  get counts(): { readonly handled: number; readonly failed: number; readonly damaged: number } {
    return { ...this.#counts }
  }

  start(): void {
    this.#cancel ??= this.#needs.queue.onDue(() => this.#wakeAll())
    this.#wakeAll()
  }

  stop(): void {
    this.#cancel?.()
    this.#cancel = null
    for (const reader of this.#readers.values()) reader.isOver = true
    this.#readers.clear()
  }

  /** What `put` of the queue takes for a message and its subscriptions. */
  itemsFor(message: Message, names: readonly string[]): NewItem[] {
    if (names.length === 0) return []
    const { origin, id, topic, key } = message
    const body = packEnvelope({ message, untilMs: null })
    return names.map((name) => ({
      key: key === null ? null : `${origin} ${topic} ${key}`,
      lane: name,
      // Ids are told apart by origin, so that nobody can take the place of another's message.
      unique: `${name} ${origin} ${id}`,
      body,
    }))
  }

  /** Whoever read by this name does so no more. @returns ends it */
  read(name: string, handle: Handle, takesRequests = false): Cancel {
    const before = this.#readers.get(name)
    if (before !== undefined) before.isOver = true
    const reader: Reader = { handle, underWay: 0, isTaking: false, isOver: false, takesRequests }
    this.#readers.set(name, reader)
    this.#cleared.delete(name)
    this.#wake(name)
    return () => {
      reader.isOver = true
      if (this.#readers.get(name) === reader) this.#readers.delete(name)
    }
  }

  isRead(name: string): boolean {
    return this.#readers.has(name)
  }

  /**
   * Hands a request to those of the names that are read now and take requests, by no journal: who is not there does not
   * get it later.
   * @returns how many have it
   */
  async handNow(message: Message, names: readonly string[]): Promise<number> {
    const readers = names.flatMap((name) => {
      const reader = this.#readers.get(name)
      return reader?.takesRequests === true ? [reader] : []
    })
    const ends = await Promise.allSettled(readers.map(({ handle }) => handle(message)))
    for (const end of ends)
      if (end.status === 'rejected')
        this.#needs.log.debug('messages:request', { topic: message.topic, error: messageOf(end.reason) })
    return ends.filter(({ status }) => status === 'fulfilled').length
  }

  /** Whether somebody of that name takes requests now. */
  takesRequests(name: string): boolean {
    return this.#readers.get(name)?.takesRequests === true
  }

  /** Deletes what waits for a name that nobody reads any more, and what is being handed over once that fails. @throws what the disk says */
  async clear(name: string): Promise<void> {
    if (this.#underWay.has(name)) this.#cleared.add(name)
    await this.#needs.queue.drop(name)
  }

  #begin(name: string): void {
    this.#underWay.set(name, (this.#underWay.get(name) ?? 0) + 1)
  }

  #end(name: string): void {
    const left = (this.#underWay.get(name) ?? 1) - 1
    if (left > 0) return void this.#underWay.set(name, left)
    this.#underWay.delete(name)
    this.#cleared.delete(name)
  }

  #wakeAll(): void {
    for (const name of this.#readers.keys()) this.#wake(name)
  }

  #wake(name: string): void {
    const reader = this.#readers.get(name)
    if (reader === undefined || this.#cancel === null) return
    if (reader.isTaking || reader.underWay >= limits.handled) return
    reader.isTaking = true
    void this.#take(name, reader)
  }

  /** Never rejects. */
  async #take(name: string, reader: Reader): Promise<void> {
    const { queue, clock, log } = this.#needs
    let items: readonly QueueItem[] = []
    this.#begin(name)
    try {
      items = await queue.take(limits.handled - reader.underWay, name)
    } catch (error) {
      this.#end(name)
      log.warn('messages:unread', { name, error: messageOf(error) })
      // Nobody else says when it may be read again.
      clock.after(readAgainMs, () => {
        reader.isTaking = false
        this.#wake(name)
      })
      return
    }
    reader.isTaking = false
    if (reader.isOver) {
      const ids = items.map(({ id }) => id)
      if (this.#cleared.has(name)) void this.#kept(queue.done(ids))
      else queue.release(ids)
      return this.#end(name)
    }
    for (const item of items) {
      reader.underWay += 1
      this.#begin(name)
      void this.#hand(item, reader).finally(() => {
        reader.underWay -= 1
        this.#end(name)
        this.#wake(name)
      })
    }
    this.#end(name)
  }

  /** Never rejects. */
  async #hand(item: QueueItem, { handle }: Reader): Promise<void> {
    const { queue, random } = this.#needs
    try {
      const message = this.#opened(item)
      if (message !== null) {
        await handle(message)
        this.#counts.handled += 1
      }
    } catch (error) {
      this.#counts.failed += 1
      if (this.#cleared.has(item.lane)) return this.#kept(queue.done([item.id]))
      const waitMs = backoffMs(item.attempts, limits.handleAgainMs, limits.handleAgainMostMs, random)
      return this.#kept(queue.retry(item.id, waitMs, messageOf(error).slice(0, 500)))
    }
    // Not waited for: what the disk does not know yet is handed out again after a crash, as was said.
    void this.#kept(queue.done([item.id]))
  }

  #opened(item: QueueItem): Message | null {
    try {
      return openEnvelope(item.body).message
    } catch (error) {
      this.#counts.damaged += 1
      this.#needs.log.error('messages:damaged', { item: item.id, error: messageOf(error) })
      return null
    }
  }

  async #kept(work: Promise<void>): Promise<void> {
    await work.catch((error: unknown) =>
      this.#needs.log.warn('messages:not-written', { error: messageOf(error) }),
    )
  }
}
