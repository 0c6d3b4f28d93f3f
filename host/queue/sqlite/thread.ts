/**
 * The node's end of the queues' thread: their own, so that an event that must be on the disk before it counts does not
 * stand behind an app's thousand writes. It starts with the first request; where it dies, what it had not answered
 * fails, and the next request starts another.
 */
import { Worker } from 'node:worker_threads'
import { SelvedgeError } from '../../../core/index.ts'
import { storageProblems } from '../../storage/index.ts'
import { queueProblems } from '../problems.ts'
import type { QueueCalls, QueueMethod, QueueReply, QueueRequest } from './protocol.ts'

interface Waiting {
  resolve(value: unknown): void
  reject(error: Error): void
}

/** JavaScript heap of the thread, MiB: items on their way; SQLite's own memory is not in it. */
const heapMb = 64

export class QueueThread {
  readonly #program: URL
  readonly #waiting = new Map<number, Waiting>()
  #worker: Worker | null = null
  #lastRequest = 0
  #isClosed = false

  constructor(program: URL = defaultProgram()) {
    this.#program = program
  }

  /** @throws SelvedgeError what SQLite says; ERR_QUEUE_CLOSED, ERR_STORAGE_FAILED where the thread ends */
  request<Method extends QueueMethod>(
    path: string,
    method: Method,
    ...args: QueueCalls[Method]['args']
  ): Promise<QueueCalls[Method]['value']> {
    if (this.#isClosed) return Promise.reject(closed())
    this.#worker ??= this.#start()
    this.#lastRequest += 1
    const request: QueueRequest = { n: this.#lastRequest, path, method, args }
    return new Promise((resolve, reject) => {
      this.#waiting.set(request.n, { resolve: resolve as (value: unknown) => void, reject })
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
    const worker = new Worker(this.#program, {
      name: 'queues',
      env: {},
      argv: [],
      // Node.js 22 and 24 warn that their SQLite is an experiment; a person can do nothing about it.
      execArgv: ['--no-warnings'],
      resourceLimits: { maxOldGenerationSizeMb: heapMb },
    })
    worker.unref()
    worker.on('message', (reply: QueueReply) => this.#answer(reply))
    let cause: unknown
    worker.on('error', (error) => (cause = error))
    worker.on('exit', () => this.#ended(worker, cause))
    return worker
  }

  #answer(reply: QueueReply): void {
    const waiting = this.#waiting.get(reply.n)
    this.#waiting.delete(reply.n)
    // It keeps the process alive only while somebody waits for it.
    if (this.#waiting.size === 0) this.#worker?.unref()
    if ('value' in reply) return waiting?.resolve(reply.value)
    const { code, kind, message, hint } = reply.problem
    waiting?.reject(new SelvedgeError(code, kind, message, hint))
  }

  #ended(worker: Worker, cause: unknown): void {
    if (this.#worker === worker) this.#worker = null
    const error = this.#isClosed
      ? closed()
      : storageProblems.error('ERR_STORAGE_FAILED', 'the thread of the queues ended', { cause })
    for (const waiting of this.#waiting.values()) waiting.reject(error)
    this.#waiting.clear()
  }
}

function closed(): SelvedgeError {
  return queueProblems.error('ERR_QUEUE_CLOSED', 'the queues of this node are closed')
}

/** Beside the bundle, or in dist/ when run from source. */
function defaultProgram(): URL {
  return new URL(import.meta.url.endsWith('.ts') ? '../../../dist/queue.mjs' : './queue.mjs', import.meta.url)
}
