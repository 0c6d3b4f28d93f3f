/** A sandbox in a thread, with no ambient authority: no environment, arguments, input, or output of its own. */
import { MessageChannel, Worker } from 'node:worker_threads'
import { messageOf } from '../../../core/index.ts'
import {
  cellCount,
  cells,
  packToGuest,
  unpackToHost,
  type Boot,
  type PackedBatch,
  type ToGuest,
} from '../../guest/index.ts'
import type { StoredComponent } from '../cache.ts'
import type { LinkFactory } from './link.ts'

export const spawnThread: LinkFactory = ({ program, limits, events }) => {
  const channel = new MessageChannel()
  const shared = new SharedArrayBuffer(cellCount * 4)
  const view = new Int32Array(shared)
  const port = channel.port1
  const worker = new Worker(program.sandbox, {
    name: 'sandbox',
    workerData: { port: channel.port2, shared },
    transferList: [channel.port2],
    env: {},
    argv: [],
    execArgv: [],
    stdin: false,
    stdout: true,
    stderr: true,
    resourceLimits: { maxOldGenerationSizeMb: limits.sandboxHeapMb },
  })
  let isOver = false
  const end = (reason: 'memory' | 'host-fault', message: string): void => {
    if (isOver) return
    isOver = true
    events.ended(reason, message)
  }
  port.on('message', (packed: PackedBatch) => {
    if (!isOver) events.batch(unpackToHost(packed))
  })
  port.unref()
  worker.stdout.on('data', (chunk: Buffer) => events.printed(chunk.toString('utf8', 0, 1_000)))
  worker.stderr.on('data', (chunk: Buffer) => events.printed(chunk.toString('utf8', 0, 1_000)))
  worker.on('error', (error: NodeJS.ErrnoException) => {
    const memory = error.code === 'ERR_WORKER_OUT_OF_MEMORY'
    end(memory ? 'memory' : 'host-fault', `its thread failed: ${messageOf(error)}`)
  })
  worker.on('exit', (code) => end('host-fault', `its thread ended by itself with code ${code}`))

  return {
    pid: null,
    sharesMemory: true,
    send(batch: readonly ToGuest[]) {
      port.postMessage(packToGuest(batch))
      Atomics.add(view, cells.batches, 1)
      Atomics.notify(view, cells.batches)
    },
    modulesOf: compiledModules,
    begun: () => Atomics.load(view, cells.begun),
    isHeldUp: () => false,
    async terminate() {
      isOver = true
      await worker.terminate()
      port.close()
    },
  }
}

/** A compiled module is shared by all threads that are given it. */
const compiled = new WeakMap<StoredComponent['modules'], Promise<Boot['modules']>>()

export function compiledModules({ modules }: Pick<StoredComponent, 'modules'>): Promise<Boot['modules']> {
  const made = compiled.get(modules) ?? compile(modules)
  compiled.set(modules, made)
  return made
}

function compile(modules: StoredComponent['modules']): Promise<Boot['modules']> {
  return Promise.all(
    modules.map(async ({ name, hasMemory, bytes }) => ({
      name,
      hasMemory,
      module: await WebAssembly.compile(new Uint8Array(bytes)),
    })),
  )
}
