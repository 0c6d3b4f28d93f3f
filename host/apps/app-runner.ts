/**
 * Does for one app what its machine decides, and tells the machine what came of it. Effects only: fetching and
 * preparing, instances, triggers, the queue of events, one timer.
 */
import type { Cancel, Clock, Digest, DurableFolder, Log, Random } from '../../core/index.ts'
import type { AppStatus, LocalApp, Transfer } from '../api/index.ts'
import { supportedFeatures, type Engine, type Incident } from '../engine/index.ts'
import { fitted, measureCapabilities, type Capabilities } from '../fit/index.ts'
import { EventCounter } from '../triggers/index.ts'
import { Acquisition, type FetchComponent } from './acquisition.ts'
import type { AppLog } from './app-log.ts'
import { appEvents, type AppEvents } from './app-events.ts'
import { AppReporter } from './app-reporter.ts'
import { beginsAt, idleMachine, step, wakeAt } from './app-machine.ts'
import type { AppAction, AppEvent, AppMachine, Phase } from './app-state.ts'
import { statusOf } from './app-status.ts'
import type { Ingress } from '../http/index.ts'
import type { CallFunction } from './functions.ts'
import { instanceRules } from './instance-policy.ts'
import { Instances } from './instances.ts'
import type { FolderSpaces } from './folder-space.ts'
import { holdingsOf } from './holdings.ts'
import { LifeWatch, type LifeWatchNeeds } from './life-watch.ts'
import { forgetLastGood, readLastGood, writeLastGood } from './last-good.ts'
import { judge, namesOf, reasonOf, reasonOfEnd, type DesiredRelease, type Verdict } from './release.ts'
import type { AppServices } from './services.ts'
import { hasHttpTrigger, Serving } from './serving.ts'
import { SwapMeter } from './swap-meter.ts'
import { forgetTriggers } from './trigger-memory.ts'

export interface AppRunnerNeeds extends LifeWatchNeeds, AppServices {
  readonly engine: Engine
  /** How much is in them, and may be. */
  readonly spaces: FolderSpaces
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
  /** What this node's machine can give; what is found out about it where it is left out. */
  readonly capabilities?: Capabilities
  /** Told when `status` has changed. */
  changed(): void
  /** Told when nothing has changed but how much of a component is here. */
  moved(): void
}

const beginning: ReadonlySet<Phase> = new Set(['preparing', 'starting', 'checking'])

/** What is under way when the node stops gets this, ms: its daemon has 5 s for everything. */
const stoppingMs = 1_000
/** The same where only the app goes, as to another node. */
const leavingMs = 10_000

export class AppRunner {
  readonly app: string
  /** The name of its place on this node. */
  readonly instance: string | null
  readonly #needs: AppRunnerNeeds
  readonly #report: AppReporter
  readonly #acquisition: Acquisition
  readonly #instances: Instances
  readonly #serving: Serving
  readonly #meter = new SwapMeter()
  readonly #capabilities: Capabilities
  readonly #life: LifeWatch
  #machine: AppMachine = idleMachine
  #desired: DesiredRelease
  #counter: EventCounter | null = null
  #starting: Promise<void> | null = null
  #stopping: Promise<void> | null = null
  #isReady = false
  #isStopping = false
  #isStopped = false
  #cancelWake: Cancel | null = null
  readonly #events: AppEvent[] = []
  #lastStatus = ''

  constructor(desired: DesiredRelease, needs: AppRunnerNeeds) {
    this.app = desired.record.app
    this.instance = desired.instance ?? null
    this.#capabilities = needs.capabilities ?? measureCapabilities({ features: supportedFeatures() })
    this.#desired = this.#fitted(desired)
    this.#needs = needs
    this.#report = new AppReporter(this.app, needs.log, needs.appLog)
    this.#acquisition = new Acquisition({ ...needs, dispatch: (event) => this.#dispatch(event) })
    this.#instances = new Instances(needs)
    this.#life = new LifeWatch(this.app, needs, this.#report, this.#instances.usage)
    this.#serving = new Serving(this.app, {
      ...needs,
      report: this.#report,
      nextId: () => this.#counter?.next() ?? null,
      beginsAt: () => beginsAt(this.#machine),
      version: () => this.#machine.current?.release.record.version ?? '',
      handled: (instance) => {
        this.#meter.handled(needs.clock.monotonicMs())
        if (this.#machine.kept !== null) this.#dispatch({ type: 'handled', instance })
      },
    })
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
    const recalled = lastGood === null || lastGood === this.#desired.digest ? null : recall(lastGood)
    const before = recalled === null ? null : this.#fitted({ ...recalled, instance: this.instance })
    if (before !== null && this.#judge(before).may === 'run') {
      this.#dispatch({ type: 'restored', release: before, doubt: this.#life.doubtOf(before) })
    }
    this.#tellDesired()
  }

  /** The mesh wants this release; may be called at any time. */
  desire(release: DesiredRelease): void {
    if (release.digest === this.#desired.digest) return
    this.#desired = this.#fitted(release)
    if (this.#isReady) this.#tellDesired()
  }

  /** Its way from this node's disk to an instance is not at its end yet. @param ran what ran here before the node started */
  isBeginning(ran: Digest | undefined): boolean {
    if (!this.#isReady) return !this.#isStopping
    const slot = this.#machine.current ?? this.#machine.next
    if (slot === null) return false
    const { phase, release } = slot
    // What ran is here; another release may have to be fetched from somebody.
    return phase === 'fetching' ? release.digest === ran : beginning.has(phase)
  }

  status(): AppStatus | null {
    return statusOf(this.#machine, this.#acquisition)
  }

  transferOf(release: Digest): Transfer | null {
    return this.#acquisition.transferOf(release)
  }

  /** For requests from outside; null where the app has no http trigger. */
  ingress(): Ingress | 'down' | null {
    return this.#serving.ingress
  }

  /** For calls of its functions; null while no instance takes them. */
  functions(): CallFunction | null {
    return this.#serving.functions
  }

  /** Those that must be handled at least once. */
  events(): AppEvents {
    return appEvents(this.#serving.events)
  }

  /** Resolves when it answers no request and no call any more. */
  quiet(): Promise<void> {
    return this.#serving.quiet()
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
      events: this.#serving.counts,
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
    this.#stopping ??= this.#stop(forget ? leavingMs : stoppingMs)
    await this.#stopping
    if (!forget) return
    await forgetLastGood(this.#needs.folder, this.app)
    await forgetTriggers(this.#needs.folder, this.app)
    await this.#serving.events.forget()
  }

  async #stop(graceMs: number): Promise<void> {
    this.#isStopping = true
    await this.#starting
    await this.#serving.stop(graceMs)
    this.#isStopped = true
    this.#cancelWake?.()
    this.#acquisition.keepOnly([])
    this.#life.settleNoMore()
    await this.#instances.stopAll()
    await this.#serving.end()
    await this.#life.ended()
    await this.#counter
      ?.stop()
      .catch((error: unknown) => this.#report.notWritten('the mark of event ids', error))
  }

  /** The release with the one of its components that this node runs. */
  #fitted(release: DesiredRelease): DesiredRelease {
    return { ...release, ...fitted(release.record, this.#capabilities) }
  }

  #judge({ record }: DesiredRelease): Verdict {
    const { devices, engine, folders } = this.#needs
    // How many it may have at most is of no matter here.
    const { isolation, shape } = instanceRules(record, false)
    const size = { memoryBytes: record.limits.memoryBytes, isolation, instances: shape.min }
    const tooLarge = engine.refusalOfSize(this.app, size)
    if (tooLarge !== null) return { may: 'never', reason: reasonOf(tooLarge) }
    return judge(record, namesOf(devices, folders), this.#capabilities)
  }

  #tellDesired(): void {
    const release = this.#desired
    const { record, digest } = release
    const verdict = this.#judge(release)
    if (this.#machine.current?.release.digest !== digest)
      this.#meter.announced(this.#needs.clock.monotonicMs())
    this.#report.judged(record, verdict)
    this.#dispatch({ type: 'desired', release, verdict, doubt: this.#life.doubtOf(release) })
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
      await this.#life.starts(release)
      const isConfined = this.#life.isSuspect(release)
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
    this.#serving.switchTo(instance, this.#acquisition.preparedOf(digest)?.facts ?? { exports: [] })
    this.#report.running(record, number)
    this.#life.lives(release, () => this.#machine.current?.release.digest === digest)
    const old = before.current?.release
    if (old?.digest === digest) return this.#instances.usage.restarted()
    if (old !== undefined)
      this.#meter.switched(old.record.version, record.version, this.#needs.clock.monotonicMs())
    this.#acquisition.keepOnly([digest])
    void writeLastGood(this.#needs.folder, this.app, digest).catch((error: unknown) =>
      this.#report.notWritten('the release that ran last', error),
    )
  }

  async #retire(instance: number): Promise<void> {
    this.#serving.detach(instance)
    await this.#serving.idle(instance)
    await this.#instances.stop(instance)
  }

  #ended(instance: number, incident: Incident): void {
    this.#serving.detach(instance)
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
