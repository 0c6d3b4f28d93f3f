/**
 * Hands an app's events to whichever instance serves it, each trigger's in a lane of its own.
 *
 * A switch is no more than another receiver: events under way are answered by the instance that has them, the next ones
 * go to the new instance. With no receiver events wait. An event at most once whose instance died is lost, not
 * repeated: it may be what killed it. One that no instance ever began is the next one's first. An event at least once is
 * on the disk from before it is handed over until it was answered, and becomes a dead letter after its last attempt.
 */
import {
  isSelvedgeError,
  messageOf,
  unlessResolved,
  type Clock,
  type Log,
  type Random,
} from '../../core/index.ts'
import { WitError, type AppPool, type Incident } from '../engine/index.ts'
import type { Queues } from '../queue/index.ts'
import { triggerProblems, type PlannedTrigger, type TriggerEvent } from '../triggers/index.ts'
import { payloadText } from './app-reporter.ts'
import { Attendance } from './attendance.ts'
import { DurableEvents, reopenAfterMs } from './durable-events.ts'
import { EventQueue } from './event-queue.ts'
import type { HeldEvent } from './event-store.ts'
import { reasonOf, type Reason } from './release.ts'
import { Lane, type LaneNeeds, type Outcome } from './lane.ts'

/** The instance that gets events. */
export interface Receiver {
  readonly instance: number
  /** Its digest: another one than before may do better at what failed. */
  readonly release: string
  readonly pool: Pick<AppPool, 'call' | 'ended'>
  /** Of its release; an event of any other is a former release's. */
  readonly triggers: readonly PlannedTrigger[]
}

export interface DeliveryNeeds {
  readonly app: string
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  readonly queues: Queues
  /** Events at most once that may wait, of one trigger. */
  readonly queuedEvents: number
  /** The next event id, or null where none can be given. */
  nextId(): number | null
  /** While nobody takes events: when an instance may begin at the earliest, monotonic ms. */
  beginsAt(): number
  handled(instance: number): void
  /** The app answered an event with its own `err`. */
  refused(id: number, payload: unknown): void
  /** An event at least once is a dead letter now. */
  died(id: number, why: string): void
  /** The queue on the disk could not be opened, read or written. */
  queueFailed(error: unknown): void
}

export interface EventCounts {
  readonly taken: number
  readonly handled: number
  readonly failed: number
  readonly dropped: number
  readonly lastId: number
  /** In memory and on the disk. */
  readonly waiting: number
  /** Dead letters on the disk. */
  readonly dead: number
  /** Why events that were promised cannot be kept now. */
  readonly problem?: Reason
}

interface MemoryLane {
  readonly lane: Lane
  readonly queue: EventQueue
}

export class Delivery extends Attendance<Receiver> {
  readonly #needs: DeliveryNeeds
  readonly durable: DurableEvents
  readonly #laneNeeds: LaneNeeds
  readonly #inMemory = new Map<string, MemoryLane>()
  readonly #onDisk = new Map<string, Lane>()
  #counts = { taken: 0, handled: 0, failed: 0, dropped: 0, lastId: 0 }
  #release: string | null = null
  #isStopped = false

  constructor(needs: DeliveryNeeds) {
    super()
    this.#needs = needs
    this.durable = new DurableEvents(needs.app, needs.queues, {
      clock: needs.clock,
      notWritten: (error) => needs.queueFailed(error),
      died: ({ id }, why) => needs.died(id, why),
      due: () => this.#pokeDisk(),
    })
    this.#laneNeeds = {
      clock: needs.clock,
      random: needs.random,
      ready: () => this.post !== null,
      call: (trigger, events) => this.#call(trigger, events),
      unreadable: (error) => needs.queueFailed(error),
    }
  }

  get counts(): EventCounts {
    const onDisk = this.durable.queue?.counts()
    let waiting = onDisk?.waiting ?? 0
    for (const { queue } of this.#inMemory.values()) waiting += queue.waiting
    const { problem } = this.durable
    return {
      ...this.#counts,
      waiting,
      dead: onDisk?.dead ?? 0,
      ...(problem !== null && { problem: reasonOf(problem) }),
    }
  }

  /** @throws ERR_TRIGGER_EVENT, and what the queue on the disk throws; without a promise to keep it never does */
  async offer(trigger: PlannedTrigger, event: TriggerEvent): Promise<void> {
    const isBrief = event.untilMs !== undefined
    if (isBrief) this.#requireInTime(event.untilMs)
    if (isBrief || trigger.terms.promise === 'at-most-once') {
      // Who waits for what comes of it is told at once that it is nothing.
      if (!this.push(trigger, event) && isBrief) throw noNumber()
      return
    }
    const id = this.#needs.nextId()
    if (id === null) {
      this.#counts.dropped += 1
      throw noNumber()
    }
    try {
      await this.durable.put(trigger.lane, id, event, keyOf(trigger, event))
    } catch (error) {
      this.#drop(id, messageOf(error))
      throw error
    }
  }

  /** At most once: it waits in memory. @returns whether it does: without a number it is dropped */
  push(trigger: PlannedTrigger, event: TriggerEvent): boolean {
    const id = this.#needs.nextId()
    if (id === null) {
      this.#counts.dropped += 1
      return false
    }
    const { lane, queue } = this.#memoryLane(trigger)
    const { payload, untilMs } = event
    const key = keyOf(trigger, event)
    queue.push({ id, payload, key, attempts: 0, item: id, ...(untilMs !== undefined && { untilMs }) })
    lane.poke()
    return true
  }

  /** Events go to `receiver` from the next one on. */
  receive(receiver: Receiver): void {
    const { triggers } = receiver
    this.attach(receiver.instance, receiver)
    if (this.#release !== null && this.#release !== receiver.release) this.durable.queue?.hasten()
    this.#release = receiver.release
    for (const [name, { lane, queue }] of this.#inMemory) {
      const trigger = triggers.find((planned) => planned.lane === name)
      if (trigger !== undefined) {
        lane.trigger = trigger
        continue
      }
      queue.clear(noTrigger)
      if (lane.held === 0) this.#inMemory.delete(name)
    }
    for (const { lane } of this.#inMemory.values()) lane.poke()
    if (triggers.some(({ terms }) => terms.promise === 'at-least-once')) void this.#openDisk()
    this.#pokeDisk()
  }

  /** Events wait from the next one on, if it is this instance that gets them. */
  override detach(instance: number | undefined): void {
    const before = this.post
    super.detach(instance)
    if (before === null || this.post !== null) return
    for (const { lane } of this.#inMemory.values()) lane.rest()
    for (const lane of this.#onDisk.values()) lane.rest()
  }

  /** Hands out nothing more; resolves when what is under way is answered. */
  async stop(): Promise<void> {
    this.close()
    await this.allIdle()
  }

  /** What was promised stays on the disk. */
  async end(): Promise<void> {
    this.#isStopped = true
    await this.durable.close()
  }

  /** @throws ERR_TRIGGER_EVENT where nobody will be there to begin with an event before its time is over */
  #requireInTime(untilMs: number): void {
    if (this.post !== null || this.#needs.beginsAt() < untilMs) return
    const why = 'the app is down, and is not started again before the time of the event is over'
    throw triggerProblems.error('ERR_TRIGGER_EVENT', why)
  }

  async #openDisk(): Promise<void> {
    try {
      await this.durable.open()
      this.#pokeDisk()
    } catch (error) {
      this.#needs.queueFailed(error)
      this.#needs.clock.after(reopenAfterMs, () => {
        if (this.post !== null && !this.#isStopped) void this.#openDisk()
      })
    }
  }

  /** Events of triggers that the release does not have go to one of their kind, or to the dead letters. */
  #pokeDisk(): void {
    const { queue } = this.durable
    if (queue === null || this.post === null || this.#isStopped) return
    const { triggers } = this.post.way
    for (const name of queue.lanes()) {
      const trigger =
        triggers.find(({ lane }) => lane === name) ?? triggers.find(({ kind }) => name.startsWith(`${kind}.`))
      if (trigger === undefined) {
        void this.#buryLane(name)
        continue
      }
      let lane = this.#onDisk.get(name)
      if (lane === undefined) {
        lane = new Lane(trigger, this.durable.store(name), this.#laneNeeds)
        this.#onDisk.set(name, lane)
      }
      lane.trigger = trigger
      lane.poke()
    }
  }

  async #buryLane(name: string): Promise<void> {
    const store = this.durable.store(name)
    try {
      for (let events = await store.take(64); events.length > 0; events = await store.take(64)) {
        for (const event of events) store.lost(event, noTrigger)
      }
    } catch (error) {
      this.#needs.queueFailed(error)
    }
  }

  #memoryLane(trigger: PlannedTrigger): MemoryLane {
    let found = this.#inMemory.get(trigger.lane)
    if (found === undefined) {
      const queue = new EventQueue(this.#needs.queuedEvents, ({ id }, why) => this.#drop(id, why))
      found = { queue, lane: new Lane(trigger, queue, this.#laneNeeds) }
      this.#inMemory.set(trigger.lane, found)
    }
    return found
  }

  async #call(trigger: PlannedTrigger, events: readonly HeldEvent[]): Promise<Outcome> {
    const { post } = this
    if (post === null) return { type: 'not-begun', busy: false }
    const { instance, pool, triggers } = post.way
    if (!triggers.some(({ lane }) => lane === trigger.lane)) return { type: 'unfit', why: noTrigger }
    const deadlineMs = this.#leftMs(events)
    if (deadlineMs !== undefined && deadlineMs <= 0) return { type: 'unfit', why: 'its time was over' }
    let args: readonly unknown[]
    try {
      args = trigger.args(
        events.map(({ id, payload, attempts }) => ({ payload, facts: { id, attempt: attempts + 1 } })),
      )
    } catch (error) {
      return { type: 'unfit', why: messageOf(error) }
    }
    post.underWay += 1
    this.#counts.taken += events.length
    try {
      const terms = deadlineMs === undefined ? undefined : { deadlineMs }
      await unlessResolved(pool.call(trigger.target, args, terms), pool.ended, endedUnderEvent)
      this.#counts.handled += events.length
      for (const { id } of events) this.#counts.lastId = Math.max(this.#counts.lastId, id)
      this.#needs.handled(instance)
      return { type: 'handled' }
    } catch (error) {
      return this.#failed(trigger, events, instance, error)
    } finally {
      this.done(post)
    }
  }

  /** What is left of the time of those that have one, ms. */
  #leftMs(events: readonly HeldEvent[]): number | undefined {
    const ends = events.flatMap(({ untilMs }) => untilMs ?? [])
    return ends.length === 0 ? undefined : Math.min(...ends) - this.#needs.clock.monotonicMs()
  }

  #failed(trigger: PlannedTrigger, events: readonly HeldEvent[], instance: number, error: unknown): Outcome {
    const isBrief = events.some(({ untilMs }) => untilMs !== undefined)
    const isPromised = trigger.terms.promise === 'at-least-once' && !isBrief
    if (error instanceof WitError) {
      this.#counts.failed += events.length
      for (const { id } of events) this.#needs.refused(id, error.payload)
      // At most once it was handled, whatever came of it.
      if (!isPromised) return { type: 'handled' }
      return { type: 'failed', why: `it was answered with an error: ${payloadText(error.payload)}` }
    }
    // No instance ever had it, and none of these will.
    const isNotBegun = isSelvedgeError(error, 'ERR_APP_NOT_BEGUN')
    // The node ended the instance: nothing is known against the event.
    const isOurs = isPromised && (isSelvedgeError(error, 'ERR_APP_STOPPED') || error instanceof Stopped)
    const isBusy = isSelvedgeError(error, 'ERR_APP_BUSY')
    if (isNotBegun || isOurs || isBusy) {
      this.#counts.taken -= events.length
      if (!isBusy) this.detach(instance)
      return { type: 'not-begun', busy: isBusy }
    }
    return { type: 'failed', why: messageOf(error) }
  }

  #drop(id: number, why: string): void {
    this.#counts.dropped += 1
    this.#needs.log.warn('event:dropped', { id, why })
  }
}

/** One at a time in order needs one line; several at once only keep the order of each key. */
function keyOf({ terms }: PlannedTrigger, { key }: TriggerEvent): string | null {
  if (terms.batch !== null) return null
  if (terms.promise === 'at-most-once' && terms.concurrency === 1) return null
  return terms.concurrency === 1 ? '' : (key ?? null)
}

function noNumber(): Error {
  return triggerProblems.error('ERR_TRIGGER_EVENT', 'no number could be given to an event')
}

const noTrigger = 'the release has no trigger for it'

class Stopped extends Error {}

function endedUnderEvent({ reason, message }: Incident): Error {
  const text = `the instance ended (${reason}): ${message}`
  return reason === 'stopped' ? new Stopped(text) : new Error(text)
}
