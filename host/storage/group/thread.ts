/** The thread that has the group stores open. */
import type { KeyValueLimits } from '../limits.ts'
import { storageProblems } from '../problems.ts'
import { RequestThread } from '../request-thread.ts'
import type { ReplicaReply, ReplicaRequest, ReplicaThreadData } from './protocol.ts'

/** Asks the thread, or in a test what stands for it. */
export interface ReplicaAsking {
  /** Changes when it is another one, which has no file open. */
  readonly generation: number
  /** @param told what came along with the answer, before it is given @throws SelvedgeError */
  request(
    call: Omit<ReplicaRequest, 'n'>,
    told: (news: Pick<ReplicaReply, 'held' | 'changes'>) => void,
  ): Promise<unknown>
}

export class ReplicaThread implements ReplicaAsking {
  readonly #thread: RequestThread<ReplicaReply>

  constructor(limits: KeyValueLimits, node: string, program: URL = defaultProgram()) {
    this.#thread = new RequestThread({
      called: 'the thread of the group stores',
      name: 'replicas',
      program,
      workerData: { limits, node } satisfies ReplicaThreadData,
      // What is on its way to others, and from them, is in it as well.
      heapMb: 96,
      closed: () => storageProblems.error('ERR_STORAGE_CLOSED', 'the stores of this node are closed'),
    })
  }

  get generation(): number {
    return this.#thread.generation
  }

  request(call: Omit<ReplicaRequest, 'n'>, told: (news: ReplicaReply) => void): Promise<unknown> {
    return this.#thread.request(call, told)
  }

  /** Ends the thread; what was answered before is on the disk. */
  close(): Promise<void> {
    return this.#thread.close()
  }
}

/** Beside the bundle, or in dist/ when run from source. */
function defaultProgram(): URL {
  return new URL(
    import.meta.url.endsWith('.ts') ? '../../../dist/replicas.mjs' : './replicas.mjs',
    import.meta.url,
  )
}
