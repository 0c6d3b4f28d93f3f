/** The thread that has the apps' stores open. */
import { closeSharedEntries, closeSharedLine, sharedBell } from '../../../core/index.ts'
import { usualStoreMemory, type KeyValueLimits, type StoreMemory } from '../limits.ts'
import { storageProblems } from '../problems.ts'
import { RequestThread } from '../request-thread.ts'
import type { StorageMethod, StorageReply, StorageThreadData, StorageTold, StoreNews } from './protocol.ts'

/** Instances of all apps, times their buckets; each is looked at whenever the bell rings. */
const maxLines = 512

export class StorageThread {
  /** Rung with each question on a line. */
  readonly bell = sharedBell()
  readonly #thread: RequestThread<StorageReply | (StorageTold & { readonly value: undefined })>
  readonly #heard = new Map<string, (news: StoreNews) => void>()
  readonly #lent = new Map<number, { readonly line: Int32Array; readonly entries: Int32Array }>()
  #lines = 0

  constructor(
    limits: KeyValueLimits,
    { heapMb, pagesKb }: StoreMemory = usualStoreMemory,
    program: URL = defaultProgram(),
  ) {
    this.#thread = new RequestThread({
      called: 'the storage thread',
      name: 'storage',
      program,
      workerData: { limits, pagesKb, bell: this.bell } satisfies StorageThreadData,
      heapMb,
      closed: () => storageProblems.error('ERR_STORAGE_CLOSED', 'the stores of this node are closed'),
      bell: this.bell,
      heard: (told) => 'path' in told && this.#heard.get(told.path)?.(told),
      ended: () => this.#closeLent(),
    })
  }

  /** What is done to a file on lines, without a request of this side's. */
  hear(path: string, heard: (news: StoreNews) => void): void {
    this.#heard.set(path, heard)
  }

  /** Whoever waits on the line is woken when the thread ends. @returns the line's number; null where there are too many */
  lend(line: Int32Array, entries: Int32Array): number | null {
    if (this.#lent.size >= maxLines) return null
    this.#lines += 1
    this.#lent.set(this.#lines, { line, entries })
    return this.#lines
  }

  takeBack(n: number): void {
    this.#lent.delete(n)
  }

  #closeLent(): void {
    for (const { line, entries } of this.#lent.values()) {
      closeSharedEntries(entries)
      closeSharedLine(line)
    }
    this.#lent.clear()
  }

  /** Changes when the thread is another one, which has no file open. */
  get generation(): number {
    return this.#thread.generation
  }

  /**
   * @param told what came along with the answer, before it is given
   * @throws SelvedgeError what the table throws; ERR_STORAGE_CLOSED, ERR_STORAGE_FAILED where the thread ends
   */
  request(
    path: string,
    method: StorageMethod,
    args: readonly unknown[],
    told?: (news: StoreNews) => void,
  ): Promise<unknown> {
    return this.#thread.request({ path, method, args }, told)
  }

  /** Ends the thread; what was answered before is on the disk. */
  close(): Promise<void> {
    return this.#thread.close()
  }
}

/** Beside the bundle, or in dist/ when run from source. */
function defaultProgram(): URL {
  return new URL(
    import.meta.url.endsWith('.ts') ? '../../../dist/storage.mjs' : './storage.mjs',
    import.meta.url,
  )
}
