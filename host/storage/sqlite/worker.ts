/**
 * The storage thread: waits for the disk so that the daemon does not. What came for a file while it waited is done in one
 * transaction, in the order of the requests.
 */
import { parentPort, workerData } from 'node:worker_threads'
import { SqliteFiles, type Outcome } from './files.ts'
import type { StorageAnswer, StorageReply, StorageRequest, StorageThreadData } from './protocol.ts'

const { limits } = workerData as StorageThreadData
const files = new SqliteFiles(limits)
let waiting: StorageRequest[] = []
let last: Promise<void> = Promise.resolve()

parentPort?.on('message', (request: StorageRequest) => {
  waiting.push(request)
  // A burst of messages comes in one turn; what comes while it is dealt with makes the next.
  if (waiting.length === 1) setImmediate(() => (last = last.then(dealWithAll)))
})

async function dealWithAll(): Promise<void> {
  const requests = waiting
  waiting = []
  const byPath = new Map<string, StorageRequest[]>()
  for (const request of requests) {
    const others = byPath.get(request.path)
    if (others === undefined) byPath.set(request.path, [request])
    else others.push(request)
  }
  for (const [path, calls] of byPath) {
    const outcomes = await files.runAll(path, calls)
    const held = files.heldAt(path)
    let changes = files.changesAt(path)
    for (const [index, { n }] of calls.entries()) {
      send({ n, held, changes, ...answerOf(outcomes[index]) })
      changes = []
    }
  }
}

function answerOf(outcome: Outcome | undefined): StorageAnswer {
  if (outcome === undefined) return { value: undefined }
  if ('value' in outcome) return outcome
  const { code, kind, message, hint } = outcome.error
  return { problem: { code, kind, message, hint } }
}

function send(reply: StorageReply): void {
  parentPort?.postMessage(reply) // oxlint-disable-line require-post-message-target-origin -- a port, not a window
}
