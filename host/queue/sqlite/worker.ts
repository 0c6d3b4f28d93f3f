/** The thread of the queues: waits for the disk so that the daemon does not. It answers in the order of the requests. */
import { parentPort } from 'node:worker_threads'
import type { SelvedgeError } from '../../../core/index.ts'
import { QueueSqliteFiles } from './files.ts'
import type { QueueReply, QueueRequest } from './protocol.ts'

const files = new QueueSqliteFiles()
let last: Promise<void> = Promise.resolve()

parentPort?.on('message', (request: QueueRequest) => {
  last = last.then(() => answer(request))
})

async function answer({ n, path, method, args }: QueueRequest): Promise<void> {
  let reply: QueueReply
  try {
    reply = { n, value: await files.run(path, method, args) }
  } catch (error) {
    const { code, kind, message, hint } = error as SelvedgeError
    reply = { n, problem: { code, kind, message, hint } }
  }
  parentPort?.postMessage(reply) // oxlint-disable-line require-post-message-target-origin -- a port, not a window
}
