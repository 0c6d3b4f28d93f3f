/**
 * Keeps the apps of this node as the mesh wants them: one runner for each app that is placed here.
 *
 * What is wanted may change at any time; what is done about it follows in the background and shows in `status`.
 */
import type { Cancel, Digest, Part } from '../../core/index.ts'
import type { AppStatus, LocalApp, Transfer } from '../api/index.ts'
import type { Ingress } from '../http/index.ts'
import type { AppEvents } from './app-events.ts'
import { AppRunner, type AppRunnerNeeds } from './app-runner.ts'
import type { CallFunction } from './functions.ts'
import { countFolder } from './folder-count.ts'
import { FolderSpaces } from './folder-space.ts'
import { readAllLastGood } from './last-good.ts'
import { readBootId, readSuspicions, type Suspicion } from './life-marks.ts'
import { placedHere, type DesiredRelease } from './release.ts'

/** Apps that one node runs; each has a worker of its own. */
const maxApps = 256

export interface AppSupervisorNeeds extends Omit<
  AppRunnerNeeds,
  'overlay' | 'changed' | 'moved' | 'suspicion' | 'boot' | 'spaces'
> {
  /** Of this node, by its certificate. */
  readonly groups: readonly string[]
  /** The node owner's settings by app, as the TOML's `[apps.NAME.config]` has them. */
  readonly overlays: Readonly<Record<string, { readonly config: Readonly<Record<string, string>> }>>
}

export interface AppSupervisor extends Part {
  /** The newest release of every app of the mesh; those placed elsewhere are ignored, apps not among them end. */
  setDesired(releases: readonly DesiredRelease[]): void
  /** By app name. */
  status(): readonly AppStatus[]
  local(): readonly LocalApp[]
  /** How the component of a release came or comes; null for what did not since the node started. */
  transferOf(app: string, release: Digest): Transfer | null
  /** The way into an app over HTTP; `down` while none of its instances takes requests, null where it has no trigger. */
  ingressOf(app: string): Ingress | 'down' | null
  /** The way to its functions; null while none of its instances here takes calls. */
  functionsOf(app: string): CallFunction | null
  /** Its events that must be handled at least once; null where it does not run here. */
  eventsOf(app: string): AppEvents | null
  /** What ran here last, before this start of the node, by app; empty before {@link start}. */
  readonly ranBefore: ReadonlyMap<string, Digest>
  /** Some app is on its way from this node's disk to its first instance, or to its first event. */
  readonly isBeginning: boolean
  /** Ends an app and keeps it from starting. @returns what lets it start again, once it has ended */
  hold(app: string): Promise<() => void>
  /** Resolves when nothing of it answers a request or a call here any more. */
  idle(app: string): Promise<void>
  /** Calls `listener` when `status` has changed, until cancelled; not for progress alone. */
  onChange(listener: () => void): Cancel
  /** Calls `listener` when a component has come a good deal nearer, until cancelled. */
  onProgress(listener: () => void): Cancel
  start(): Promise<void>
  stop(): Promise<void>
}

/** Runs what {@link AppSupervisor.setDesired} wants; nothing starts before `start`. */
export function createAppSupervisor(needs: AppSupervisorNeeds): AppSupervisor {
  return new Supervisor(needs)
}

class Supervisor implements AppSupervisor {
  readonly name = 'apps'
  readonly #needs: AppSupervisorNeeds
  readonly #spaces: FolderSpaces
  readonly #runners = new Map<string, AppRunner>()
  /** The end of each app's former runner: the next one waits for it, they share files. */
  readonly #ending = new Map<string, Promise<void>>()
  /** Apps that are not to run for a moment, whatever is desired; by how many hold them. */
  readonly #held = new Map<string, number>()
  readonly #listeners = new Set<() => void>()
  readonly #watchers = new Set<() => void>()
  #desired: readonly DesiredRelease[] = []
  /** What the node may have died of before this start, by app. */
  #suspicions: ReadonlyMap<string, Suspicion> = new Map()
  #boot: string | null = null
  ranBefore: ReadonlyMap<string, Digest> = new Map()
  #isStarted = false

  constructor(needs: AppSupervisorNeeds) {
    this.#needs = needs
    this.#spaces = new FolderSpaces({ folders: needs.folders, clock: needs.clock, count: countFolder })
  }

  async start(): Promise<void> {
    if (this.#isStarted) return
    this.#boot = await readBootId()
    this.#suspicions = await readSuspicions(this.#needs.folder, this.#boot)
    this.ranBefore = await readAllLastGood(this.#needs.folder)
    this.#isStarted = true
    this.#reconcile()
  }

  async stop(): Promise<void> {
    this.#isStarted = false
    for (const runner of this.#runners.values()) this.#end(runner, false)
    await Promise.all(this.#ending.values())
    this.#ending.clear()
  }

  setDesired(releases: readonly DesiredRelease[]): void {
    this.#desired = releases
    if (this.#isStarted) this.#reconcile()
  }

  get isBeginning(): boolean {
    return [...this.#runners.values()].some((runner) => runner.isBeginning(this.ranBefore.get(runner.app)))
  }

  status(): readonly AppStatus[] {
    return this.#inOrder().flatMap((runner) => runner.status() ?? [])
  }

  local(): readonly LocalApp[] {
    return this.#inOrder().flatMap((runner) => runner.local() ?? [])
  }

  transferOf(app: string, release: Digest): Transfer | null {
    return this.#runners.get(app)?.transferOf(release) ?? null
  }

  ingressOf(app: string): Ingress | 'down' | null {
    return this.#runners.get(app)?.ingress() ?? null
  }

  functionsOf(app: string): CallFunction | null {
    return this.#runners.get(app)?.functions() ?? null
  }

  eventsOf(app: string): AppEvents | null {
    return this.#runners.get(app)?.events() ?? null
  }

  async hold(app: string): Promise<() => void> {
    this.#held.set(app, (this.#held.get(app) ?? 0) + 1)
    const runner = this.#runners.get(app)
    if (runner !== undefined) this.#end(runner, false)
    await this.#ending.get(app)
    let isHeld = true
    return () => {
      if (!isHeld) return
      isHeld = false
      const others = (this.#held.get(app) ?? 1) - 1
      if (others > 0) return void this.#held.set(app, others)
      this.#held.delete(app)
      if (this.#isStarted) this.#reconcile()
    }
  }

  async idle(app: string): Promise<void> {
    await Promise.all([this.#runners.get(app)?.quiet(), this.#ending.get(app)])
  }

  onChange(listener: () => void): Cancel {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  onProgress(listener: () => void): Cancel {
    this.#watchers.add(listener)
    return () => this.#watchers.delete(listener)
  }

  #inOrder(): AppRunner[] {
    return [...this.#runners.values()].sort((a, b) => (a.app < b.app ? -1 : 1))
  }

  #reconcile(): void {
    const wanted = new Map<string, DesiredRelease>()
    for (const release of this.#desired) {
      if (placedHere(release.record, this.#needs.groups)) wanted.set(release.record.app, release)
    }
    for (const runner of this.#runners.values()) if (!wanted.has(runner.app)) this.#end(runner, true)
    for (const [app, release] of wanted) {
      const runner = this.#runners.get(app)
      if (this.#held.has(app)) continue
      if (runner !== undefined && runner.instance === (release.instance ?? null)) runner.desire(release)
      // Its guest was told the name of its place, so another place is another life.
      else if (runner !== undefined) this.#move(runner, release)
      else if (this.#runners.size < maxApps) this.#begin(release)
      else this.#needs.log.error('apps:too-many', { app, limit: maxApps })
    }
  }

  #move(runner: AppRunner, release: DesiredRelease): void {
    this.#end(runner, false)
    this.#begin(release)
  }

  #begin(release: DesiredRelease): void {
    const { app } = release.record
    const runner = new AppRunner(release, {
      ...this.#needs,
      spaces: this.#spaces,
      overlay: this.#needs.overlays[app]?.config ?? {},
      suspicion: this.#suspicions.get(app) ?? null,
      boot: this.#boot,
      changed: () => this.#changed(),
      moved: () => {
        for (const watcher of this.#watchers) watcher()
      },
    })
    this.#runners.set(app, runner)
    void (this.#ending.get(app) ?? Promise.resolve()).then(() => runner.start())
  }

  #end(runner: AppRunner, forget: boolean): void {
    const { app } = runner
    this.#runners.delete(app)
    const ended = this.#stopAfter(this.#ending.get(app), runner, forget)
    this.#ending.set(app, ended)
    this.#changed()
  }

  async #stopAfter(before: Promise<void> | undefined, runner: AppRunner, forget: boolean): Promise<void> {
    const { app } = runner
    await before
    await runner
      .stop(forget)
      .catch((error: unknown) => this.#needs.log.error('app:not-stopped', { app, error }))
    if (forget && !this.#runners.has(app)) this.#needs.appLog.forget(app)
  }

  #changed(): void {
    for (const listener of this.#listeners) listener()
  }
}
