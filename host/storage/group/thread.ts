/**
 * The node's end of the thread of group stores. It starts with the first request, so that a node without such stores does
 * not pay for it; where it dies, what it had not answered fails, and the next request starts another.
 */
import { Worker } from 'node:worker_threads'
import { SelvedgeError } from '../../../core/index.ts'
import type { KeyValueLimits } from '../limits.ts'
import { storageProblems } from '../problems.ts'
import type { ReplicaMethod, ReplicaReply, ReplicaRequest, ReplicaThreadData } from './protocol.ts'
import type { GroupTime } from './replica.ts'

interface Waiting {
  resolve(value: unknown): void
  reject(error: Error): void
  told(news: ReplicaReply): void
}

/** Requests that may wait for the thread: apps wait for their answers, so it is their number that counts. */
const maxWaiting = 4_096
/** JavaScript heap of the thread, MiB: what is on its way to others, and from them. */
const heapMb = 96

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
  readonly #data: ReplicaThreadData
  readonly #program: URL
  readonly #waiting = new Map<number, Waiting>()
  #worker: Worker | null = null
  #generation = 0
  #lastRequest = 0
  #isClosed = false

  constructor(limits: KeyValueLimits, node: string, program: URL = defaultProgram()) {
    this.#data = { limits, node }
    this.#program = program
  }

  get generation(): number {
    return this.#generation
  }

  request(
    call: { path: string; method: ReplicaMethod; args: readonly unknown[]; time: GroupTime },
    told: Waiting['told'],
  ): Promise<unknown> {
    if (this.#isClosed) return Promise.reject(closed())
    if (this.#waiting.size >= maxWaiting) {
      const message = `${maxWaiting} requests wait for the thread of the group stores`
      return Promise.reject(storageProblems.error('ERR_STORAGE_FAILED', message))
    }
    this.#worker ??= this.#start()
    const n = (this.#lastRequest += 1)
    return new Promise((resolve, reject) => {
      this.#waiting.set(n, { resolve, reject, told })
      this.#worker?.ref()
      this.#worker?.postMessage({ ...call, n } satisfies ReplicaRequest)
    })
  }

  /** Ends the thread; what was answered before is on the disk. */
  async close(): Promise<void> {
    this.#isClosed = true
    await this.#worker?.terminate()
  }

  #start(): Worker {
    const worker = new Worker(this.#program, {
      name: 'replicas',
      workerData: this.#data,
      env: {},
      argv: [],
      // Node.js 22 and 24 warn that their SQLite is an experiment; a person can do nothing about it.
      execArgv: ['--no-warnings'],
      resourceLimits: { maxOldGenerationSizeMb: heapMb },
    })
    this.#generation += 1
    worker.unref()
    worker.on('message', (reply: ReplicaReply) => this.#answer(reply))
    let cause: unknown
    worker.on('error', (error) => (cause = error))
    worker.on('exit', () => this.#ended(worker, cause))
    return worker
  }

  #answer(reply: ReplicaReply): void {
    const waiting = this.#waiting.get(reply.n)
    this.#waiting.delete(reply.n)
    // It keeps the process alive only while somebody waits for it.
    if (this.#waiting.size === 0) this.#worker?.unref()
    waiting?.told(reply)
    if ('value' in reply) return waiting?.resolve(reply.value)
    const { code, kind, message, hint } = reply.problem
    waiting?.reject(new SelvedgeError(code, kind, message, hint))
  }

  #ended(worker: Worker, cause: unknown): void {
    if (this.#worker === worker) this.#worker = null
    const error = this.#isClosed
      ? closed()
      : storageProblems.error('ERR_STORAGE_FAILED', 'the thread of the group stores ended', { cause })
    for (const waiting of this.#waiting.values()) waiting.reject(error)
    this.#waiting.clear()
  }
}

function closed(): SelvedgeError {
  return storageProblems.error('ERR_STORAGE_CLOSED', 'the stores of this node are closed')
}

/** Beside the bundle, or in dist/ when run from source. */
function defaultProgram(): URL {
  return new URL(
    import.meta.url.endsWith('.ts') ? '../../../dist/replicas.mjs' : './replicas.mjs',
    import.meta.url,
  )
}
