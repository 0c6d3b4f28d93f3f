/** Entry of a thread that several small apps of one publisher share: each has its own sandbox, all have one fate. */
import { workerData, type MessagePort } from 'node:worker_threads'
import {
  closeRealm,
  createSandbox,
  sharedCells,
  SharedPort,
  wasiParts,
  type InnerSandbox,
  type ToShared,
} from './guest/inside.ts'

closeRealm()

const { port, shared } = workerData as { port: MessagePort; shared: SharedArrayBuffer }
const view = new Int32Array(shared)
const line = new SharedPort(port, view)
const sandboxes = new Map<number, InnerSandbox>()

port.on('message', (message: ToShared) => {
  const gone = line.keep(message)
  if (gone !== null) drop(gone)
  for (let next = line.next(); next !== null; next = line.next()) {
    Atomics.add(view, sharedCells.turns, 1)
    Atomics.store(view, sharedCells.held, next.sandbox)
    const isLeaving = Atomics.load(view, sharedCells.leaving(next.sandbox)) === next.sandbox
    if (!isLeaving) sandboxOf(next.sandbox).take(next.batch)
    Atomics.store(view, sharedCells.held, 0)
    for (const goner of line.takeGoners()) drop(goner)
  }
})

function sandboxOf(number: number): InnerSandbox {
  const known = sandboxes.get(number)
  if (known !== undefined) return known
  const made = createSandbox({
    transport: line.transportOf(number),
    parts: wasiParts,
    begun: (call) => Atomics.store(view, sharedCells.begunBy(number), call),
  })
  sandboxes.set(number, made)
  return made
}

function drop(number: number): void {
  sandboxes.get(number)?.end()
  sandboxes.delete(number)
  line.drop(number)
}
