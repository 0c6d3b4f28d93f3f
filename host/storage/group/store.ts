/**
 * A group's store as the rest of the host sees it: for apps a key-value store like any other, for who brings it up to
 * date what only replicas do.
 */
import type { Cancel } from '../../../core/index.ts'
import type {
  ChangeFeed,
  KeyValueStore,
  MeteredStore,
  SharedPart,
  SharingGroup,
  StoreAmount,
} from '../contract.ts'
import { AskedEntries, changingMethods } from '../asked-entries.ts'
import { storageProblems } from '../problems.ts'
import type { Batch, MergeOutcome, Position, ReplicaState, VisibleChange } from './batch.ts'
import type { ReplicaMethod } from './protocol.ts'
import type { GroupTime, Stable } from './replica.ts'
import type { ReplicaAsking } from './thread.ts'
import type { Vector } from './vector.ts'

/** What others are to hear of. */
const writing: ReadonlySet<string> = new Set([...changingMethods, 'joinFrom'])

export class GroupStore extends AskedEntries implements KeyValueStore, MeteredStore {
  readonly #thread: ReplicaAsking
  /** Made when it is needed: the folder may not be there yet. */
  readonly #path: () => Promise<string>
  readonly #time: () => GroupTime
  readonly #listeners = new Set<(change: VisibleChange) => void>()
  readonly #writers = new Set<() => void>()
  #opening: { readonly generation: number; readonly opened: Promise<string> } | null = null
  #isClosed = false
  #allowed: StoreAmount | null = null
  held: StoreAmount | null = null

  constructor(thread: ReplicaAsking, path: () => Promise<string>, time: () => GroupTime) {
    super()
    this.#thread = thread
    this.#path = path
    this.#time = time
  }

  allow(amount: StoreAmount): void {
    this.#allowed = amount
    // What was opened before learns it with the next question.
    this.#opening = null
  }

  /** Calls `listener` after each change, of this node or another, in the order of versions. It must not throw. */
  onChange(listener: (change: VisibleChange) => void): Cancel {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  /** Calls `listener` after each write of this node. */
  onWrite(listener: () => void): Cancel {
    this.#writers.add(listener)
    return () => void this.#writers.delete(listener)
  }

  readonly feed: ChangeFeed = {
    follow: (reader) => this.ask('follow', reader),
    changes: (bucket, after, limit) => this.ask('changes', bucket, after, limit),
    advance: (reader, version) => this.ask('advanceReader', reader, version),
    forget: (reader) => this.ask('forgetReader', reader),
  }

  state(): Promise<ReplicaState & { readonly dead: number }> {
    return this.ask('state')
  }

  changesAfter(after: Vector, maxBytes: number): Promise<Batch> {
    return this.ask('changesAfter', after, maxBytes)
  }

  range(after: Position | null, maxBytes: number): Promise<Batch> {
    return this.ask('range', after, maxBytes)
  }

  fresh(): Promise<Batch | null> {
    return this.ask('fresh')
  }

  /** @returns null where nothing was taken, as it would be more than may be held */
  merge(batch: Batch): Promise<MergeOutcome | null> {
    return this.ask('merge', batch)
  }

  advance(vector: Vector, collected: Vector): Promise<void> {
    return this.ask('advance', vector, collected)
  }

  collect(stable: Stable): Promise<number> {
    return this.ask('collect', stable)
  }

  /** Copies the file as it is now. @returns how many keys are in it */
  saveTo(path: string): Promise<number> {
    return this.ask('saveTo', path)
  }

  /** Joins in what such a copy has: what was written since stays. @returns how many keys are in the copy */
  joinFrom(path: string): Promise<number> {
    return this.ask('joinFrom', path)
  }

  /** @param of whose it is */
  partOf(of: SharingGroup): SharedPart {
    return { of, saveTo: (path) => this.saveTo(path), joinFrom: (path) => this.joinFrom(path) }
  }

  async close(): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    const opening = this.#opening
    if (opening === null || opening.generation !== this.#thread.generation) return
    await this.#request(await opening.opened, 'close', [])
  }

  protected async ask<Result>(method: ReplicaMethod, ...args: unknown[]): Promise<Result> {
    if (this.#isClosed) throw storageProblems.error('ERR_STORAGE_CLOSED', 'the store is closed')
    if (this.#opening === null || this.#opening.generation !== this.#thread.generation) this.#open()
    const opening = this.#opening
    const path = await opening?.opened
    const result = (await this.#request(path ?? '', method, args)) as Result
    if (writing.has(method)) for (const listener of this.#writers) listener()
    return result
  }

  #open(): void {
    const opened = this.#path().then(async (path) => {
      await this.#request(path, 'open', [])
      if (this.#allowed !== null) await this.#request(path, 'allow', [this.#allowed])
      // The thread may have started with this very request.
      if (this.#opening?.opened === opened) this.#opening = { generation: this.#thread.generation, opened }
      return path
    })
    this.#opening = { generation: this.#thread.generation, opened }
    opened.catch(() => {
      if (this.#opening?.opened === opened) this.#opening = null
    })
  }

  #request(path: string, method: ReplicaMethod, args: readonly unknown[]): Promise<unknown> {
    return this.#thread.request({ path, method, args, time: this.#time() }, ({ held, changes }) => {
      if (held !== null) this.held = held
      for (const change of changes) for (const listener of this.#listeners) listener(change)
    })
  }
}
