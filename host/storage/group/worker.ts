/** The thread of the group stores: waits for the disk so that the daemon does not. It answers in the order of the requests. */
import { parentPort, workerData } from 'node:worker_threads'
import { ReplicaFiles } from './files.ts'
import type { ReplicaReply, ReplicaRequest, ReplicaThreadData } from './protocol.ts'

const { limits, node } = workerData as ReplicaThreadData
const files = new ReplicaFiles(limits, node)
let last: Promise<void> = Promise.resolve()

parentPort?.on('message', (request: ReplicaRequest) => {
  last = last.then(() => answer(request))
})

async function answer(request: ReplicaRequest): Promise<void> {
  const { n, path } = request
  const outcome = await files.run(request)
  const news = { n, held: files.heldAt(path), changes: files.changesAt(path) }
  if ('value' in outcome) return send({ ...news, value: outcome.value })
  const { code, kind, message, hint } = outcome.error
  send({ ...news, problem: { code, kind, message, hint } })
}

function send(reply: ReplicaReply): void {
  parentPort?.postMessage(reply) // oxlint-disable-line require-post-message-target-origin -- a port, not a window
}
