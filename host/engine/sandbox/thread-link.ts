/** A sandbox in a thread of the node. */
import { messageOf } from '../../../core/index.ts'
import {
  cells,
  packToGuest,
  unpackToHost,
  type Boot,
  type PackedBatch,
  type ToGuest,
} from '../../guest/index.ts'
import { startThread } from '../../threads/index.ts'
import type { StoredComponent } from '../cache.ts'
import type { LinkFactory } from './link.ts'

export const spawnThread: LinkFactory = ({ program, limits, events, thread }) => {
  const isFit = thread?.heapMb === limits.sandboxHeapMb && !thread.isOver()
  if (!isFit) void thread?.worker.terminate()
  const { worker, port, shared } = isFit ? thread : startThread(program.sandbox, limits.sandboxHeapMb)
  const view = new Int32Array(shared)
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
