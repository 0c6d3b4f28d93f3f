/**
 * A core module of WASI preview1 as the whole of a sandbox: no glue, its imports are functions of its own memory.
 * What it exports looks to the node as a component's exports do.
 */
import { randomFillSync } from 'node:crypto'
import type { ByteSource } from './bytes.ts'
import { createStdio } from './cli/index.ts'
import { GuestExit, HostFault } from './ends.ts'
import { createFileTree } from './filesystem/index.ts'
import type { Component } from './glue.ts'
import { camelCase } from './interface-id.ts'
import type { GuestExports, GuestFunction, PartContext } from './part.ts'
import { createPreview1, type Preview1 } from './preview1/index.ts'
import type { Boot } from './protocol.ts'

/** The export under which a command's `_start` is called. */
const commandInterface = 'wasi:cli/run@0.2.12'

/** @throws what the module's start function and its `_initialize` throw; FileError for a folder that is not there */
export function instantiateModule(boot: Boot, { line, settings, atEnd }: PartContext): Component {
  const [only, ...others] = boot.modules
  if (only === undefined || others.length > 0) throw new HostFault('a core module did not come alone')
  const module = only.module instanceof WebAssembly.Module ? only.module : new WebAssembly.Module(only.module)
  const stdio = createStdio(line, settings)
  const preview1 = createPreview1({
    args: settings.args,
    env: settings.env,
    terminal: settings.terminal,
    stdin: opened(() => stdio.stdin()),
    stdout: stdio.stdout(),
    stderr: stdio.stderr(),
    files: createFileTree({ preopens: settings.preopens, line, atEnd }),
    wait: (waitables) => line.wait(waitables),
    look: () => line.poll(),
    clock: { now: () => Date.now(), monotonicMs: () => performance.now() },
    random: (length) => randomFillSync(new Uint8Array(length)),
    exit(code) {
      throw new GuestExit(code)
    },
  })
  const instance = new WebAssembly.Instance(module, preview1.imports as unknown as WebAssembly.Imports)
  const memories = Object.values(instance.exports).filter((item) => item instanceof WebAssembly.Memory)
  return { exports: exportsOf(instance, preview1), memories, instances: [instance], tables: [] }
}

function exportsOf(instance: WebAssembly.Instance, preview1: Preview1): GuestExports {
  const exports: Record<string, GuestFunction | Record<string, GuestFunction>> = {}
  for (const [name, item] of Object.entries(instance.exports)) {
    if (typeof item === 'function') exports[camelCase(name)] = item as GuestFunction
  }
  if ('_start' in instance.exports) {
    let hasRun = false
    const run = (): void => {
      if (hasRun) throw new Error('a command runs once')
      hasRun = true
      try {
        begin(instance, preview1)
      } finally {
        // Also what it printed last, without an end of line.
        preview1.close()
      }
    }
    exports[commandInterface] = { run }
  } else begin(instance, preview1)
  return exports
}

function begin(instance: WebAssembly.Instance, preview1: Preview1): void {
  const code = preview1.start(instance)
  if (code !== 0) throw new GuestExit(code)
}

/** Opened when it is first read: a program that never does takes nothing from its terminal. */
function opened(open: () => ByteSource): ByteSource {
  let source: ByteSource | null = null
  return {
    read: (maxBytes) => (source ??= open()).read(maxBytes),
    ready: () => (source ??= open()).ready(),
    close: () => source?.close(),
  }
}
