/**
 * What the apps of this node have said, kept on its disk: for each a ring of files, all of them within a bound. Nothing is
 * written while nobody says anything; lines of all apps that came within some seconds are written together.
 *
 * A process that is killed loses the lines of the last seconds, a power cut those that the system had not brought to the
 * disk either: nothing is flushed, as that would cost a flash more than the lines are worth.
 */
import { messageOf, type Cancel, type Clock, type Log } from '../../core/index.ts'
import type { ChargeScan, KeptLine, LogPage, LogQuestion } from '../../mesh/index.ts'
import { AppJournal } from './app-journal.ts'
import { wantsOf } from './filter.ts'
import { logLimits as limits } from './limits.ts'
import type { LogDisk, LogFile } from './log-disk.ts'
import { linesPerStart, nothingAfter, type Found } from './page-maker.ts'

export interface SaidLine extends Omit<KeptLine, 'seq'> {
  readonly app: string
}

/** A page, and what it took to find its lines. */
type FoundPage = LogPage & Found

export interface JournalNeeds {
  readonly disk: LogDisk
  /** How often this node was started: lines of this start have higher numbers than all before. */
  readonly boot: number
  /** Of each app, and of all together, on the disk. */
  readonly appBytes: number
  readonly totalBytes: number
  readonly clock: Clock
  readonly log: Log
}

/** Looks which files there are, and reads none. */
export async function openJournal(needs: JournalNeeds): Promise<Journal> {
  return new Journal(needs, await needs.disk.list())
}

/** What this node's own people have looked through is put down to nobody. */
const uncharged: ChargeScan = async () => {}

export class Journal {
  readonly #needs: JournalNeeds
  readonly #apps = new Map<string, AppJournal>()
  /** By app, who waits for a line of it. */
  readonly #waiting = new Map<string, Set<() => void>>()
  #waitingCount = 0
  #cancelFlush: Cancel | null = null
  #writing: Promise<void> = Promise.resolve()
  /** Lines are being written, or about to be: another time for each that comes meanwhile would write no more of them. */
  #isWriting = false
  /** Apps whose lines could not be written, and why: their disk is left in peace until all is tried again. */
  readonly #failing = new Map<AppJournal, string>()
  #roomProblem: string | null = null
  #cancelRetry: Cancel | null = null

  /** Use {@link openJournal}. */
  constructor(needs: JournalNeeds, files: ReadonlyMap<string, readonly LogFile[]>) {
    this.#needs = needs
    for (const [app, list] of files) this.#open(app, list)
  }

  /** Of all files, bytes. */
  get bytes(): number {
    return [...this.#apps.values()].reduce((sum, { bytes }) => sum + bytes, 0)
  }

  /** Why lines cannot be written just now; null where they can. */
  get problem(): string | null {
    return [...this.#failing.values()][0] ?? this.#roomProblem
  }

  /** Whether anything of an app is kept here. */
  has(app: string): boolean {
    return this.#apps.has(app)
  }

  append({ app, ...line }: SaidLine): void {
    const journal = this.#apps.get(app) ?? this.#open(app, [])
    journal.append(line)
    for (const wake of this.#waiting.get(app) ?? []) wake()
    if (this.#failing.has(journal)) return
    if (journal.unsavedBytes >= limits.flushBytes && !this.#isWriting) this.#flushHealthy()
    else this.#flushSoon()
  }

  /**
   * A page of an app's log. Where there is nothing it waits for a line as long as the question says.
   * @throws the signal's reason
   */
  async answer(
    question: LogQuestion,
    signal: AbortSignal,
    charge: ChargeScan = uncharged,
  ): Promise<FoundPage> {
    const { clock } = this.#needs
    const untilMs = clock.monotonicMs() + question.waitMs
    let page = await this.#page(question, charge)
    while (page.lines.length === 0 && !page.more) {
      const leftMs = untilMs - clock.monotonicMs()
      if (leftMs <= 0 || this.#waitingCount >= limits.waiting) break
      await this.#line(question.app, leftMs, signal)
      const next = await this.#page({ ...question, from: { after: page.cursor } }, charge)
      const scannedBytes = page.scannedBytes + next.scannedBytes
      page = { ...next, missed: page.missed + next.missed, scannedBytes }
    }
    return page
  }

  /** Writes all that waits; what cannot be written now is tried again in a while. Never rejects. */
  flush(): Promise<void> {
    return this.#flush(() => true)
  }

  #flushHealthy(): void {
    void this.#flush((journal) => !this.#failing.has(journal))
  }

  #flushSoon(): void {
    this.#cancelFlush ??= this.#needs.clock.after(limits.flushMs, () => this.#flushHealthy())
  }

  #flush(isTried: (journal: AppJournal) => boolean): Promise<void> {
    this.#cancelFlush?.()
    this.#cancelFlush = null
    this.#isWriting = true
    const writing = this.#writing.then(() => this.#write(isTried))
    this.#writing = writing
    void writing.then(() => {
      if (this.#writing === writing) this.#isWriting = false
    })
    return writing
  }

  /** Writes what waits, for the last time. */
  async close(): Promise<void> {
    await this.flush()
    this.#cancelFlush?.()
    this.#cancelFlush = null
    this.#cancelRetry?.()
    this.#cancelRetry = null
  }

  #open(app: string, files: readonly LogFile[]): AppJournal {
    const { boot, appBytes, disk, log } = this.#needs
    const journal = new AppJournal({ app, disk, log, base: boot * linesPerStart, maxBytes: appBytes }, files)
    this.#apps.set(app, journal)
    return journal
  }

  async #page({ app, from, filter }: LogQuestion, charge: ChargeScan): Promise<FoundPage> {
    const nowMs = this.#needs.clock.now()
    const journal = this.#apps.get(app)
    if (journal === undefined) return { ...nothingAfter('after' in from ? from.after : 0), nowMs }
    return { ...(await journal.read(from, wantsOf(filter, nowMs), charge)), nowMs }
  }

  /** Resolves a moment after a line of the app came, or when the time is over. */
  async #line(app: string, ms: number, signal: AbortSignal): Promise<void> {
    const { clock } = this.#needs
    const waiting = this.#waiting.get(app) ?? new Set()
    this.#waiting.set(app, waiting)
    this.#waitingCount += 1
    let wake!: () => void
    let leave!: () => void
    const cancels: Cancel[] = []
    try {
      await new Promise<void>((resolve, reject) => {
        cancels.push(clock.after(ms, resolve))
        wake = () => {
          waiting.delete(wake)
          cancels.push(clock.after(limits.settleMs, resolve))
        }
        leave = () => reject(signal.reason as Error)
        waiting.add(wake)
        signal.addEventListener('abort', leave, { once: true })
        if (signal.aborted) leave()
      })
    } finally {
      for (const cancel of cancels) cancel()
      signal.removeEventListener('abort', leave)
      waiting.delete(wake)
      this.#waitingCount -= 1
      if (waiting.size === 0 && this.#waiting.get(app) === waiting) this.#waiting.delete(app)
    }
  }

  async #write(isTried: (journal: AppJournal) => boolean): Promise<void> {
    const { clock, log } = this.#needs
    const before = this.problem
    for (const journal of this.#apps.values()) {
      if (!isTried(journal)) continue
      // What the disk does not take of one app says nothing of the others.
      try {
        await journal.flush()
        this.#failing.delete(journal)
      } catch (error) {
        this.#failing.set(journal, messageOf(error))
      }
    }
    this.#roomProblem = await this.#makeRoom()
    // What was said while an app was tried again waits for nothing yet.
    const isLeft = [...this.#apps.values()].some((one) => one.unsavedBytes > 0 && !this.#failing.has(one))
    if (isLeft) this.#flushSoon()
    const { problem } = this
    if (before === null && problem !== null) log.warn('logs:unsaved', { error: problem })
    if (before !== null && problem === null) log.info('logs:written-again')
    if (problem === null) return
    this.#cancelRetry ??= clock.after(limits.retryMs, () => {
      this.#cancelRetry = null
      void this.flush()
    })
  }

  /**
   * The app with the most makes room first, whether it still runs or not. Where each has one file left, those lose it that
   * have said nothing since this node started; one that speaks keeps its newest.
   * @returns why a file could not be removed; null where none was in the way
   */
  async #makeRoom(): Promise<string | null> {
    const stuck = new Map<AppJournal, string>()
    while (this.bytes > this.#needs.totalBytes) {
      const left = [...this.#apps.values()].filter((journal) => !stuck.has(journal))
      const rings = left.filter(({ files }) => files > 1)
      const last = left.filter(({ files, isSilent }) => files === 1 && isSilent)
      const [first, ...others] = rings.length > 0 ? rings : last
      if (first === undefined) break
      const largest = others.reduce((a, b) => (b.bytes > a.bytes ? b : a), first)
      try {
        await largest.dropOldest()
      } catch (error) {
        stuck.set(largest, messageOf(error))
      }
    }
    return [...stuck.values()][0] ?? null
  }
}
