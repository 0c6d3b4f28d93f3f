/**
 * Whether the node may die of this app: what it was suspected of at the start, where it runs for that, and the mark
 * that says that it is there. The marks themselves are in `life-marks.ts`.
 */
import type { Cancel, Clock, DurableFolder } from '../../core/index.ts'
import type { AppReporter } from './app-reporter.ts'
import type { Doubt } from './app-state.ts'
import type { AppUsage } from './app-usage.ts'
import { doubtOf, LifeMark, type Suspicion } from './life-marks.ts'
import type { DesiredRelease } from './release.ts'

/** A release that has lived so long is suspected of a node's death no more than the others. */
const settledAfterMs = 10_000

export interface LifeWatchNeeds {
  readonly folder: DurableFolder
  readonly clock: Clock
  /** That the node died of this app before it was started now; null where it stopped as it should. */
  readonly suspicion: Suspicion | null
  /** Of this run of the machine; see `life-marks.ts`. */
  readonly boot: string | null
}

export class LifeWatch {
  readonly #needs: LifeWatchNeeds
  readonly #report: AppReporter
  readonly #usage: Pick<AppUsage, 'incident'>
  readonly #mark: LifeMark
  #cancelSettle: Cancel | null = null

  constructor(app: string, needs: LifeWatchNeeds, report: AppReporter, usage: Pick<AppUsage, 'incident'>) {
    this.#needs = needs
    this.#report = report
    this.#usage = usage
    this.#mark = new LifeMark(needs.folder, app, needs.boot, (error) =>
      report.notWritten('the mark of a running app', error),
    )
  }

  /** It runs in a process of its own, whatever it says itself. */
  isSuspect({ digest }: DesiredRelease): boolean {
    return this.#needs.suspicion?.digest === digest
  }

  /** What speaks against starting it at once; told and counted. */
  doubtOf(release: DesiredRelease): Doubt | null {
    const { suspicion, clock } = this.#needs
    if (suspicion === null || !this.isSuspect(release)) return null
    const doubt = doubtOf(release, suspicion)
    this.#report.suspected(release.record, doubt.reason)
    const { message } = doubt.reason
    this.#usage.incident({ time: clock.now(), reason: 'crash', message, lines: [] })
    return doubt
  }

  /** Resolves when the disk knows that it is about to run in the node's process, or that it is not. */
  starts(release: DesiredRelease): Promise<void> {
    return this.#isApart(release) ? this.#mark.clear() : this.#mark.set(release.digest, 'starting')
  }

  /**
   * It no longer counts as starting when it has lived a while: the node dies soonest of what is new.
   * @param isCurrent asked then
   */
  lives(release: DesiredRelease, isCurrent: () => boolean): void {
    if (this.#isApart(release)) return
    this.#cancelSettle?.()
    this.#cancelSettle = this.#needs.clock.after(settledAfterMs, () => {
      if (isCurrent()) void this.#mark.set(release.digest, 'running')
    })
  }

  /** Nothing changes any more by itself. */
  settleNoMore(): void {
    this.#cancelSettle?.()
  }

  /** Nothing of it runs in the node's process. */
  ended(): Promise<void> {
    return this.#mark.clear()
  }

  #isApart(release: DesiredRelease): boolean {
    return this.isSuspect(release) || release.record.instances?.isolation === 'process'
  }
}
