/**
 * One run of a command: its streams are ours, and so is its end. What became of it is told as an exit status, in
 * the numbers a shell knows.
 */
import { isSelvedgeError, type SelvedgeError } from '../../core/index.ts'
import { WitError, type Incident, type Sandbox } from '../engine/index.ts'
import type { ByteStreams, RunRequest } from './contract.ts'
import { withRunHint } from './hints.ts'
import { printedValue, readArgument, readCoreArguments } from './invocation.ts'
import { openLocalApp, type LocalApp } from './local-app.ts'
import { readWitArguments } from './wit-arguments.ts'
import { startOf } from './start-export.ts'

export interface CommandRequest extends RunRequest {
  /** Absolute, of `file`. */
  readonly path: string
  readonly args: readonly string[]
  /** A function to call in place of the command's own start, with `args` as its arguments. */
  readonly invoke: string | null
  readonly streams: ByteStreams
  /** Aborted when the program is to end, on Ctrl-C for instance. */
  readonly signal: AbortSignal
}

/** How it ended: with a status of its own, by a fault, or because somebody wanted it. */
export type CommandEnd =
  | { readonly kind: 'exited'; readonly status: number }
  | { readonly kind: 'failed'; readonly status: number; readonly error: SelvedgeError }
  | { readonly kind: 'interrupted' }

/** As a shell reports a process that ended by SIGABRT, which is how runtimes end after a trap: 128 + 6. */
const trapStatus = 134
/** As timeout(1) reports what it ended. */
const deadlineStatus = 124

/** @throws what `openLocalApp` throws; ERR_NOT_A_COMMAND, ERR_RUN_ARGUMENTS */
export async function runCommand(request: CommandRequest): Promise<CommandEnd> {
  const { streams, signal } = request
  const args = request.invoke === null ? request.args : []
  const interrupted = interruption(signal)
  const app = await Promise.race([openLocalApp(request, request.path, args, signal), interrupted])
  if ('kind' in app) return app
  const target = request.invoke ?? startOf(app.prepared.facts, request.file)
  const values = request.invoke === null ? [] : argumentsOf(request.invoke, request.args, app)
  let sandbox: Sandbox | null = null
  const run = async (): Promise<CommandEnd> => {
    try {
      const world = { ...app.start.world, terminal: streams.terminal }
      sandbox = await app.engine.start({ ...app.start, world, streams })
      const value = await sandbox.call(target, values)
      if (request.invoke !== null && value !== undefined)
        await streams.stdout(Buffer.from(`${printedValue(value)}\n`))
      // Resolves when what it wrote has been handed on.
      await sandbox.stop()
      return { kind: 'exited', status: 0 }
    } catch (error) {
      // The first reason stands: this ends only what has not ended by itself.
      await sandbox?.stop()
      return endOf(error, (await sandbox?.ended) ?? null)
    }
  }
  const end = await Promise.race([run(), interrupted])
  // An interrupted program is gone before it is told; what it wrote and nobody took is of no interest then.
  if (end.kind === 'interrupted') void app.close()
  else await app.close()
  return end
}

/** @throws ERR_RUN_ARGUMENTS */
function argumentsOf(name: string, texts: readonly string[], app: LocalApp): readonly unknown[] {
  const signature = app.signatureOf(name)
  if (signature !== null) return readWitArguments(name, texts, signature)
  const parameters = app.parametersOf(name)
  return parameters === null ? texts.map(readArgument) : readCoreArguments(name, texts, parameters)
}

/** What a failure is as an end. @param incident why the sandbox is gone, where it is */
export function endOf(failure: unknown, incident: Incident | null): CommandEnd {
  if (failure instanceof WitError) return { kind: 'exited', status: 1 }
  if (incident?.exitCode !== undefined) return { kind: 'exited', status: statusOf(incident.exitCode) }
  const error = withRunHint(failure)
  if (!isSelvedgeError(error)) throw error
  return { kind: 'failed', status: statusOfFailure(error, incident), error }
}

function statusOfFailure(error: SelvedgeError, incident: Incident | null): number {
  if (error.code === 'ERR_APP_DEADLINE') return deadlineStatus
  const isTrap =
    incident === null ? error.code === 'ERR_APP_START' : /^(trap|memory|crash)$/.test(incident.reason)
  return isTrap ? trapStatus : 1
}

/** A process has eight bits for it, and a failure must not become a success. */
function statusOf(code: number): number {
  return code === 0 ? 0 : code & 0xff || 1
}

/** Resolves when the signal is aborted; never where it is not. */
export function interruption(signal: AbortSignal): Promise<{ readonly kind: 'interrupted' }> {
  return new Promise((resolve) => {
    const end = (): void => resolve({ kind: 'interrupted' as const })
    if (signal.aborted) end()
    else signal.addEventListener('abort', end, { once: true })
  })
}
