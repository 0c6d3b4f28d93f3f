/** A sandbox's thread, with no ambient authority: no environment, arguments, input, or output of its own. */
import { MessageChannel, Worker, type MessagePort } from 'node:worker_threads'
import type { BoundInterface } from './contract.ts'
import type { EngineLimits } from './limits.ts'
import type { Program } from './program.ts'
import type { SandboxData } from './sandbox-protocol.ts'

export interface ThreadOptions {
  readonly app: string
  readonly code: Pick<SandboxData, 'glue' | 'modules'>
  readonly imports: readonly BoundInterface[]
  readonly cells: SharedArrayBuffer
  readonly program: Program
  readonly limits: EngineLimits
}

/** What it prints must be read by the caller; `replies` is the node's end of the port a blocked guest reads. */
export function spawnThread(options: ThreadOptions): { worker: Worker; replies: MessagePort } {
  const { app, code, imports, cells, program, limits } = options
  const channel = new MessageChannel()
  const workerData: SandboxData = {
    ...code,
    interfaces: imports.map(({ id, functions }) => ({
      id,
      functions: Object.entries(functions).map(([name, { mode }]) => ({ name, mode })),
    })),
    cells,
    replies: channel.port2,
    limits,
  }
  const worker = new Worker(program.sandbox, {
    name: app,
    workerData,
    transferList: [channel.port2],
    env: {},
    argv: [],
    execArgv: [],
    stdin: false,
    stdout: true,
    stderr: true,
    resourceLimits: { maxOldGenerationSizeMb: limits.sandboxHeapMb },
  })
  channel.port1.unref()
  return { worker, replies: channel.port1 }
}
