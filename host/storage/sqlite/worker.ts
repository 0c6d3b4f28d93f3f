/**
 * The storage thread: waits for the disk so that the daemon does not. It answers in the order of the requests.
 */
import { parentPort, workerData } from 'node:worker_threads'
import type { SelvedgeError } from '../../../core/index.ts'
import { SqliteFiles } from './files.ts'
import type { StorageReply, StorageRequest, StorageThreadData } from './protocol.ts'

const { limits } = workerData as StorageThreadData
const files = new SqliteFiles(limits)
let last: Promise<void> = Promise.resolve()

parentPort?.on('message', (request: StorageRequest) => {
  last = last.then(() => answer(request))
})

async function answer({ n, path, method, args }: StorageRequest): Promise<void> {
  let reply: StorageReply
  try {
    reply = { n, value: await files.run(path, method, args), held: files.heldAt(path) }
  } catch (error) {
    const { code, kind, message, hint } = error as SelvedgeError
    reply = { n, problem: { code, kind, message, hint } }
  }
  parentPort?.postMessage(reply) // oxlint-disable-line require-post-message-target-origin -- a port, not a window
}
