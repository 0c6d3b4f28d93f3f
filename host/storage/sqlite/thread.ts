/** The thread that has the apps' stores open. */
import type { KeyValueLimits } from '../limits.ts'
import { storageProblems } from '../problems.ts'
import { RequestThread } from '../request-thread.ts'
import type { StorageMethod, StorageReply, StorageThreadData, StoreNews } from './protocol.ts'

export class StorageThread {
  readonly #thread: RequestThread<StorageReply>

  constructor(limits: KeyValueLimits, program: URL = defaultProgram()) {
    this.#thread = new RequestThread({
      called: 'the storage thread',
      name: 'storage',
      program,
      workerData: { limits } satisfies StorageThreadData,
      heapMb: 64,
      closed: () => storageProblems.error('ERR_STORAGE_CLOSED', 'the stores of this node are closed'),
    })
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
