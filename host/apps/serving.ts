/**
 * The ways into an app, and which of its instances is behind them: events of its triggers, and requests over HTTP. A
 * switch to another instance takes both along; the old one answers what it has begun.
 */
import {
  delay,
  isSelvedgeError,
  type Clock,
  type DurableFolder,
  type Log,
  type Random,
} from '../../core/index.ts'
import type { ComponentFacts } from '../engine/index.ts'
import type { Ingress } from '../http/index.ts'
import { grantedNames } from '../interfaces/index.ts'
import { httpTriggerKind, planTriggers, type PlannedTrigger, type TriggerContext } from '../triggers/index.ts'
import type { AppReporter } from './app-reporter.ts'
import { Delivery, type EventCounts } from './delivery.ts'
import type { DurableEvents } from './durable-events.ts'
import { CheckedCalls } from './checked-calls.ts'
import { AppFunctions, type CallFunction } from './functions.ts'
import { AppIngress, ingressInto } from './ingress.ts'
import { only, type Instance } from './instances.ts'
import type { DesiredRelease } from './release.ts'
import { keyValueOf, type AppServices } from './services.ts'
import { triggerMemory } from './trigger-memory.ts'
import { TriggerSet } from './trigger-set.ts'

export interface ServingNeeds extends AppServices {
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  /** What triggers keep over a restart. */
  readonly folder: DurableFolder
  readonly queuedEvents: number
  readonly report: AppReporter
  /** The next event id, or null where none can be given. */
  nextId(): number | null
  /** See `DeliveryNeeds`. */
  beginsAt(): number
  /** Of the release that runs, for the log. */
  version(): string
  /** An instance answered an event. */
  handled(instance: number): void
}

export class Serving {
  readonly #app: string
  readonly #needs: ServingNeeds
  readonly #delivery: Delivery
  readonly #ingress: AppIngress
  readonly #functions: AppFunctions
  readonly #triggers = new TriggerSet()
  #hasHttp = false

  constructor(app: string, needs: ServingNeeds) {
    const { report } = needs
    this.#app = app
    this.#needs = needs
    this.#ingress = new AppIngress((message) => report.requestFailed(needs.version(), message))
    this.#functions = new AppFunctions(needs.clock)
    this.#delivery = new Delivery({
      ...needs,
      app,
      nextId: () => needs.nextId(),
      beginsAt: () => needs.beginsAt(),
      handled: (instance) => needs.handled(instance),
      refused: (id, payload) => report.eventFailed(needs.version(), id, payload),
      died: (id, why) => report.eventDied(needs.version(), id, why),
      queueFailed: (error) => report.queueFailed(error),
    })
  }

  /** What must be handled at least once, and what was given up. */
  get events(): DurableEvents {
    return this.#delivery.durable
  }

  get counts(): EventCounts {
    return this.#delivery.counts
  }

  /** For requests from outside; null where the app has no http trigger. */
  get ingress(): Ingress | 'down' | null {
    return this.#hasHttp ? (this.#ingress.current ?? 'down') : null
  }

  /** For calls of its functions; null while no instance takes them. */
  get functions(): CallFunction | null {
    return this.#functions.call
  }

  /** Resolves when it answers no request and no call any more. */
  async quiet(): Promise<void> {
    await Promise.all([this.#ingress.quiet(), this.#functions.quiet()])
  }

  /** Events, requests and calls go to this instance from the next one on. @param facts of its component */
  switchTo(
    { number, pool, release }: Instance,
    { exports, functions }: Pick<ComponentFacts, 'exports' | 'functions'>,
  ): void {
    const { triggers, grants } = release.record
    const planned = planTriggers(triggers, grants)
    this.#delivery.receive({ instance: number, release: release.digest, pool, triggers: planned })
    this.#triggers.replace(planned, (trigger) => this.#triggerContext(release, trigger))
    this.#functions.attach(number, { pool, functions: new CheckedCalls(this.#app, functions) })
    this.#hasHttp = hasHttpTrigger(release)
    const ingress = this.#hasHttp ? ingressInto(this.#app, pool, exports) : null
    if (ingress === null) this.#ingress.close()
    else this.#ingress.attach(number, ingress)
    for (const trigger of planned) {
      if (trigger.firesAtStart) this.#delivery.push(trigger, { payload: null })
    }
  }

  /** It gets nothing more. */
  detach(instance: number): void {
    this.#delivery.detach(instance)
    this.#ingress.detach(instance)
    this.#functions.detach(instance)
  }

  /** Resolves when it has answered what it had. */
  async idle(instance: number): Promise<void> {
    await Promise.all([
      this.#delivery.idle(instance),
      this.#ingress.idle(instance),
      this.#functions.idle(instance),
    ])
  }

  /** Nothing comes any more, and what is under way gets a while to end as it would have. */
  async stop(graceMs: number): Promise<void> {
    this.#triggers.stop()
    this.#ingress.close()
    this.#functions.close()
    const answered = new AbortController()
    const tooLate = delay(this.#needs.clock, graceMs, answered.signal).catch(() => {})
    const ended = [this.#delivery.stop(), this.#ingress.allIdle(), this.#functions.allIdle()]
    await Promise.race([Promise.all(ended), tooLate])
    answered.abort()
  }

  /** After the instances are gone: what is on the disk is let go of. */
  async end(): Promise<void> {
    await this.#delivery.end()
  }

  #triggerContext({ record }: DesiredRelease, trigger: PlannedTrigger): TriggerContext {
    const { clock, random, devices, folder, report, storage } = this.#needs
    const failed: TriggerContext['failed'] = ({ code, message }) => report.triggerFailed(code, message)
    return {
      app: this.#app,
      lane: trigger.lane,
      sensors: only(devices.sensors, grantedNames(record.grants, 'sensor')),
      pins: only(devices.pins, grantedNames(record.grants, 'pin')),
      changes: trigger.kind === 'keyvalue' ? keyValueOf(this.#needs, record) : null,
      objects: trigger.kind === 'blob' ? storage.blobs(this.#app) : null,
      peers: this.#needs.peers ?? null,
      topics: this.#needs.topics ?? null,
      clock,
      random,
      memory: triggerMemory(folder, this.#app, trigger.lane),
      emit: (event) => {
        // One that could not be taken is counted and named where that is found.
        void this.#delivery.offer(trigger, event).catch((error: unknown) => {
          if (!isSelvedgeError(error)) report.queueFailed(error)
        })
      },
      offer: (event) => this.#delivery.offer(trigger, event),
      failed,
    }
  }
}

export function hasHttpTrigger({ record }: DesiredRelease): boolean {
  return record.triggers.some(({ kind }) => kind === httpTriggerKind)
}
