/**
 * Entry of a sandbox's thread: makes one instance of one component and calls it when asked.
 *
 * The glue arrives as text and the modules compiled, both from bytes that the node has verified; nothing is read
 * from disk here. Any throw that is not a declared WIT error ends the sandbox (jco goes on after a stack overflow,
 * which leaves the guest's memory in an unknown state).
 */
import { compileFunction } from 'node:vm'
import { parentPort, workerData } from 'node:worker_threads'
import { endOf, HostFault, type GuestEnd } from './guest-ends.ts'
import { bindInterfaces, HostLine, refusePromises } from './guest-imports.ts'
import { camelCase, satisfiesExport } from './interface-id.ts'
import type { CallMessage, FromSandbox, Outcome, SandboxData } from './sandbox-protocol.ts'
import { assertBounded } from './values.ts'
import { createWasi, type GuestImports } from './wasi.ts'

// jco's glue looks up process.env on every step; a plain empty object makes that nearly free (+75 % calls).
process.env = {}

type GuestFunction = (...args: unknown[]) => unknown
type GuestExports = Record<string, GuestFunction | Record<string, GuestFunction>>
type Instantiate = (
  getCoreModule: (name: string) => WebAssembly.Module,
  imports: GuestImports,
  instantiateCore: (module: WebAssembly.Module, imports?: WebAssembly.Imports) => WebAssembly.Instance,
) => GuestExports | Promise<GuestExports>

const data = workerData as SandboxData
const memories: WebAssembly.Memory[] = []
const port = parentPort
if (port === null) throw new Error('this file is the entry of a worker')
const send = (message: FromSandbox): void => port.postMessage(message) // oxlint-disable-line require-post-message-target-origin -- that is for windows

send({ type: 'loaded' })
try {
  const instantiate = loadGlue(data.glue)
  const line = new HostLine(send, data.replies, data.cells, data.limits)
  const wasi = createWasi({
    lineChars: data.limits.lineChars,
    line: (stream, text) => line.post({ type: 'line', stream, line: text }),
  })
  const imports = refusePromises({ ...wasi, ...bindInterfaces(data.interfaces, line) })
  const exports = await instantiate(coreModule, imports, instantiateCore())
  port.on('message', ({ target, args }: CallMessage) => {
    send({ type: 'result', outcome: run(exports, target, args) })
  })
  send({ type: 'ready' })
} catch (error) {
  send({ type: 'start-failed', ...ending(error) })
}

/**
 * Makes a function of the glue's text. As a module it would need an address (a `data:` one appears whole in every
 * frame of every stack trace) and could import others; a function compiled like this cannot.
 */
function loadGlue(text: string): Instantiate {
  const body = text
    .replace(/^export (?=function instantiate\b|const _util\b)/gm, '')
    .replaceAll('import.meta.url', "'component.js'")
  const make = compileFunction(`'use strict';\n${body}\nreturn instantiate`, [], { filename: 'component.js' })
  return (make as () => Instantiate)()
}

function coreModule(name: string): WebAssembly.Module {
  const found = data.modules.find((candidate) => candidate.name === name)
  if (found === undefined) throw new HostFault(`the glue asks for ${name}, which its component does not have`)
  return found.module
}

/** Counts instances, and refuses a second one of a module with a memory: it would have the app's limit again. */
function instantiateCore(): (
  module: WebAssembly.Module,
  imports?: WebAssembly.Imports,
) => WebAssembly.Instance {
  const withMemory = new Set(data.modules.filter(({ hasMemory }) => hasMemory).map(({ module }) => module))
  const made = new Set<WebAssembly.Module>()
  let count = 0
  return (module, imports) => {
    count += 1
    if (count > data.limits.coreInstances)
      throw new Error(`more than ${data.limits.coreInstances} core instances`)
    if (withMemory.has(module) && made.has(module))
      throw new Error('a core module with a memory is used twice')
    made.add(module)
    const instance = new WebAssembly.Instance(module, imports)
    for (const item of Object.values(instance.exports)) {
      if (item instanceof WebAssembly.Memory) memories.push(item)
    }
    return instance
  }
}

function run(exports: GuestExports, target: string, args: readonly unknown[]): Outcome {
  const guestFunction = find(exports, target)
  if (guestFunction === null) {
    const names = Object.keys(exports).filter(
      (name) => name.includes('/') || typeof exports[name] === 'function',
    )
    return { kind: 'no-export', message: `it exports ${names.join(', ') || 'nothing'}` }
  }
  try {
    const value = guestFunction(...args)
    if (value instanceof Promise) throw new Error('its export is asynchronous, which WASI 0.2 does not have')
    assertBounded(value, data.limits.valueBytes)
    return { kind: 'ok', value }
  } catch (error) {
    if (isDeclared(error)) {
      const { payload } = error
      try {
        assertBounded(payload, data.limits.valueBytes)
        return { kind: 'err', payload }
      } catch (tooLarge) {
        return { kind: 'end', ...ending(tooLarge) }
      }
    }
    return { kind: 'end', ...ending(error) }
  }
}

/** `interface@version#function`, or the name of a function exported by itself. */
function find(exports: GuestExports, target: string): GuestFunction | null {
  const [owner = '', name] = target.split('#')
  if (name === undefined) {
    const own = Object.hasOwn(exports, camelCase(owner)) ? exports[camelCase(owner)] : undefined
    return typeof own === 'function' ? own : null
  }
  const match = Object.keys(exports).find((candidate) => satisfiesExport(candidate, owner))
  const functions = match === undefined ? undefined : exports[match]
  if (typeof functions !== 'object' || !Object.hasOwn(functions, camelCase(name))) return null
  return functions[camelCase(name)] ?? null
}

/** The class is the glue's own, so only its name can be compared; a guest cannot throw one by itself. */
function isDeclared(error: unknown): error is Error & { readonly payload: unknown } {
  return (
    error instanceof Error && error.constructor.name === 'ComponentError' && Object.hasOwn(error, 'payload')
  )
}

function ending(error: unknown): GuestEnd {
  return endOf(error, memories.some(isFull))
}

/** The sandbox ends after this, so that growing a memory that still could does no harm. */
function isFull(memory: WebAssembly.Memory): boolean {
  try {
    memory.grow(1)
    return false
  } catch {
    return true
  }
}
