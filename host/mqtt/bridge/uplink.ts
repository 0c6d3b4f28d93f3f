/**
 * From the mesh to a broker: what it is handed lies on the disk before the mesh forgets it, and leaves the disk when the
 * broker has acknowledged it. While the broker is away it waits, within its bounds, also over a restart.
 */
import {
  backoffMs,
  isSelvedgeError,
  messageOf,
  type Cancel,
  type Clock,
  type Log,
  type Random,
} from '../../../core/index.ts'
import type { Message } from '../../messages/index.ts'
import type { DurableQueue, QueueItem } from '../../queue/index.ts'
import type { Broker } from '../contract.ts'
import type { OutRoute } from './contract.ts'
import { cameFrom, marksOut } from './marks.ts'
import { decodeParcel, encodeParcel } from './parcel.ts'

export interface UplinkNeeds {
  readonly broker: Broker
  readonly queue: DurableQueue
  readonly routes: readonly OutRoute[]
  /** This mesh's id. */
  readonly mesh: string
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
}

/** Handed to the broker at once: of different keys, or of none. */
const batchItems = 32
/** A message that a broker refuses by itself is tried so often: rights may be given while it waits. */
const mostAttempts = 8
const retryMs = 1_000
const retryCapMs = 60_000
/** After a failure of the disk, and where a broker that is said to be up takes nothing. */
const pauseMs = 1_000

export class Uplink {
  readonly #needs: UplinkNeeds
  #cancels: Cancel[] = []
  #cancelPause: Cancel | null = null
  #isRunning = false
  #isPumping = false
  #sent = 0

  constructor(needs: UplinkNeeds) {
    this.#needs = needs
  }

  start(): void {
    const { queue, broker } = this.#needs
    this.#isRunning = true
    this.#cancels = [queue.onDue(() => void this.#pump()), broker.onHealth(() => void this.#pump())]
    void this.#pump()
  }

  /** What is under way stays in the queue unless the broker acknowledges it yet. */
  stop(): void {
    this.#isRunning = false
    this.#cancelPause?.()
    this.#cancelPause = null
    for (const cancel of this.#cancels.splice(0)) cancel()
  }

  get sent(): number {
    return this.#sent
  }

  /**
   * Resolves when it is on the disk for each of its routes.
   * @throws ERR_QUEUE_FULL, ERR_QUEUE_TOO_LARGE, and what the disk says
   */
  async take(message: Message): Promise<void> {
    const { broker, queue, routes, mesh } = this.#needs
    if (cameFrom(message, broker.name)) return
    const { id, origin, key, contentType, body } = message
    const metadata = marksOut(message, mesh)
    await queue.put(
      routes
        .filter(({ topic }) => topic === message.topic)
        .map(({ to, retain }) => ({
          // One key of two nodes is two keys: only what one node published has an order.
          key: key === null ? null : JSON.stringify([to, origin, key]),
          unique: JSON.stringify([to, origin, id]),
          body: encodeParcel({ to, isRetained: retain, contentType, metadata, body }),
        })),
    )
  }

  async #pump(): Promise<void> {
    if (this.#isPumping || this.#cancelPause !== null) return
    this.#isPumping = true
    const { queue, broker, log } = this.#needs
    try {
      while (this.#isRunning && broker.health().state === 'up') {
        const items = await queue.take(batchItems)
        if (items.length === 0) break
        const isTaken = await this.#send(items)
        // Else it would go round without end, and nothing else in this process would have its turn.
        if (!isTaken && broker.health().state === 'up') return this.#pause()
      }
    } catch (error) {
      log.warn('bridge:disk', { broker: broker.name, error: messageOf(error) })
      this.#pause()
    } finally {
      this.#isPumping = false
    }
  }

  #pause(): void {
    if (!this.#isRunning) return
    this.#cancelPause = this.#needs.clock.after(pauseMs, () => {
      this.#cancelPause = null
      void this.#pump()
    })
  }

  /** @returns whether the broker took any of them, or will not be asked for one at once again */
  async #send(items: readonly QueueItem[]): Promise<boolean> {
    const { queue } = this.#needs
    const outcomes = await Promise.all(items.map((item) => this.#sendOne(item)))
    const of = (wanted: 'sent' | 'wait'): number[] =>
      items.filter((_, index) => outcomes[index] === wanted).map(({ id }) => id)
    queue.release(of('wait'))
    const sent = of('sent')
    this.#sent += sent.length
    await queue.done(sent)
    return outcomes.some((outcome) => outcome !== 'wait')
  }

  async #sendOne(item: QueueItem): Promise<'sent' | 'wait' | 'settled'> {
    const { broker, queue, random } = this.#needs
    const parcel = decodeParcel(item.body)
    if (parcel === null) return this.#settled(queue.bury(item.id, 'it cannot be read'))
    const { to, body, isRetained, contentType, metadata } = parcel
    try {
      await broker.publish(to, body, { isRetained, contentType, metadata })
      return 'sent'
    } catch (error) {
      if (!isSelvedgeError(error, 'ERR_BROKER_REFUSED', 'ERR_TOPIC_INVALID')) return 'wait'
      const why = messageOf(error)
      if (item.attempts + 1 >= mostAttempts) return this.#settled(queue.bury(item.id, why))
      const afterMs = backoffMs(item.attempts, retryMs, retryCapMs, random)
      return this.#settled(queue.retry(item.id, afterMs, why))
    }
  }

  /** It counts already, and the queue writes it when it can: what else is under way must not be forgotten over it. */
  async #settled(work: Promise<void>): Promise<'settled'> {
    const { broker, log } = this.#needs
    await work.catch((error: unknown) => {
      log.warn('bridge:disk', { broker: broker.name, error: messageOf(error) })
    })
    return 'settled'
  }
}
