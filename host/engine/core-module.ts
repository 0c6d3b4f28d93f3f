/**
 * Core modules: capping what their memories and tables may grow to.
 *
 * A worker's resource limits do not reach WebAssembly memory, so the limit is written into the module itself:
 * the engine then refuses to grow past it, at no cost per access.
 */
import { ByteReader, encodeU32, MalformedError } from './byte-reader.ts'

export const pageBytes = 65_536

const tableSection = 4
const memorySection = 5

/** A memory that a module defines (not one that it imports), in pages of 64 KiB. */
export interface MemorySpec {
  readonly minPages: number
  /** null where the module sets no maximum. */
  readonly maxPages: number | null
}

interface Limits {
  readonly flags: number
  readonly min: number
  readonly max: number | null
}

/** @throws MalformedError also for 64-bit memories, which no component of WASI 0.2 has */
export function memoriesOf(module: Uint8Array): MemorySpec[] {
  const memories: MemorySpec[] = []
  const reader = new ByteReader(module)
  reader.skip(8)
  while (!reader.done) {
    const { id, body } = reader.section()
    if (id !== memorySection) continue
    for (let left = body.count(); left > 0; left -= 1) {
      const { min, max } = readLimits(body)
      memories.push({ minPages: min, maxPages: max })
    }
  }
  return memories
}

/** What each table that a module defines begins with, in entries. @throws MalformedError */
export function tablesOf(module: Uint8Array): number[] {
  const tables: number[] = []
  const reader = new ByteReader(module)
  reader.skip(8)
  while (!reader.done) {
    const { id, body } = reader.section()
    if (id === tableSection) for (const { limits } of readTables(body)) tables.push(limits.min)
  }
  return tables
}

/**
 * The module with no memory above `maxPages` and no table that grows by more than `spareEntries`. A lower maximum that
 * it sets itself stays. All other bytes are kept as they are.
 * @throws MalformedError
 */
export function capModule(module: Uint8Array, maxPages: number, spareEntries: number): Uint8Array {
  const parts: Uint8Array[] = [module.subarray(0, 8)]
  const reader = new ByteReader(module)
  reader.skip(8)
  while (!reader.done) {
    const start = reader.at
    const { id, body } = reader.section()
    if (id === memorySection || id === tableSection) {
      const content = id === memorySection ? capMemories(body, maxPages) : capTables(body, spareEntries)
      parts.push(Uint8Array.of(id), encodeU32(content.length), content)
    } else {
      parts.push(module.subarray(start, reader.at))
    }
  }
  return joinBytes(parts)
}

function capMemories(body: ByteReader, maxPages: number): Uint8Array {
  const count = body.count()
  const parts = [encodeU32(count)]
  for (let left = count; left > 0; left -= 1) parts.push(encodeLimits(readLimits(body), maxPages))
  return joinBytes(parts)
}

function capTables(body: ByteReader, spareEntries: number): Uint8Array {
  const tables = readTables(body)
  const parts = [encodeU32(tables.length)]
  for (const { type, limits, initial } of tables) {
    parts.push(type, encodeLimits(limits, limits.min + spareEntries), initial)
  }
  return joinBytes(parts)
}

interface TableSpec {
  /** What stands before its limits and behind them, as it is. */
  readonly type: Uint8Array
  readonly limits: Limits
  readonly initial: Uint8Array
}

function readTables(body: ByteReader): TableSpec[] {
  const tables: TableSpec[] = []
  for (let left = body.count(); left > 0; left -= 1) {
    const start = body.at
    const first = body.byte()
    // 0x40 0x00 tabletype expr: a table with an initial value (function-references). What follows the limits
    // has no length of its own, so such a table must be the section's last.
    if (first === 0x40) body.byte()
    const kind = first === 0x40 ? body.byte() : first
    if (kind === 0x63 || kind === 0x64) body.skipLeb()
    const type = body.bytes.subarray(start, body.at)
    const limits = readLimits(body)
    if (first === 0x40 && left > 1) throw new MalformedError('several tables with initial values')
    const end = first === 0x40 ? body.end : body.at
    tables.push({ type, limits, initial: body.bytes.subarray(body.at, end) })
  }
  return tables
}

/** flags: 1 has a maximum, 2 is shared, 4 is 64-bit, 8 has its own page size. */
function readLimits(reader: ByteReader): Limits {
  const flags = reader.byte()
  if (flags > 3)
    throw new MalformedError('a 64-bit memory or a custom page size, neither of which WASI 0.2 has')
  const min = reader.u32()
  return { flags, min, max: (flags & 1) === 1 ? reader.u32() : null }
}

function encodeLimits({ flags, min, max }: Limits, cap: number): Uint8Array {
  const capped = Math.max(min, Math.min(max ?? cap, cap))
  return joinBytes([Uint8Array.of(flags | 1), encodeU32(min), encodeU32(capped)])
}

export function joinBytes(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0))
  let at = 0
  for (const part of parts) {
    whole.set(part, at)
    at += part.length
  }
  return whole
}
