/**
 * Hands an app's events to whichever instance serves it, one at a time and in order.
 *
 * A switch is no more than another receiver: the event under way is answered by the instance that has it, the next
 * one goes to the new instance. With no receiver events wait in the queue. An event whose instance died is lost,
 * not repeated: it may be what killed it. One that no instance ever began is the next one's first.
 */
import { isSelvedgeError, messageOf, unlessResolved, type Log } from '../../core/index.ts'
import { WitError, type AppPool, type Incident } from '../engine/index.ts'
import type { TriggerEvent } from '../triggers/index.ts'
import { EventQueue, type NumberedEvent } from './event-queue.ts'

/** The instance that gets events. */
export interface Receiver {
  readonly instance: number
  readonly pool: Pick<AppPool, 'call' | 'ended'>
  /** What the release's triggers call; an event for anything else is a former release's. */
  readonly targets: ReadonlySet<string>
}

export interface DeliveryNeeds {
  readonly log: Log
  /** The next event id, or null where none can be given. */
  nextId(): number | null
  handled(instance: number): void
  /** The app answered an event with its own `err`. */
  refused(id: number, payload: unknown): void
}

export interface EventCounts {
  readonly taken: number
  readonly handled: number
  readonly failed: number
  readonly dropped: number
  readonly lastId: number
}

export class Delivery {
  readonly #needs: DeliveryNeeds
  readonly #queue: EventQueue
  #receiver: Receiver | null = null
  #inFlight: { instance: number; done: Promise<void> } | null = null
  #isPumping = false
  #counts = { taken: 0, handled: 0, failed: 0, dropped: 0, lastId: 0 }

  constructor(needs: DeliveryNeeds, queueLimit: number) {
    this.#needs = needs
    this.#queue = new EventQueue(queueLimit)
  }

  get counts(): EventCounts {
    return { ...this.#counts }
  }

  get waiting(): number {
    return this.#queue.length
  }

  push(event: TriggerEvent): void {
    const id = this.#needs.nextId()
    if (id === null) {
      this.#counts.dropped += 1
      return
    }
    const oldest = this.#queue.push({ id, event })
    if (oldest !== null) this.#drop(oldest.id, 'the queue was full')
    void this.#pump()
  }

  /** Events go to `receiver` from the next one on. */
  attach(receiver: Receiver): void {
    this.#receiver = receiver
    void this.#pump()
  }

  /** Events wait from the next one on, if it is this instance that gets them. */
  detach(instance: number): void {
    if (this.#receiver?.instance === instance) this.#receiver = null
  }

  /** Hands out nothing more; resolves when what is under way is answered. */
  async stop(): Promise<void> {
    this.#receiver = null
    await this.#inFlight?.done
  }

  /** Resolves when the instance is not handling an event, which the engine's deadline bounds. */
  async idle(instance: number): Promise<void> {
    if (this.#inFlight?.instance === instance) await this.#inFlight.done
  }

  async #pump(): Promise<void> {
    if (this.#isPumping) return
    this.#isPumping = true
    try {
      while (this.#receiver !== null) {
        const numbered = this.#queue.shift()
        if (numbered === null) break
        if (!this.#receiver.targets.has(numbered.event.target)) {
          this.#drop(numbered.id, 'the release has no trigger for it')
          continue
        }
        const done = this.#deliver(this.#receiver, numbered)
        this.#inFlight = { instance: this.#receiver.instance, done }
        await done
        this.#inFlight = null
      }
    } finally {
      this.#isPumping = false
    }
  }

  async #deliver({ instance, pool }: Receiver, { id, event }: NumberedEvent): Promise<void> {
    this.#counts.taken += 1
    try {
      await unlessResolved(pool.call(event.target, event.args(id)), pool.ended, endedUnderEvent)
      this.#counts.handled += 1
      this.#counts.lastId = id
      this.#needs.handled(instance)
    } catch (error) {
      if (error instanceof WitError) {
        this.#counts.failed += 1
        this.#needs.refused(id, error.payload)
        return
      }
      if (!isSelvedgeError(error, 'ERR_APP_NOT_BEGUN')) return this.#drop(id, messageOf(error))
      // No instance ever had it, and none of these will.
      this.#counts.taken -= 1
      this.#queue.putBack({ id, event })
      this.detach(instance)
    }
  }

  #drop(id: number, why: string): void {
    this.#counts.dropped += 1
    this.#needs.log.warn('event:dropped', { id, why })
  }
}

function endedUnderEvent({ reason, message }: Incident): Error {
  return new Error(`the instance ended (${reason}): ${message}`)
}
