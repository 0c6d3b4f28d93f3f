/** Entry of a sandbox in a thread: nothing of the process around it is in reach of its guest. */
import { workerData, type MessagePort } from 'node:worker_threads'
import { cells, createSandbox, ThreadTransport, wasiParts } from './guest/inside.ts'

// jco's glue looks up process.env on every step; a plain empty object makes that nearly free (+75 % calls).
process.env = {}

const { port, shared } = workerData as { port: MessagePort; shared: SharedArrayBuffer }
const view = new Int32Array(shared)
const sandbox = createSandbox({
  transport: new ThreadTransport(port, view),
  parts: wasiParts,
  begun: (call) => Atomics.store(view, cells.begun, call),
})
port.on('message', (batch) => sandbox.take(batch))
