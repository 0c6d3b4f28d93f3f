/**
 * How many addresses this process may have, and how much of them one linear memory of WebAssembly may take for itself. Every
 * command asks before it loads anything.
 */
import { readFileSync } from 'node:fs'
import { setFlagsFromString } from 'node:v8'
import { wordBitsOf } from './engine-flags.ts'

const gib = 1024 ** 3
/** Below this a memory may not take what it could grow to: our own (ciphers, SQLite, zstd) name no bound. */
const scarceBytes = 64 * gib
/** A dozen memories of our own, and as much again for heaps and code. */
const shareOfMemory = 32
/** Of WebAssembly. */
const memoryPageBytes = 65_536
/** Of 32 bits, as many as there are: memories are bounded there in any case, see engine-flags.ts. */
const all32BitBytes = 4 * gib

/** What /proc says of a process; null where there is none. */
export interface AddressText {
  readonly limits: string | null
  readonly maps: string | null
}

export function processText(name: 'limits' | 'maps' | 'status'): string | null {
  try {
    return readFileSync(`/proc/self/${name}`, 'utf8')
  } catch {
    return null
  }
}

/** Addresses that the process may have in all: its limit, or what the width of an address allows; Infinity where unknown. */
export function addressBytes({ limits, maps }: AddressText): number {
  const limit = /^Max address space\s+(\d+)\s/m.exec(limits ?? '')?.[1]
  // The stack lies at the upper end of what there is.
  const top = /^[0-9a-f]+-([0-9a-f]+) .*\[stack\]$/m.exec(maps ?? '')?.[1]
  const width = top === undefined ? Infinity : 2 ** Math.ceil(Math.log2(Number.parseInt(top, 16)))
  return Math.min(limit === undefined ? Infinity : Number(limit), width)
}

/** What one memory of this process may grow to where addresses are scarce; Infinity elsewhere. */
export function memoryCapBytes(text: AddressText = readBounds(), arch: string = process.arch): number {
  const bytes = addressBytes(text)
  if (bytes >= (wordBitsOf(arch) === 32 ? all32BitBytes : scarceBytes)) return Infinity
  return Math.floor(bytes / shareOfMemory / memoryPageBytes) * memoryPageBytes
}

/** Holds all memories that this process makes from now on to that. */
export function capMemories(capBytes: number): void {
  if (capBytes !== Infinity) setFlagsFromString(`--wasm-max-mem-pages=${capBytes / memoryPageBytes}`)
}

/** Asked by every command: the width of an address decides nothing here, and the map of a process is long. */
function readBounds(): AddressText {
  return { limits: processText('limits'), maps: null }
}
