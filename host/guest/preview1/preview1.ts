/**
 * WASI preview1 for core modules, as wasi-libc, Go, Rust's wasip1 and AssemblyScript import it: every function of
 * `wasi_snapshot_preview1` over the same files, streams and waiting that WASI 0.2 guests have here.
 *
 * Nothing of the guest's is trusted: pointers and lengths are checked against its memory, numbers against the
 * witx, and every table and copy has a limit.
 */
import type { ByteSink, ByteSource, Waitable } from '../bytes.ts'
import { FileError, fileError, type FileTree } from '../filesystem/index.ts'
import { allRights, folderRights, rights, stdioRights } from './abi.ts'
import type { CallContext, Calls, Preview1Clock } from './context.ts'
import { DescriptorTable } from './descriptors.ts'
import { fdCalls } from './fd-calls.ts'
import { GuestMemory } from './memory.ts'
import { pathCalls } from './path-calls.ts'
import { pollCalls } from './poll.ts'
import { cStrings, processCalls } from './process-calls.ts'

export interface Preview1Options {
  /** With the program's own name first, as C has it. */
  readonly args: readonly string[]
  readonly env: readonly (readonly [name: string, value: string])[]
  readonly stdin: ByteSource
  readonly stdout: ByteSink
  readonly stderr: ByteSink
  /** Which of them are a person's terminal: programs ask (isatty) and behave otherwise. */
  readonly terminal: { readonly stdin: boolean; readonly stdout: boolean; readonly stderr: boolean }
  /** Its preopens are opened at once, and closed by the guest or by `close`. */
  readonly files: Pick<FileTree, 'openPreopens'>
  /** `HostLine.wait`: sleeps until one of these is ready. */
  wait(waitables: readonly Waitable[]): void
  /** `HostLine.poll`: takes in what has arrived. */
  look?(): void
  readonly clock: Preview1Clock
  /** At most 64 KiB at once. */
  random(length: number): Uint8Array
  /** Ends the guest by what it throws, through the guest's frames: `GuestExit` of the engine. */
  exit(code: number): never
}

export interface Preview1 {
  readonly imports: {
    readonly wasi_snapshot_preview1: Readonly<Record<string, (...args: never[]) => unknown>>
  }
  /**
   * Where the module imports its memory, before it is instantiated; otherwise `start` takes the exported one.
   */
  bind(memory: WebAssembly.Memory): void
  /**
   * Runs a command (`_start`) to its end, or makes a reactor ready (`_initialize`, if it has one).
   * @returns the exit code: 0 where it returned. @throws what the guest's trap throws; TypeError where the module
   * exports no memory, or both `_start` and `_initialize`
   */
  start(instance: WebAssembly.Instance): number
  /** Closes every descriptor the guest left open, its streams too. */
  close(): void
}

export function createPreview1(options: Preview1Options): Preview1 {
  const memory = new GuestMemory()
  const descriptors = new DescriptorTable()
  addStdio(descriptors, options)
  addPreopens(descriptors, options.files)
  let exited: { readonly code: number; readonly error: unknown } | null = null
  const context: CallContext = {
    memory,
    descriptors,
    clock: options.clock,
    args: cStrings(options.args),
    env: cStrings(options.env.map(([name, value]) => `${name}=${value}`)),
    random: (length) => options.random(length),
    wait: (waitables) => options.wait(waitables),
    look: () => options.look?.(),
    exit(code) {
      try {
        return options.exit(code)
      } catch (error) {
        exited = { code, error }
        throw error
      }
    },
  }
  const calls = {
    ...processCalls(context),
    ...fdCalls(context),
    ...pathCalls(context),
    ...pollCalls(context),
  }
  return {
    imports: { wasi_snapshot_preview1: bound(calls) },
    bind: (bindable) => memory.bind(bindable),
    start(instance) {
      const { memory: exported, _start: command, _initialize: reactor } = instance.exports
      if (exported instanceof WebAssembly.Memory) memory.bind(exported)
      if (typeof command === 'function' && typeof reactor === 'function') {
        throw new TypeError(
          'the module exports both _start and _initialize, so it is neither command nor reactor',
        )
      }
      const entry = command ?? reactor
      try {
        if (typeof entry === 'function') entry()
        return 0
      } catch (error) {
        if (exited === null || exited.error !== error) throw error
        return exited.code
      }
    },
    close: () => descriptors.closeAll(),
  }
}

/** With errors as errno, and the guest's i32, which JavaScript sees signed, as the unsigned numbers they are. */
function bound(calls: Calls): Record<string, (...args: never[]) => unknown> {
  return Object.fromEntries(
    Object.entries(calls).map(([name, call]) => {
      const run = call as (...args: (number | bigint)[]) => void
      const isSigned = name === 'fd_seek'
      return [
        name,
        (...args: (number | bigint)[]): number => {
          try {
            run(...args.map((arg) => unsigned(arg, isSigned)))
            return 0
          } catch (error) {
            if (error instanceof FileError) return error.number
            return fileError(error).number
          }
        },
      ]
    }),
  )
}

function unsigned(arg: number | bigint, isSigned: boolean): number | bigint {
  if (typeof arg === 'number') return arg >>> 0
  return isSigned ? arg : BigInt.asUintN(64, arg)
}

function addStdio(descriptors: DescriptorTable, { stdin, stdout, stderr, terminal }: Preview1Options): void {
  const common = { kind: 'stream', inheriting: 0n, flags: 0 } as const
  const reads = stdioRights | rights.fdRead
  const writes = stdioRights | rights.fdWrite | rights.fdSync
  descriptors.add({ ...common, source: stdin, sink: null, isTerminal: terminal.stdin, rights: reads })
  descriptors.add({ ...common, source: null, sink: stdout, isTerminal: terminal.stdout, rights: writes })
  descriptors.add({ ...common, source: null, sink: stderr, isTerminal: terminal.stderr, rights: writes })
}

function addPreopens(descriptors: DescriptorTable, files: Preview1Options['files']): void {
  for (const { guestPath, folder } of files.openPreopens()) {
    descriptors.add({
      kind: 'folder',
      handle: folder,
      guestPath,
      pages: null,
      rights: folderRights,
      inheriting: allRights,
      flags: 0,
    })
  }
}
