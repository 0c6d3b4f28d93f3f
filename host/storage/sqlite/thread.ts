/**
 * The node's end of the storage thread. It starts with the first request, so that a node whose apps store nothing
 * does not pay for it; where it dies, what it had not answered fails, and the next request starts another.
 */
import { Worker } from 'node:worker_threads'
import { SelvedgeError } from '../../../core/index.ts'
import type { KeyValueLimits } from '../limits.ts'
import { storageProblems } from '../problems.ts'
import type { StorageMethod, StorageReply, StorageRequest, StorageThreadData, StoreNews } from './protocol.ts'

interface Waiting {
  resolve(value: unknown): void
  reject(error: Error): void
  told(news: StoreNews): void
}

/** Requests that may wait for the thread: apps wait for their answers, so it is their number that counts. */
const maxWaiting = 4_096
/** JavaScript heap of the thread, MiB: values on their way; SQLite's own memory is not in it. */
const heapMb = 64

export class StorageThread {
  readonly #limits: KeyValueLimits
  readonly #program: URL
  readonly #waiting = new Map<number, Waiting>()
  #worker: Worker | null = null
  #generation = 0
  #lastRequest = 0
  #isClosed = false

  constructor(limits: KeyValueLimits, program: URL = defaultProgram()) {
    this.#limits = limits
    this.#program = program
  }

  /** Changes when the thread is another one, which has no file open. */
  get generation(): number {
    return this.#generation
  }

  /**
   * @param told what came along with the answer, before it is given
   * @throws SelvedgeError what the table throws; ERR_STORAGE_CLOSED, ERR_STORAGE_FAILED where the thread ends
   */
  request(
    path: string,
    method: StorageMethod,
    args: readonly unknown[],
    told: (news: StoreNews) => void = () => {},
  ): Promise<unknown> {
    if (this.#isClosed) return Promise.reject(closed())
    if (this.#waiting.size >= maxWaiting) {
      const message = `${maxWaiting} requests wait for the storage thread`
      return Promise.reject(storageProblems.error('ERR_STORAGE_FAILED', message))
    }
    this.#worker ??= this.#start()
    this.#lastRequest += 1
    const request: StorageRequest = { n: this.#lastRequest, path, method, args }
    return new Promise((resolve, reject) => {
      this.#waiting.set(request.n, { resolve, reject, told })
      this.#worker?.ref()
      this.#worker?.postMessage(request)
    })
  }

  /** Ends the thread; what was answered before is on the disk. */
  async close(): Promise<void> {
    this.#isClosed = true
    await this.#worker?.terminate()
  }

  #start(): Worker {
    const workerData: StorageThreadData = { limits: this.#limits }
    const worker = new Worker(this.#program, {
      name: 'storage',
      workerData,
      env: {},
      argv: [],
      // Node.js 22 and 24 warn that their SQLite is an experiment; a person can do nothing about it.
      execArgv: ['--no-warnings'],
      resourceLimits: { maxOldGenerationSizeMb: heapMb },
    })
    this.#generation += 1
    worker.unref()
    worker.on('message', (reply: StorageReply) => this.#answer(reply))
    let cause: unknown
    worker.on('error', (error) => (cause = error))
    worker.on('exit', () => this.#ended(worker, cause))
    return worker
  }

  #answer(reply: StorageReply): void {
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
      : storageProblems.error('ERR_STORAGE_FAILED', 'the storage thread ended', { cause })
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
    import.meta.url.endsWith('.ts') ? '../../../dist/storage.mjs' : './storage.mjs',
    import.meta.url,
  )
}
