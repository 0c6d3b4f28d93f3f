/**
 * The queues' thread: their own, so that an event that must be on the disk before it counts does not stand behind an
 * app's thousand writes.
 */
import { RequestThread } from '../../storage/index.ts'
import { queueProblems } from '../problems.ts'
import type { QueueCalls, QueueMethod, QueueReply } from './protocol.ts'

export class QueueThread {
  readonly #thread: RequestThread<QueueReply>

  constructor(program: URL = defaultProgram()) {
    this.#thread = new RequestThread({
      called: 'the thread of the queues',
      name: 'queues',
      program,
      heapMb: 64,
      closed: () => queueProblems.error('ERR_QUEUE_CLOSED', 'the queues of this node are closed'),
    })
  }

  /** @throws SelvedgeError what SQLite says; ERR_QUEUE_CLOSED, ERR_STORAGE_FAILED where the thread ends */
  request<Method extends QueueMethod>(
    path: string,
    method: Method,
    ...args: QueueCalls[Method]['args']
  ): Promise<QueueCalls[Method]['value']> {
    return this.#thread.request({ path, method, args }) as Promise<QueueCalls[Method]['value']>
  }

  /** Ends the thread; what was answered before is on the disk. */
  close(): Promise<void> {
    return this.#thread.close()
  }
}

/** Beside the bundle, or in dist/ when run from source. */
function defaultProgram(): URL {
  return new URL(import.meta.url.endsWith('.ts') ? '../../../dist/queue.mjs' : './queue.mjs', import.meta.url)
}
