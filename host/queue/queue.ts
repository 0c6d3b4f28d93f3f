/**
 * A durable queue: what a ledger decides, and a file that keeps it. Changes of one turn, and those that came while the
 * disk was busy, go into one transaction. A put counts only when the disk has it; everything else counts at once, and
 * is written as soon as it can be, so a disk that refuses writes repeats work and never loses any.
 */
import type { Cancel, Clock } from '../../core/index.ts'
import type { DeadItem, DurableQueue, NewItem, QueueCounts, QueueItem, QueueLimits } from './contract.ts'
import { BodyCache } from './body-cache.ts'
import { CommitSchedule } from './commit-schedule.ts'
import { Admission, type Arrival } from './admission.ts'
import type { QueueChange, QueueContents, QueueFile } from './file.ts'
import { Ledger, type QueueRow } from './ledger.ts'
import { queueProblems } from './problems.ts'

/** What is only taken out of the queue waits so long for company: a write less each time something is put meanwhile. */
const removalDelayMs = 50
/** After a write that failed. */
const owedRetryMs = 2_000

interface Settling {
  readonly changes: readonly QueueChange[]
  resolve(): void
  reject(error: unknown): void
}

export interface QueueNeeds {
  readonly file: QueueFile
  readonly limits: QueueLimits
  readonly clock: Clock
}

export class FileQueue implements DurableQueue {
  readonly #needs: QueueNeeds
  readonly #ledger: Ledger
  readonly #listeners = new Set<() => void>()
  readonly #bodies = new BodyCache()
  readonly #schedule: CommitSchedule
  readonly #admission: Admission
  #settlings: Settling[] = []
  /** What a failed write left to be written. */
  #owed: QueueChange[] = []
  /** Names to be taken out of the file with whatever is written next: no write is worth it alone. */
  #forgotten: string[]
  #cancelDue: Cancel | null = null
  #dueAtMs = Number.POSITIVE_INFINITY
  #dropped = 0
  #isUrgent = false
  #isClosed = false

  private constructor(needs: QueueNeeds, contents: QueueContents) {
    const { clock, limits } = needs
    this.#needs = needs
    this.#ledger = new Ledger(limits)
    for (const row of contents.rows) this.#ledger.add(row, 0)
    this.#admission = new Admission(clock, limits, this.#ledger, contents)
    this.#forgotten = this.#admission.trimSeen()
    this.#schedule = new CommitSchedule(
      clock,
      () => this.#commitOnce(),
      () => this.#wantedIn(),
    )
  }

  /** Takes up what the file has; whatever waited for its time is due. @throws what the file throws */
  static async open(needs: QueueNeeds): Promise<FileQueue> {
    return new FileQueue(needs, await needs.file.load())
  }

  async put(items: readonly NewItem[]): Promise<void> {
    this.#checkOpen()
    if (items.length === 0) return
    await new Promise<void>((resolve, reject) => {
      this.#admission.push({ items, resolve, reject })
      this.#schedule.poke()
    })
  }

  async take(max: number, lane?: string): Promise<readonly QueueItem[]> {
    this.#checkOpen()
    const rows = this.#ledger.pick(max, lane, this.#needs.clock.monotonicMs())
    if (rows.length === 0) return []
    try {
      const items = await this.#withBodies(rows)
      // A row without its body is one that the disk lost: there is nothing to hand out.
      if (items.length < rows.length) this.#dropAllBut(rows, items)
      return items
    } catch (error) {
      this.release(rows.map(({ id }) => id))
      throw error
    }
  }

  async done(ids: readonly number[]): Promise<void> {
    const known = ids.filter((id) => this.#ledger.isTaken(id))
    for (const id of known) this.#forget(id)
    if (known.length === 0) return
    this.#tellDue()
    await this.#settle([{ type: 'remove', ids: known }])
  }

  async drop(lane: string): Promise<void> {
    const ids = this.#ledger.waitingIn(lane)
    for (const id of ids) this.#forget(id)
    if (ids.length === 0) return
    this.#tellDue()
    await this.#settle([{ type: 'remove', ids }])
  }

  async retry(id: number, afterMs: number, why: string): Promise<void> {
    const attempts = (this.#ledger.row(id)?.attempts ?? 0) + 1
    const dueMs = afterMs <= 0 ? 0 : this.#needs.clock.monotonicMs() + afterMs
    if (!this.#ledger.giveBack(id, { dueMs, attempts, lastError: why })) return
    this.#armDue()
    this.#tellDue()
    await this.#settle([{ type: 'retry', id, attempts, lastError: why }])
  }

  release(ids: readonly number[]): void {
    for (const id of ids) {
      const row = this.#ledger.row(id)
      if (row !== null)
        this.#ledger.giveBack(id, { dueMs: 0, attempts: row.attempts, lastError: row.lastError })
    }
    this.#tellDue()
  }

  hasten(): void {
    this.#ledger.hasten()
    this.#tellDue()
  }

  async bury(id: number, why: string): Promise<void> {
    const attempts = (this.#ledger.row(id)?.attempts ?? 0) + 1
    const change = { attempts, lastError: why, diedMs: Math.max(0, Math.floor(this.#needs.clock.now())) }
    const dropped = this.#ledger.bury(id, change)
    if (dropped === null) return
    this.#bodies.drop(id)
    this.#dropped += dropped.length
    this.#tellDue()
    await this.#settle([{ type: 'bury', id, ...change }, ...removal(dropped)])
  }

  async dead(after: number, limit: number): Promise<readonly DeadItem[]> {
    this.#checkOpen()
    const rows = this.#ledger.dead(after, limit)
    const died = new Map(rows.map(({ id, diedMs }) => [id, diedMs ?? 0]))
    const items = await this.#withBodies(rows)
    return items.map((item) => ({ ...item, diedMs: died.get(item.id) ?? 0 }))
  }

  async peek(after: number, limit: number): Promise<readonly QueueItem[]> {
    this.#checkOpen()
    return this.#withBodies(this.#ledger.live(after, limit))
  }

  async replay(ids: readonly number[] | 'all'): Promise<number> {
    this.#checkOpen()
    const replayed = this.#ledger.replay(ids)
    if (replayed.length === 0) return 0
    await this.#settle([{ type: 'replay', ids: replayed }], true)
    this.#tellDue()
    return replayed.length
  }

  async discard(ids: readonly number[] | 'all'): Promise<number> {
    this.#checkOpen()
    const discarded = this.#ledger.discard(ids)
    if (discarded.length > 0) await this.#settle(removal(discarded), true)
    return discarded.length
  }

  get isClosed(): boolean {
    return this.#isClosed
  }

  counts(): QueueCounts {
    return { ...this.#ledger.counts, dropped: this.#dropped, duplicates: this.#admission.duplicates }
  }

  lanes(): readonly string[] {
    return this.#ledger.lanes
  }

  onDue(listener: () => void): Cancel {
    const own = (): void => listener()
    this.#listeners.add(own)
    return () => this.#listeners.delete(own)
  }

  async close(): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#cancelDue?.()
    this.#listeners.clear()
    await this.#schedule.close()
    // What was handled is worth one more write: it would be handled again.
    while (this.#settlings.length > 0 || !this.#admission.isEmpty) await this.#commitOnce()
    await this.#needs.file.close()
  }

  #checkOpen(): void {
    if (this.#isClosed) throw closed()
  }

  /** Without those whose bodies are not there. */
  async #withBodies(rows: readonly QueueRow[]): Promise<QueueItem[]> {
    const missing = rows.filter(({ id }) => this.#bodies.get(id) === undefined).map(({ id }) => id)
    const read = missing.length === 0 ? [] : await this.#needs.file.bodies(missing)
    const fromFile = new Map(missing.map((id, index) => [id, read[index] ?? null]))
    return rows.flatMap((row) => {
      const body = this.#bodies.get(row.id) ?? fromFile.get(row.id) ?? null
      if (body === null) return []
      const { id, key, lane, attempts, addedMs, lastError, unique } = row
      return [{ id, key, lane, body, attempts, addedMs, lastError, ...(unique !== null && { unique }) }]
    })
  }

  /** @param isUrgent somebody waits for it */
  #settle(changes: readonly QueueChange[], isUrgent = false): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#isClosed) return reject(closed())
      this.#settlings.push({ changes, resolve, reject })
      this.#isUrgent ||= isUrgent
      this.#schedule.poke()
    })
  }

  #wantedIn(): number | null {
    if (!this.#admission.isEmpty || this.#isUrgent) return 0
    if (this.#owed.length > 0) return owedRetryMs
    return this.#settlings.length > 0 ? removalDelayMs : null
  }

  /** One transaction; never throws. */
  async #commitOnce(): Promise<void> {
    const settlings = this.#settlings
    this.#settlings = []
    const settled = [...this.#owed, ...settlings.flatMap(({ changes }) => changes)]
    this.#owed = []
    this.#isUrgent = false
    const admitted = this.#admission.admit()
    const { puts, arrivals, dropped } = admitted
    for (const { id } of dropped) this.#bodies.drop(id)
    const put: QueueChange[] = arrivals.map(({ row, body }) => ({ type: 'put', row, body }))
    const changes = [...settled, ...removal(dropped.map(({ id }) => id)), ...put]
    const names = this.#forgotten
    if (names.length > 0 && changes.length > 0) changes.push({ type: 'forget', names })
    try {
      if (changes.length > 0) {
        await this.#needs.file.commit(changes)
        this.#forgotten = []
      }
      for (const arrival of arrivals) this.#enter(arrival)
      this.#dropped += dropped.length
      this.#forgotten.push(...this.#admission.trimSeen())
      this.#armDue()
      for (const { resolve } of [...puts, ...settlings]) resolve()
    } catch (error) {
      this.#owed = withoutRepeats(settled)
      this.#admission.refused(admitted)
      for (const { reject } of [...puts, ...settlings]) reject(error)
    }
    this.#tellDue()
  }

  /** It is on the disk. */
  #enter({ row, body, waitMs }: Arrival): void {
    this.#ledger.add(row, waitMs > 0 ? this.#needs.clock.monotonicMs() + waitMs : 0)
    this.#bodies.add(row.id, body)
  }

  #dropAllBut(rows: readonly QueueRow[], items: readonly QueueItem[]): void {
    const found = new Set(items.map(({ id }) => id))
    for (const { id } of rows) {
      if (found.has(id)) continue
      this.#forget(id)
      this.#dropped += 1
    }
  }

  #forget(id: number): void {
    this.#ledger.remove(id)
    this.#bodies.drop(id)
  }

  #tellDue(): void {
    if (this.#isClosed) return
    for (const listener of this.#listeners) listener()
  }

  /** One timer, for the next that waits for its time. */
  #armDue(): void {
    const dueMs = this.#ledger.nextDueMs
    if (dueMs === null || dueMs >= this.#dueAtMs || this.#isClosed) return
    this.#cancelDue?.()
    this.#dueAtMs = dueMs
    const { clock } = this.#needs
    this.#cancelDue = clock.after(Math.max(1, dueMs - clock.monotonicMs()), () => {
      this.#dueAtMs = Number.POSITIVE_INFINITY
      this.#cancelDue = null
      this.#ledger.ripen(clock.monotonicMs())
      this.#tellDue()
      this.#armDue()
    })
  }
}

function removal(ids: readonly number[]): QueueChange[] {
  return ids.length === 0 ? [] : [{ type: 'remove', ids }]
}

function closed(): Error {
  return queueProblems.error('ERR_QUEUE_CLOSED', 'the queue is closed')
}

/** Of one item's attempts only the last counts; they would pile up while the disk takes nothing. */
function withoutRepeats(changes: readonly QueueChange[]): QueueChange[] {
  const last = new Map<number, QueueChange>()
  for (const change of changes) if (change.type === 'retry') last.set(change.id, change)
  return changes.filter((change) => change.type !== 'retry' || last.get(change.id) === change)
}
