/**
 * How a guest's run ends when it does not return: what is told to the node, and in which words.
 */

import { plainText } from '../../core/index.ts'
import { readableName } from './function-name.ts'
import type { EndOfGuest } from './protocol.ts'

/** The guest called exit. Travels through its frames as an exception. */
export class GuestExit extends Error {
  override readonly name = 'GuestExit'
  readonly code: number

  constructor(code: number) {
    super(`it called exit with code ${code}`)
    this.code = code
  }
}

/** The host's side of an import broke its contract. */
export class HostFault extends Error {
  override readonly name = 'HostFault'
}

const maxMessageChars = 600
const maxFrames = 6

/**
 * @param memoryFull whether one of its memories is at its maximum, which makes a trap a matter of memory
 */
export function endOf(error: unknown, memoryFull: boolean): EndOfGuest {
  if (error instanceof GuestExit) return { reason: 'exit', message: error.message, exitCode: error.code }
  if (error instanceof HostFault) return { reason: 'host-fault', message: error.message }
  const message = plainText(`${summary(error)}${whereIn(error)}`).slice(0, maxMessageChars)
  return { reason: memoryFull ? 'memory' : 'trap', message }
}

function summary(error: unknown): string {
  if (error instanceof RangeError && /call stack/.test(error.message)) return 'stack overflow'
  if (error instanceof WebAssembly.RuntimeError) return error.message.replace(/^wasm trap: /, '')
  if (error instanceof Error) return `${error.name}: ${error.message}`
  return 'it threw an exception of its own that nothing caught'
}

/** ` in grow < handle`: innermost first, by the module's own names where it kept them, else by index. */
function whereIn(error: unknown): string {
  const frames = error instanceof Error ? (error.stack ?? '').split('\n') : []
  const names = frames.flatMap((frame) => wasmFrame(frame) ?? [])
  const distinct = names.filter((name, index) => name !== names[index - 1]).slice(0, maxFrames)
  return distinct.length === 0 ? '' : ` in ${distinct.join(' < ')}`
}

/** V8: `at NAME (wasm://wasm/HASH:wasm-function[3]:0x5f)`, or without a name and brackets. */
function wasmFrame(frame: string): string | null {
  const index = /wasm-function\[(\d+)\]/.exec(frame)?.[1]
  if (index === undefined) return null
  const name = /^\s*at (.+) \(wasm:/.exec(frame)?.[1]?.replace(/^wasm\S*\./, '')
  return name === undefined ? `function ${index}` : readableName(name)
}
