/**
 * Does for one app what its machine decides, and tells the machine what came of it. Effects only: fetching and
 * preparing, instances, triggers, the queue of events, one timer.
 */
import {
  delay,
  type Cancel,
  type Clock,
  type Digest,
  type DurableFolder,
  type Log,
  type Random,
} from '../../core/index.ts'
import type { AppStatus, LocalApp } from '../api/index.ts'
import type { Devices } from '../devices/index.ts'
import { supportedFeatures, type Engine, type Incident } from '../engine/index.ts'
import { grantedNames } from '../interfaces/index.ts'
import type { Storage } from '../storage/index.ts'
import { EventCounter, httpTriggerKind, planTriggers, type TriggerContext } from '../triggers/index.ts'
import { Acquisition, type FetchComponent } from './acquisition.ts'
import type { AppLog } from './app-log.ts'
import { AppReporter } from './app-reporter.ts'
import { idleMachine, step, wakeAt } from './app-machine.ts'
import type { AppAction, AppEvent, AppMachine, Doubt } from './app-state.ts'
import { statusOf } from './app-status.ts'
import { Delivery } from './delivery.ts'
import type { Ingress } from '../http/index.ts'
import { AppIngress, ingressInto } from './ingress.ts'
import { Instances, only, type Instance } from './instances.ts'
import type { FolderSpaces } from './folder-space.ts'
import type { NodeFolders } from './folders.ts'
import { holdingsOf } from './holdings.ts'
import { doubtOf, LifeMark, type Suspicion } from './life-marks.ts'
import { forgetLastGood, readLastGood, writeLastGood } from './last-good.ts'
import { judge, namesOf, reasonOf, reasonOfEnd, type DesiredRelease, type Verdict } from './release.ts'
import { SwapMeter } from './swap-meter.ts'
import { TriggerSet } from './trigger-set.ts'

/** A release that has lived so long is suspected of a node's death no more than the others. */
const settledAfterMs = 10_000

/** What the last event gets when the node stops; its daemon has 5 s for everything. */
const lastEventMs = 1_000

export interface AppRunnerNeeds {
  readonly engine: Engine
  readonly devices: Devices
  /** Named by the node's owner for apps that are granted them. */
  readonly folders: NodeFolders
  /** How much is in them, and may be. */
  readonly spaces: FolderSpaces
  readonly storage: Storage
  readonly fetchComponent: FetchComponent
  /** A release of the log by its digest, if it may still be run; null where it is not there any more. */
  recall(digest: Digest): DesiredRelease | null
  readonly folder: DurableFolder
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  readonly appLog: AppLog
  /** The node owner's settings for this app. */
  readonly overlay: Readonly<Record<string, string>>
  readonly queuedEvents: number
  /** That the node died of this app before it was started now; null where it stopped as it should. */
  readonly suspicion: Suspicion | null
  /** Of this run of the machine; see `life-marks.ts`. */
  readonly boot: string | null
  /** Told when `status` has changed. */
  changed(): void
}

export class AppRunner {
  readonly app: string
  readonly #needs: AppRunnerNeeds
  readonly #report: AppReporter
  readonly #acquisition: Acquisition
  readonly #instances: Instances
  readonly #delivery: Delivery
  readonly #ingress: AppIngress
  #hasHttp = false
  readonly #triggers = new TriggerSet()
  readonly #meter = new SwapMeter()
  readonly #features = supportedFeatures()
  readonly #mark: LifeMark
  #machine: AppMachine = idleMachine
  #desired: DesiredRelease
  #counter: EventCounter | null = null
  #starting: Promise<void> | null = null
  #stopping: Promise<void> | null = null
  #isReady = false
  #isStopping = false
  #isStopped = false
  #cancelWake: Cancel | null = null
  #cancelSettle: Cancel | null = null
  readonly #events: AppEvent[] = []
  #lastStatus = ''

  constructor(desired: DesiredRelease, needs: AppRunnerNeeds) {
    this.app = desired.record.app
    this.#desired = desired
    this.#needs = needs
    this.#report = new AppReporter(this.app, needs.log, needs.appLog)
    this.#mark = new LifeMark(needs.folder, this.app, needs.boot, (error) =>
      this.#report.notWritten('the mark of a running app', error),
    )
    this.#acquisition = new Acquisition({ ...needs, dispatch: (event) => this.#dispatch(event) })
    this.#instances = new Instances(needs)
    this.#ingress = new AppIngress((message) =>
      this.#report.requestFailed(this.#machine.current?.release.record.version ?? '', message),
    )
    this.#delivery = new Delivery(
      {
        log: needs.log,
        nextId: () => this.#counter?.next() ?? null,
        handled: (instance) => {
          this.#meter.handled(needs.clock.monotonicMs())
          if (this.#machine.kept !== null) this.#dispatch({ type: 'handled', instance })
        },
        refused: (id, payload) =>
          this.#report.eventFailed(this.#machine.current?.release.record.version ?? '', id, payload),
      },
      needs.queuedEvents,
    )
  }

  /** Takes up the ids where they were left, and the release that last ran here, then the desired one. */
  start(): Promise<void> {
    this.#starting ??= this.#start()
    return this.#starting
  }

  async #start(): Promise<void> {
    const { folder, clock, recall } = this.#needs
    this.#counter = await EventCounter.open(folder, this.app, clock, (error) =>
      this.#report.notWritten('the mark of event ids', error),
    )
    const lastGood = await readLastGood(folder, this.app)
    if (this.#isStopping) return
    this.#isReady = true
    const before = lastGood === null || lastGood === this.#desired.digest ? null : recall(lastGood)
    if (before !== null && this.#judge(before).may === 'run') {
      this.#dispatch({ type: 'restored', release: before, doubt: this.#doubtOf(before) })
    }
    this.#tellDesired()
  }

  /** The mesh wants this release; may be called at any time. */
  desire(release: DesiredRelease): void {
    if (release.digest === this.#desired.digest) return
    this.#desired = release
    if (this.#isReady) this.#tellDesired()
  }

  status(): AppStatus | null {
    const { next } = this.#machine
    const progress = next === null ? null : this.#acquisition.progressOf(next.release.digest)
    return statusOf(this.#machine, progress?.share ?? null)
  }

  /** For requests from outside; null where the app has no http trigger. */
  ingress(): Ingress | 'down' | null {
    return this.#hasHttp ? (this.#ingress.current ?? 'down') : null
  }

  local(): LocalApp | null {
    const status = this.status()
    const shown = this.#machine.current ?? this.#machine.next
    if (status === null || shown === null) return null
    const { lastIncident } = this.#instances.usage
    return {
      ...status,
      digest: shown.release.digest,
      grants: shown.release.record.grants,
      events: this.#delivery.counts,
      restarts: shown.restarts,
      ...(lastIncident !== null && { lastIncident }),
      lastSwap: this.#meter.report,
      usage: this.#instances.report(),
      storage: holdingsOf(shown.release.record, this.#needs.storage, this.#needs.spaces),
      fetchedBytes: this.#acquisition.progressOf(shown.release.digest)?.fetchedBytes ?? 0,
    }
  }

  /** Ends everything; an event under way is lost with its instance. @param forget the app is not to come back */
  async stop(forget = false): Promise<void> {
    // Whoever asks again waits too: files and devices are free only when it has ended.
    this.#stopping ??= this.#stop()
    await this.#stopping
    if (forget) await forgetLastGood(this.#needs.folder, this.app)
  }

  async #stop(): Promise<void> {
    this.#isStopping = true
    await this.#starting
    this.#triggers.stop()
    this.#ingress.close()
    // What is under way may end as it would have.
    const answered = new AbortController()
    const tooLate = delay(this.#needs.clock, lastEventMs, answered.signal).catch(() => {})
    await Promise.race([this.#delivery.stop(), tooLate])
    answered.abort()
    this.#isStopped = true
    this.#cancelWake?.()
    this.#acquisition.keepOnly([])
    this.#cancelSettle?.()
    await this.#instances.stopAll()
    await this.#mark.clear()
    await this.#counter
      ?.stop()
      .catch((error: unknown) => this.#report.notWritten('the mark of event ids', error))
  }

  #judge({ record }: DesiredRelease): Verdict {
    return judge(record, namesOf(this.#needs.devices, this.#needs.folders), this.#features)
  }

  #tellDesired(): void {
    const release = this.#desired
    const { record, digest } = release
    const verdict = this.#judge(release)
    if (this.#machine.current?.release.digest !== digest)
      this.#meter.announced(this.#needs.clock.monotonicMs())
    this.#report.judged(record, verdict)
    this.#dispatch({ type: 'desired', release, verdict, doubt: this.#doubtOf(release) })
  }

  #isSuspect({ digest }: DesiredRelease): boolean {
    return this.#needs.suspicion?.digest === digest
  }

  #doubtOf(release: DesiredRelease): Doubt | null {
    const { suspicion } = this.#needs
    if (suspicion === null || !this.#isSuspect(release)) return null
    const doubt = doubtOf(release, suspicion)
    this.#report.suspected(release.record, doubt.reason)
    const { message } = doubt.reason
    this.#instances.usage.incident({ time: this.#needs.clock.now(), reason: 'crash', message, lines: [] })
    return doubt
  }

  /** One event after the other: what an action reports at once waits until all actions of its event are done. */
  #dispatch(event: AppEvent): void {
    this.#events.push(event)
    if (this.#events.length > 1) return
    for (let next = this.#events[0]; next !== undefined; next = this.#events[0]) {
      if (!this.#isStopped) this.#take(next)
      this.#events.shift()
    }
  }

  #take(event: AppEvent): void {
    const { clock, random } = this.#needs
    const now = { wallMs: clock.now(), monotonicMs: clock.monotonicMs() }
    const before = this.#machine
    const { machine, actions } = step(before, event, now, random)
    this.#machine = machine
    for (const action of actions) this.#act(action, before)
    const wakeMs = wakeAt(machine)
    this.#report.failed(event, wakeMs === null ? null : wakeMs - now.monotonicMs)
    this.#wake()
    this.#tellChange()
  }

  #act(action: AppAction, before: AppMachine): void {
    switch (action.type) {
      case 'fetch':
        return void this.#acquisition.fetch(action.release)
      case 'prepare':
        return void this.#acquisition.prepare(action.release)
      case 'start':
        return void this.#startInstance(action.release, action.instance)
      case 'check':
        return void this.#check(action.instance)
      case 'switch':
        return this.#switch(action.release, action.instance, before)
      case 'retire':
        return void this.#retire(action.instance)
      case 'abandon':
        return this.#acquisition.abandon(action.release.digest)
    }
  }

  async #startInstance(release: DesiredRelease, instance: number): Promise<void> {
    const prepared = this.#acquisition.preparedOf(release.digest)
    try {
      if (prepared === null) throw new Error('the prepared release is not there')
      const answers = hasHttpTrigger(release)
      const isConfined = this.#isSuspect(release)
      if (isConfined || release.record.instances?.isolation === 'process') await this.#mark.clear()
      else await this.#mark.set(release.digest, 'starting')
      await this.#instances.start(instance, release, prepared, answers, isConfined, (incident) =>
        this.#ended(instance, incident),
      )
      if (this.#isStopped) return await this.#instances.stop(instance)
      this.#dispatch({ type: 'started', instance })
    } catch (error) {
      const reason = reasonOf(error)
      const step = prepared === null || reason.code === 'ERR_CACHE_ENTRY' ? 'prepare' : 'start'
      this.#dispatch({ type: 'start-failed', instance, reason, step })
    }
  }

  /** The instance was made; that it is still there after a turn of the loop is all we ask of it for now. */
  async #check(instance: number): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve))
    if (this.#instances.get(instance) !== null) this.#dispatch({ type: 'checked', instance })
  }

  #switch(release: DesiredRelease, number: number, before: AppMachine): void {
    const instance = this.#instances.get(number)
    if (instance === null) return
    const { record, digest } = release
    const planned = planTriggers(record.triggers, record.grants)
    const targets = new Set(planned.map(({ target }) => target))
    this.#delivery.attach({ instance: number, pool: instance.pool, targets })
    this.#triggers.replace(planned, this.#triggerContext(release))
    this.#switchIngress(release, instance)
    for (const { firesAtStart, target } of planned) {
      if (firesAtStart) this.#delivery.push({ target, args: () => [] })
    }
    this.#report.running(record, number)
    this.#livesOn(release)
    const old = before.current?.release
    if (old?.digest === digest) return this.#instances.usage.restarted()
    if (old !== undefined)
      this.#meter.switched(old.record.version, record.version, this.#needs.clock.monotonicMs())
    this.#acquisition.keepOnly([digest])
    void writeLastGood(this.#needs.folder, this.app, digest).catch((error: unknown) =>
      this.#report.notWritten('the release that ran last', error),
    )
  }

  /** It no longer counts as starting when it has lived a while: the node dies soonest of what is new. */
  #livesOn(release: DesiredRelease): void {
    if (this.#isSuspect(release) || release.record.instances?.isolation === 'process') return
    this.#cancelSettle?.()
    this.#cancelSettle = this.#needs.clock.after(settledAfterMs, () => {
      if (this.#machine.current?.release.digest === release.digest)
        void this.#mark.set(release.digest, 'running')
    })
  }

  #switchIngress(release: DesiredRelease, { number, pool }: Instance): void {
    this.#hasHttp = hasHttpTrigger(release)
    const exports = this.#acquisition.preparedOf(release.digest)?.facts.exports ?? []
    const ingress = this.#hasHttp ? ingressInto(this.app, pool, exports) : null
    if (ingress === null) this.#ingress.close()
    else this.#ingress.attach(number, ingress)
  }

  #triggerContext({ record }: DesiredRelease): TriggerContext {
    const { clock, devices } = this.#needs
    return {
      sensors: only(devices.sensors, grantedNames(record.grants, 'sensor')),
      clock,
      emit: (event) => this.#delivery.push(event),
      failed: ({ code, message }) => this.#report.triggerFailed(code, message),
    }
  }

  async #retire(instance: number): Promise<void> {
    this.#delivery.detach(instance)
    this.#ingress.detach(instance)
    await Promise.all([this.#delivery.idle(instance), this.#ingress.idle(instance)])
    await this.#instances.stop(instance)
  }

  #ended(instance: number, incident: Incident): void {
    this.#delivery.detach(instance)
    this.#ingress.detach(instance)
    this.#dispatch({ type: 'ended', instance, reason: reasonOfEnd(incident, this.app) })
  }

  #wake(): void {
    this.#cancelWake?.()
    const atMs = wakeAt(this.#machine)
    if (atMs === null) return void (this.#cancelWake = null)
    const waitMs = Math.max(0, atMs - this.#needs.clock.monotonicMs())
    this.#cancelWake = this.#needs.clock.after(waitMs, () => this.#dispatch({ type: 'tick' }))
  }

  #tellChange(): void {
    const status = JSON.stringify(this.status())
    if (status === this.#lastStatus) return
    this.#lastStatus = status
    this.#needs.changed()
  }
}

function hasHttpTrigger({ record }: DesiredRelease): boolean {
  return record.triggers.some(({ kind }) => kind === httpTriggerKind)
}
