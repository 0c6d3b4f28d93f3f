/**
 * The node's end of a thread that has files open and answers requests one after the other. It starts with the first request,
 * so that a node that needs none does not pay for it; where it dies, what it had not answered fails, and the next
 * request starts another.
 */
import { Worker } from 'node:worker_threads'
import { ring, SelvedgeError, type ProblemKind } from '../../core/index.ts'
import { storageProblems } from './problems.ts'

export interface RequestThreadOptions {
  /** In words for people: `the storage thread`. */
  readonly called: string
  readonly name: string
  readonly program: URL
  readonly workerData?: unknown
  /** JavaScript heap of the thread, MiB; SQLite's own memory is not in it. */
  readonly heapMb: number
  /** What requests get after `close`; those of before that were not answered, with words that say so. */
  closed(): SelvedgeError
  /** Of a thread that sleeps on it. */
  readonly bell?: Int32Array
  /** Told when a thread has ended, before anybody can ask another. */
  ended?(): void
}

export type ThreadReply =
  | { readonly n: number; readonly value: unknown }
  | {
      readonly n: number
      readonly problem: {
        readonly code: string
        readonly kind: ProblemKind
        readonly message: string
        readonly hint: string
      }
    }

interface Waiting<Reply> {
  resolve(value: unknown): void
  reject(error: Error): void
  told(reply: Reply): void
}

/** Requests that may wait for the thread: whoever asks waits for the answer, so it is their number that counts. */
const maxWaiting = 4_096

export class RequestThread<Reply extends ThreadReply = ThreadReply> {
  readonly #options: RequestThreadOptions & { heard?(told: Reply): void }
  readonly #waiting = new Map<number, Waiting<Reply>>()
  #worker: Worker | null = null
  #generation = 0
  #lastRequest = 0
  #isClosed = false

  /** @param options `heard` is given what comes with the number 0: nobody asked for it */
  constructor(options: RequestThreadOptions & { heard?(told: Reply): void }) {
    this.#options = options
  }

  /** Changes when the thread is another one, which has no file open. */
  get generation(): number {
    return this.#generation
  }

  /**
   * @param told what came along with the answer, before it is given
   * @throws SelvedgeError what the thread answers; the error of `closed`, and ERR_STORAGE_FAILED where the thread ends
   */
  request(call: object, told: (reply: Reply) => void = () => {}): Promise<unknown> {
    const { called, closed } = this.#options
    if (this.#isClosed) return Promise.reject(closed())
    if (this.#waiting.size >= maxWaiting) {
      const message = `${maxWaiting} requests wait for ${called}`
      return Promise.reject(storageProblems.error('ERR_STORAGE_FAILED', message))
    }
    this.#worker ??= this.#start()
    const n = (this.#lastRequest += 1)
    return new Promise((resolve, reject) => {
      this.#waiting.set(n, { resolve, reject, told })
      this.#worker?.ref()
      this.#worker?.postMessage({ ...call, n })
      if (this.#options.bell !== undefined) ring(this.#options.bell)
    })
  }

  /** Ends the thread; what was answered before is on the disk. */
  async close(): Promise<void> {
    this.#isClosed = true
    await this.#worker?.terminate()
  }

  #start(): Worker {
    const { program, name, workerData, heapMb } = this.#options
    const worker = new Worker(program, {
      name,
      workerData,
      env: {},
      argv: [],
      // Node.js 22 and 24 warn that their SQLite is an experiment; a person can do nothing about it.
      execArgv: ['--no-warnings'],
      resourceLimits: { maxOldGenerationSizeMb: heapMb },
    })
    this.#generation += 1
    worker.unref()
    worker.on('message', (reply: Reply) => this.#answer(reply))
    let cause: unknown
    worker.on('error', (error) => (cause = error))
    worker.on('exit', () => this.#ended(worker, cause))
    return worker
  }

  #answer(reply: Reply): void {
    if (reply.n === 0) return this.#options.heard?.(reply)
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
    const { called, closed } = this.#options
    if (this.#worker === worker) this.#worker = null
    this.#options.ended?.()
    // It may have been in the middle of any of them, or just done with it.
    const unknown = 'before it answered: whether it did what it was asked is not known'
    const { code, kind, hint } = closed()
    const error = this.#isClosed
      ? new SelvedgeError(code, kind, `${called} was closed ${unknown}`, hint)
      : storageProblems.error('ERR_STORAGE_FAILED', `${called} ended ${unknown}`, { cause })
    for (const waiting of this.#waiting.values()) waiting.reject(error)
    this.#waiting.clear()
  }
}
