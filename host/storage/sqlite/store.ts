/** A key-value store in one SQLite file, as the rest of the host sees it: each method is a request to the thread. */
import type { Cancel } from '../../../core/index.ts'
import type {
  ChangeFeed,
  KeyChange,
  KeyValueStore,
  MeteredStore,
  StoreAmount,
  SharedBucket,
  StoreUsage,
} from '../contract.ts'
import { AskedEntries, changingMethods } from '../asked-entries.ts'
import { isThere } from '../blobs/folder.ts'
import { Listeners } from '../listeners.ts'
import { storageProblems } from '../problems.ts'
import { Lending } from './lending.ts'
import type { OpenOptions, StorageMethod, StoreNews } from './protocol.ts'
import type { StorageThread } from './thread.ts'

export class SqliteStore extends AskedEntries implements KeyValueStore, MeteredStore {
  readonly #thread: StorageThread
  /** Made when it is needed: the folder may not be there yet. */
  readonly #path: () => Promise<string>
  readonly #options: OpenOptions
  readonly #listeners = new Listeners<KeyChange>()
  readonly #lending: Lending
  #openedIn = -1
  /** Ends when nobody is opening the file any more: who closes it must not come before. */
  #opening: Promise<unknown> = Promise.resolve()
  #isClosed = false
  #allowed: StoreAmount | null = null
  #allowedIn = -1
  #watchedIn = -1
  #isDirty = false
  held: StoreAmount | null = null

  constructor(thread: StorageThread, path: () => Promise<string>, options: OpenOptions) {
    super()
    this.#thread = thread
    this.#path = path
    this.#options = options
    this.#lending = new Lending({ thread, ask: (method, args) => this.ask(method, args) })
  }

  allow(amount: StoreAmount): void {
    this.#allowed = amount
    this.#allowedIn = -1
    this.#tellThread()
  }

  /** This process alone writes to the file, so whoever listens hears of all that changes. */
  onChange(listener: (change: KeyChange) => void): Cancel {
    const cancel = this.#listeners.add(listener)
    this.#tellThread()
    return cancel
  }

  readonly feed: ChangeFeed = {
    follow: (reader) => this.ask('follow', reader),
    changes: (bucket, after, limit) => this.ask('changes', bucket, after, limit),
    advance: (reader, version) => this.ask('advance', reader, version),
    forget: (reader) => this.ask('forget', reader),
  }

  /** Removes what outlived its time, a few entries at a time, if the store is in use. Never rejects: there is a next time. */
  async sweep(): Promise<void> {
    if (this.#options.rules.length === 0 || !this.#isOpen()) return
    try {
      while (await this.ask<boolean>('sweep', sweptAtOnce)) continue
    } catch {
      // Whoever uses the store is told what is wrong with it.
    }
  }

  /** Has the disk keep what was written since the last time. Never rejects: there is a next time. */
  async flush(): Promise<void> {
    if (!this.#isDirty || !this.#isOpen()) return
    this.#isDirty = false
    await this.ask('flush').catch(() => (this.#isDirty = true))
  }

  /** Copies the file as it is now. @returns how many keys are in it; 0, and no copy, where there is no file */
  async saveTo(target: string): Promise<number> {
    if (!(await isThere(await this.#path()))) return 0
    return this.ask('saveTo', target)
  }

  /** Holds another file against what one of this kind is, and lets it go on behind this one. @returns how many keys are in it */
  async adopt(path: string): Promise<number> {
    const last = (await isThere(await this.#path())) ? await this.ask<number>('lastVersion') : 0
    try {
      await this.#request(path, 'open', [this.#options])
      await this.#request(path, 'raise', [last])
      return ((await this.#request(path, 'usage', [])) as StoreUsage).keys
    } finally {
      await this.#thread.request(path, 'close', [])
    }
  }

  async share(bucket: string, gone: AbortSignal): Promise<SharedBucket | null> {
    const path = await this.#opened()
    this.#thread.hear(path, (news) => this.#hear(news))
    return this.#lending.lend(bucket, gone)
  }

  async close(): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    await this.#opening
    if (this.#openedIn === this.#thread.generation) await this.#request(await this.#path(), 'close', [])
  }

  /** What is used on lines asks nothing of this side that this could go along with. */
  #tellThread(): void {
    if (this.#isOpen()) this.#opened().catch(() => {})
  }

  #isOpen(): boolean {
    return !this.#isClosed && this.#openedIn === this.#thread.generation
  }

  protected async ask<Result>(method: StorageMethod, ...args: unknown[]): Promise<Result> {
    const path = await this.#opened()
    this.#isDirty ||= changing.has(method)
    return (await this.#request(path, method, args)) as Result
  }

  #checkOpen(): void {
    if (this.#isClosed) throw storageProblems.error('ERR_STORAGE_CLOSED', 'the store is closed')
  }

  /** @returns the path of the file, which is open and knows all that was said of it */
  async #opened(): Promise<string> {
    this.#checkOpen()
    const path = await this.#path()
    const { generation } = this.#thread
    if (this.#openedIn !== generation) {
      this.#checkOpen()
      const opening = this.#request(path, 'open', [this.#options]).then(() => {
        this.#openedIn = this.#thread.generation
      })
      this.#opening = Promise.allSettled([this.#opening, opening])
      await opening
      this.#checkOpen()
    }
    if (this.#allowed !== null && this.#allowedIn !== generation) {
      this.#allowedIn = generation
      await this.#request(path, 'allow', [this.#allowed])
    }
    if (!this.#listeners.isEmpty && this.#watchedIn !== generation) {
      this.#watchedIn = generation
      await this.#request(path, 'watch', [])
    }
    return path
  }

  /** Of what was done without this side. */
  #hear(news: StoreNews): void {
    this.#isDirty = true
    this.#take(news)
  }

  #take({ held, changes }: StoreNews): void {
    if (held !== null) this.held = held
    this.#listeners.tell(changes)
  }

  #request(path: string, method: StorageMethod, args: readonly unknown[]): Promise<unknown> {
    return this.#thread.request(path, method, args, (news) => this.#take(news))
  }
}

/** What leaves something to be flushed. */
const changing: ReadonlySet<string> = new Set([...changingMethods, 'sweep', 'follow', 'advance', 'forget'])
/** Entries that one transaction removes: others wait no longer than for it. */
const sweptAtOnce = 500
