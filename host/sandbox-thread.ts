/** Entry of a sandbox in a thread: nothing of the process around it is in reach of its guest. */
import { workerData, type MessagePort } from 'node:worker_threads'
import { cells, closeRealm, createSandbox, ThreadTransport, warmUp, wasiParts } from './guest/inside.ts'

closeRealm()

const { port, shared } = workerData as { port: MessagePort; shared: SharedArrayBuffer }
const view = new Int32Array(shared)
const transport = new ThreadTransport(port, view)
const sandbox = createSandbox({
  transport,
  parts: wasiParts,
  begun: (call) => Atomics.store(view, cells.begun, call),
})
transport.onBatch((batch) => void sandbox.take(batch))
// A thread that was started for an app has its boot already, and better things to do.
if (Atomics.load(view, cells.batches) === 0) await warmUp(wasiParts)
