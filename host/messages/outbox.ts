/**
 * Messages on their way to other nodes: one journal, in it a lane for each node, and for each lane a courier that sends
 * what is due. A message leaves the journal when its node has it on its own disk, does not hear the topic any more, or
 * has been away for longer than the topic's messages are kept.
 */
import { messageOf, type Cancel, type Clock, type Log, type Random } from '../../core/index.ts'
import {
  messageWireLimits,
  NotStarted,
  wireSize,
  type MessageVerdict,
  type Verdicts,
  type WireMessage,
} from '../../mesh/index.ts'
import type { DurableQueue, NewItem, QueueItem } from '../queue/index.ts'
import type { AgeClock } from './age-clock.ts'
import type { Message } from './contract.ts'
import { Courier } from './courier.ts'
import type { TopicDirectory } from './directory.ts'
import { openEnvelope, packEnvelope, type Envelope } from './envelope.ts'

/** Taken for one batch; what does not fit into it is given back. */
const itemsPerBatch = 64
/** Messages that a node's releases refuse, perhaps because it has not heard of a release yet. */
const refusedMs = 30_000
/** Between two looks for what has waited too long. */
const sweepMs = 60_000

/** The way to other nodes. */
export interface MessageCarrier {
  isConnected(node: string): boolean
  onConnected(listener: (node: string) => void): Cancel
  /** @param batch or what makes it when it leaves */
  deliver(
    node: string,
    batch: readonly WireMessage[] | (() => readonly WireMessage[]),
    signal?: AbortSignal,
  ): Promise<Verdicts>
}

export interface OutboxNeeds {
  readonly queue: DurableQueue
  readonly carrier: MessageCarrier
  readonly directory: TopicDirectory
  readonly age: AgeClock
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
}

export interface OutboxCounts {
  /** Arrived at their node. */
  readonly delivered: number
  /** Waited too long, or their node is no member any more. */
  readonly expired: number
  /** Nobody heard them where they arrived. */
  readonly unwanted: number
  readonly damaged: number
}

interface Parcel {
  readonly item: QueueItem
  readonly envelope: Envelope
}

export class Outbox {
  readonly #needs: OutboxNeeds
  readonly #couriers = new Map<string, Courier>()
  readonly #timers = new Map<string, Cancel>()
  readonly #stopping = new AbortController()
  readonly #counts = { delivered: 0, expired: 0, unwanted: 0, damaged: 0 }
  #cancels: Cancel[] = []
  #isRunning = false

  constructor(needs: OutboxNeeds) {
    this.#needs = needs
  }

  get counts(): OutboxCounts {
    return { ...this.#counts }
  }

  /** The last try did not reach the node. */
  isAway(node: string): boolean {
    return this.#couriers.get(node)?.isAway ?? false
  }

  start(): void {
    const { queue, carrier, clock } = this.#needs
    this.#isRunning = true
    this.#cancels = [
      queue.onDue(() => this.#wakeAll()),
      carrier.onConnected((node) => {
        this.#couriers.get(node)?.connected(clock.monotonicMs())
        this.#wake(node)
      }),
    ]
    this.#armSweep()
    this.#wakeAll()
  }

  stop(): void {
    this.#isRunning = false
    this.#stopping.abort(new Error('the node stops'))
    for (const cancel of this.#cancels.splice(0)) cancel()
    for (const cancel of this.#timers.values()) cancel()
    this.#timers.clear()
  }

  /** What `put` of the queue takes for a message and its nodes. @param isRepeatable its id was given by its publisher */
  itemsFor(message: Message, nodes: readonly string[], keepMs: number, isRepeatable: boolean): NewItem[] {
    if (nodes.length === 0) return []
    const body = packEnvelope({ message, untilMs: this.#needs.age.now() + keepMs })
    const key = message.key === null ? null : `${message.topic} ${message.key}`
    return nodes.map((node) => ({
      key,
      lane: node,
      body,
      ...(isRepeatable && { unique: `${node} ${message.id}` }),
    }))
  }

  #wakeAll(): void {
    for (const node of this.#needs.queue.lanes()) this.#wake(node)
  }

  #wake(node: string): void {
    if (!this.#isRunning) return
    const { clock, random } = this.#needs
    let courier = this.#couriers.get(node)
    if (courier === undefined) this.#couriers.set(node, (courier = new Courier(random)))
    const { dueMs } = courier
    if (dueMs === null) return
    const waitMs = dueMs - clock.monotonicMs()
    this.#timers.get(node)?.()
    this.#timers.delete(node)
    if (waitMs > 0) {
      this.#timers.set(
        node,
        clock.after(waitMs, () => this.#wake(node)),
      )
      return
    }
    courier.sent()
    void this.#send(node, courier)
  }

  /** One batch. Never rejects. */
  async #send(node: string, courier: Courier): Promise<void> {
    const { queue, carrier, clock, log } = this.#needs
    let parcels: readonly Parcel[] = []
    try {
      parcels = await this.#parcelsFor(node)
      if (parcels.length === 0) return this.#rest(node, courier)
      const batch = parcels.map(({ envelope }) => envelope.message)
      const { verdicts, waitMs } = await carrier.deliver(node, batch, this.#stopping.signal)
      this.#settle(parcels, verdicts)
      courier.answered(clock.monotonicMs(), waitMs, verdicts.includes('later'))
    } catch (error) {
      queue.release(parcels.map(({ item }) => item.id))
      const isReached = !(error instanceof NotStarted) || error.isReached
      courier.failed(clock.monotonicMs(), isReached)
      log.debug('messages:undelivered', { node, error: messageOf(error) })
    }
    this.#wake(node)
  }

  /** Nothing to send: it is woken when there is. */
  #rest(node: string, courier: Courier): void {
    courier.answered(this.#needs.clock.monotonicMs(), 0, false)
    if (this.#needs.queue.lanes().includes(node)) return
    this.#couriers.delete(node)
  }

  /** As many as one batch holds; what has waited too long is let go on the way. */
  async #parcelsFor(node: string): Promise<Parcel[]> {
    const { queue } = this.#needs
    for (;;) {
      const items = await queue.take(itemsPerBatch, node)
      const live = this.#alive(node, items)
      if (live.length > 0 || items.length === 0) return this.#fitting(live)
    }
  }

  #alive(node: string, items: readonly QueueItem[]): Parcel[] {
    const { age, directory } = this.#needs
    const isMember = directory.isMember(node)
    const now = age.now()
    const gone: number[] = []
    const live: Parcel[] = []
    for (const item of items) {
      const envelope = this.#opened(item)
      const isOver = envelope === null || !isMember || (envelope.untilMs ?? Infinity) <= now
      if (!isOver) live.push({ item, envelope })
      else {
        gone.push(item.id)
        this.#counts[envelope === null ? 'damaged' : 'expired'] += 1
      }
    }
    this.#done(gone)
    return live
  }

  #opened(item: QueueItem): Envelope | null {
    try {
      return openEnvelope(item.body)
    } catch (error) {
      this.#needs.log.error('messages:damaged', { item: item.id, error: messageOf(error) })
      return null
    }
  }

  #fitting(parcels: Parcel[]): Parcel[] {
    let bytes = 0
    const count = parcels.findIndex(({ envelope }, at) => {
      bytes += wireSize(envelope.message)
      return at > 0 && bytes > messageWireLimits.batchBytes - messageWireLimits.bodyBytes / 4
    })
    if (count === -1) return parcels
    this.#needs.queue.release(parcels.slice(count).map(({ item }) => item.id))
    return parcels.slice(0, count)
  }

  #settle(parcels: readonly Parcel[], verdicts: readonly MessageVerdict[]): void {
    const { queue } = this.#needs
    const done: number[] = []
    const later: number[] = []
    for (const [at, { item }] of parcels.entries()) {
      const verdict = verdicts[at] ?? 'later'
      if (verdict === 'later') later.push(item.id)
      else if (verdict === 'refused') {
        void this.#kept(queue.retry(item.id, refusedMs, 'the node does not let it come from here'))
      } else {
        done.push(item.id)
        this.#counts[verdict === 'taken' ? 'delivered' : 'unwanted'] += 1
      }
    }
    queue.release(later)
    this.#done(done)
  }

  #done(ids: readonly number[]): void {
    if (ids.length > 0) void this.#kept(this.#needs.queue.done(ids))
  }

  /** What the disk does not take is done again after a restart, and its receiver knows it by its id. */
  async #kept(work: Promise<void>): Promise<void> {
    await work.catch((error: unknown) =>
      this.#needs.log.warn('messages:not-written', { error: messageOf(error) }),
    )
  }

  #armSweep(): void {
    const { clock } = this.#needs
    const cancel = clock.after(sweepMs, () => {
      this.#cancels = this.#cancels.filter((other) => other !== cancel)
      void this.#sweep().finally(() => {
        if (this.#isRunning) this.#armSweep()
      })
    })
    this.#cancels.push(cancel)
  }

  /** Lets go of what has waited too long for nodes that are away. Never rejects. */
  async #sweep(): Promise<void> {
    const { queue, age, log } = this.#needs
    try {
      const lanes = queue.lanes()
      if (lanes.length > 0) await age.save()
      for (const node of lanes) await this.#sweepLane(node)
    } catch (error) {
      log.warn('messages:sweep', { error: messageOf(error) })
    }
  }

  /** While a batch is under way its courier looks itself. */
  async #sweepLane(node: string): Promise<void> {
    const { queue } = this.#needs
    while (this.#isRunning && this.#couriers.get(node)?.dueMs !== null) {
      const items = await queue.take(itemsPerBatch, node)
      const live = this.#alive(node, items)
      queue.release(live.map(({ item }) => item.id))
      if (items.length === 0 || live.length > 0) return
    }
  }
}
