/**
 * A thread for one sandbox that is nobody's yet. It has no ambient authority: no environment, arguments, input, or output
 * of its own. Apart from the engine, so that one can be started before the rest of the program is evaluated.
 */
import { MessageChannel, Worker, type MessagePort } from 'node:worker_threads'
import { cellCount } from '../guest/index.ts'

export interface IdleThread {
  readonly worker: Worker
  /** What it says waits there for whoever takes it. */
  readonly port: MessagePort
  /** The cells of guest/protocol.ts. */
  readonly shared: SharedArrayBuffer
  /** The most its JavaScript heap may take, MiB. */
  readonly heapMb: number
  /** Whether it ended before anybody took it. */
  isOver(): boolean
}

/** @param program sandbox.mjs. @param heapMb the most its JavaScript heap may take, MiB */
export function startThread(program: URL, heapMb: number): IdleThread {
  const { port1: port, port2 } = new MessageChannel()
  const shared = new SharedArrayBuffer(cellCount * 4)
  const worker = new Worker(program, {
    name: 'sandbox',
    workerData: { port: port2, shared },
    transferList: [port2],
    env: {},
    argv: [],
    execArgv: [],
    stdin: false,
    stdout: true,
    stderr: true,
    resourceLimits: { maxOldGenerationSizeMb: heapMb },
  })
  let isOver = false
  const over = (): void => void (isOver = true)
  // Without a listener an error of the thread would end the process.
  worker.on('error', over)
  worker.on('exit', over)
  return { worker, port, shared, heapMb, isOver: () => isOver }
}
