/** The open SQLite files of a node, by path; what runs on the storage thread. */
import { access, constants, open, statfs } from 'node:fs/promises'
import { dirname } from 'node:path'
import {
  fileProblems,
  isSelvedgeError,
  messageOf,
  systemClock,
  type SelvedgeError,
} from '../../../core/index.ts'
import type { TimeSource } from '../age-clock.ts'
import type { Durability, KeyChange, StoreAmount } from '../contract.ts'
import { KeyValueTable } from '../key-value-table.ts'
import { usualStoreMemory, type KeyValueLimits } from '../limits.ts'
import { storageProblems } from '../problems.ts'
import { lifeBy } from '../time-to-live.ts'
import { openConnection, type Connection } from './connection.ts'
import { copyFlushed } from './copy.ts'
import { LentBuckets } from './lent-buckets.ts'
import type { GivenBack, Lent, OpenOptions, StorageMethod } from './protocol.ts'
import { SqlRows } from './sql-rows.ts'

export interface StorageCall {
  readonly method: StorageMethod
  readonly args: readonly unknown[]
}

export type Outcome = { readonly value: unknown } | { readonly error: SelvedgeError }

export interface FilesOptions {
  /** For tests: which SQLite to use, and what time it is. */
  readonly kind?: Connection['kind']
  readonly time?: TimeSource
  /** Pages kept in memory for each file, KiB. */
  readonly pagesKb?: number
}

/** A file that turned out damaged is not read again before that: to find out takes long where it is large. */
const damagedForMs = 10_000
/** Less than the largest value and its way through the log. */
const leastRoomBytes = 2 * 1024 * 1024
/** Those that change what is open, and so are nothing that could be undone. */
const alone: ReadonlySet<StorageMethod> = new Set([
  'open',
  'close',
  'allow',
  'watch',
  'flush',
  'share',
  'unshare',
  'saveTo',
])

/** What was asked for of a file, to open it again after a failure. */
interface Wanted {
  readonly options: OpenOptions
  allowed: StoreAmount | null
  isWatched: boolean
}

export class SqliteFiles {
  readonly #limits: KeyValueLimits
  readonly #pagesKb: number
  readonly #kind: Connection['kind'] | undefined
  readonly #time: TimeSource
  readonly lent = new LentBuckets()
  readonly #wanted = new Map<string, Wanted>()
  readonly #tables = new Map<string, KeyValueTable>()
  readonly #opening = new Map<string, Promise<KeyValueTable>>()
  readonly #damaged = new Map<string, { readonly error: SelvedgeError; readonly untilMs: number }>()

  constructor(
    limits: KeyValueLimits,
    { kind, time = systemClock, pagesKb = usualStoreMemory.pagesKb }: FilesOptions = {},
  ) {
    this.#pagesKb = pagesKb
    this.#limits = limits
    this.#kind = kind
    this.#time = time
  }

  /** @throws SelvedgeError, and nothing else */
  async run(path: string, method: StorageMethod, args: readonly unknown[]): Promise<unknown> {
    const [outcome] = await this.runAll(path, [{ method, args }])
    if (outcome === undefined) throw new Error('a call came to nothing')
    if ('error' in outcome) throw outcome.error
    return outcome.value
  }

  /**
   * In their order, and each as if it were alone; but those that follow one another are one transaction, so that many
   * writes wait for the disk once. Where that fails, each is tried by itself, and gets an answer of its own.
   * @returns as many as there are calls; never rejects. One file is asked for one thing at a time.
   */
  async runAll(path: string, calls: readonly StorageCall[]): Promise<Outcome[]> {
    const outcomes: Outcome[] = []
    for (let at = 0; at < calls.length;) {
      const next = calls.findIndex(({ method }, index) => index >= at && alone.has(method))
      const end = next === at ? at + 1 : next === -1 ? calls.length : next
      outcomes.push(...(await this.#runSome(path, calls.slice(at, end))))
      const table = this.#tables.get(path)
      if (table !== undefined) this.lent.publish(path, table)
      at = end
    }
    return outcomes
  }

  /**
   * Of a file that is open, without a turn of the event loop for who waits awake.
   * @returns null where it takes longer: the file is to be opened, or what failed is to be found out; `runAll` does it
   */
  runNow(path: string, call: StorageCall): Outcome | null {
    const table = this.#tables.get(path)
    if (table === undefined || alone.has(call.method)) return null
    try {
      const outcome = part(table, call)
      this.lent.publish(path, table)
      return outcome
    } catch {
      // It has left nothing behind, so it may be done again where there is time to see what is wrong.
      return null
    }
  }

  /** What is in it; null where it is not open. */
  heldAt(path: string): StoreAmount | null {
    const usage = this.#tables.get(path)?.usage()
    return usage === undefined ? null : { items: usage.keys, bytes: usage.bytes }
  }

  /** What has changed in it since it was last asked. */
  changesAt(path: string): KeyChange[] {
    return this.#tables.get(path)?.takeChanges() ?? []
  }

  async #runSome(path: string, calls: readonly StorageCall[]): Promise<Outcome[]> {
    const [first] = calls
    try {
      if (calls.length === 1 && first !== undefined) return [{ value: await this.#runOne(path, first) }]
      const table = await this.#table(path)
      return table.together(() => calls.map((call) => part(table, call)))
    } catch (error) {
      const problem = await this.#failed(path, error)
      if (calls.length === 1) return [{ error: problem }]
      const outcomes: Outcome[] = []
      for (const call of calls) outcomes.push(...(await this.#runSome(path, [call])))
      return outcomes
    }
  }

  async #runOne(path: string, { method, args }: StorageCall): Promise<unknown> {
    if (method === 'close') {
      this.#wanted.delete(path)
      this.lent.close(path)
      return this.#drop(path)
    }
    if (method === 'open') {
      const before = this.#wanted.get(path)
      const options = args[0] as OpenOptions
      if (before === undefined) this.#wanted.set(path, { options, allowed: null, isWatched: false })
    }
    const table = await this.#table(path)
    const wanted = this.#wanted.get(path)
    if (method === 'open') return undefined
    if (method === 'allow' && wanted !== undefined) wanted.allowed = args[0] as StoreAmount
    if (method === 'watch' && wanted !== undefined) wanted.isWatched = true
    if (method === 'saveTo') return this.#saveTo(path, table, String(args[0]))
    if (method === 'share') return this.lent.lend(path, table, args[0] as Lent)
    if (method === 'unshare') return this.lent.takeBack(path, table, args[0] as GivenBack)
    return use(table, { method, args })
  }

  /** Nobody writes to it meanwhile: one thing is asked of a file at a time. */
  async #saveTo(path: string, table: KeyValueTable, target: string): Promise<number> {
    table.flush(true)
    await copyFlushed(path, target)
    return table.usage().keys
  }

  /** A file has one connection only, which locks it: who comes while it is being opened gets the same. */
  async #table(path: string): Promise<KeyValueTable> {
    const present = this.#tables.get(path)
    if (present !== undefined) return present
    const opening = this.#opening.get(path) ?? this.#open(path).finally(() => this.#opening.delete(path))
    this.#opening.set(path, opening)
    return opening
  }

  async #open(path: string): Promise<KeyValueTable> {
    const wanted = this.#wanted.get(path)
    if (wanted === undefined) throw new Error('it is not open')
    const damaged = this.#damaged.get(path)
    if (damaged !== undefined && this.#time.monotonicMs() < damaged.untilMs) throw damaged.error
    this.#damaged.delete(path)
    const { rules, durability } = wanted.options
    const rows = await openRows(path, durability, this.#pagesKb, this.#kind)
    const table = new KeyValueTable(rows, this.#limits, { time: this.#time, lifeOf: lifeBy(rules) })
    if (wanted.allowed !== null) table.allow(wanted.allowed)
    if (wanted.isWatched) table.watch()
    this.lent.opened(path, table)
    this.#tables.set(path, table)
    return table
  }

  /** After what is not about one call alone, the file is opened again for the next: the disk may have come back. */
  async #failed(path: string, error: unknown): Promise<SelvedgeError> {
    const problem = await problemOf(error, path)
    if (isSelvedgeError(error) || problem.code === 'ERR_DISK_FULL') return problem
    this.#drop(path)
    if (problem.code === 'ERR_STORAGE_DAMAGED')
      this.#damaged.set(path, { error: problem, untilMs: this.#time.monotonicMs() + damagedForMs })
    return problem
  }

  #drop(path: string): void {
    const table = this.#tables.get(path)
    this.#tables.delete(path)
    this.lent.clear(path)
    table?.close()
  }
}

function use(table: KeyValueTable, { method, args }: StorageCall): unknown {
  return (table[method as keyof KeyValueTable] as (...args: readonly unknown[]) => unknown).apply(table, [
    ...args,
  ])
}

/** One of several in a transaction: what it is refused for is its own; what SQLite cannot do is everybody's. */
function part(table: KeyValueTable, call: StorageCall): Outcome {
  try {
    return { value: use(table, call) }
  } catch (error) {
    if (isSelvedgeError(error)) return { error }
    throw error
  }
}

async function openRows(
  path: string,
  durability: Durability,
  pagesKb: number,
  kind?: Connection['kind'],
): Promise<SqlRows> {
  const connection = await openConnection(path, kind)
  try {
    const rows = new SqlRows(connection, durability, pagesKb)
    await flushFolderOf(path)
    return rows
  } catch (error) {
    connection.close()
    throw error
  }
}

/** SQLite without native code does not do this, and a new file may be lost in a power cut as long as nobody has. */
export async function flushFolderOf(path: string): Promise<void> {
  const folder = await open(dirname(path), 'r')
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}

/** What SQLite calls an error of input and output is more often than not one that the disk can be asked about. */
async function troubleOfDisk(path: string): Promise<'full' | 'read-only' | null> {
  const folder = dirname(path)
  if (
    await access(folder, constants.W_OK).then(
      () => false,
      () => true,
    )
  )
    return 'read-only'
  const room = await statfs(folder).catch(() => null)
  return room !== null && room.bavail * room.bsize < leastRoomBytes ? 'full' : null
}

/** SQLite's errors are told apart by their text: the two builds have different codes, and the same words. */
export async function problemOf(error: unknown, path: string): Promise<SelvedgeError> {
  if (isSelvedgeError(error)) return error
  const message = messageOf(error)
  const details = { cause: error }
  const isVague = /I\/O error|unable to open|readonly|read-only|EROFS/i.test(message)
  const trouble = isVague ? await troubleOfDisk(path) : null
  if (/database or disk is full|ENOSPC|EDQUOT/i.test(message) || trouble === 'full') {
    return fileProblems.error('ERR_DISK_FULL', `no space left for ${path}`, details)
  }
  // What is asked for by name is what we made: where it is not there, its name was damaged.
  if (
    /not a database|malformed|later version|corrupt|no such (table|column|index)|has no column/i.test(message)
  ) {
    return storageProblems.error('ERR_STORAGE_DAMAGED', `${path}: ${message}`, details)
  }
  if (trouble === 'read-only') {
    return fileProblems.error('ERR_DATA_NOT_WRITABLE', `${path} cannot be written: ${message}`, {
      cause: error,
      hint: 'see why the disk is read-only (`dmesg`, `mount`); the store goes on by itself as soon as it can be written',
    })
  }
  return storageProblems.error('ERR_STORAGE_FAILED', `${path}: ${message}`, details)
}
