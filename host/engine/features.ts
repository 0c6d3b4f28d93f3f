/**
 * Which WebAssembly features beyond the MVP and its early extensions a core module uses.
 *
 * Function bodies are walked opcode by opcode (WebAssembly 3.0, Binary Format), so the answer is what is used,
 * not what a toolchain had switched on. Whether this node can run it is decided by `WebAssembly.validate`.
 */
import { ByteReader, MalformedError } from './byte-reader.ts'

export type WasmFeature = 'exceptions' | 'gc' | 'simd' | 'tail-call' | 'threads'

/** Beside features: instructions after which a module is not as it began, whatever its memory and globals hold. */
type Finding = WasmFeature | 'lasting-change'

const codeSection = 10
const tagSection = 13

/** Sorted. A module that cannot be read to its end yields what was found until there. */
export function featuresOf(module: Uint8Array): WasmFeature[] {
  const { found } = findingsOf(module)
  return [...found].filter((finding) => finding !== 'lasting-change').sort()
}

/**
 * Whether putting memory and globals back makes an instance of it as it began: it writes no table and drops no
 * segment. False also for what cannot be read to its end, and for garbage-collected objects and shared memories.
 */
export function isRestorable(module: Uint8Array): boolean {
  const { found, isWhole } = findingsOf(module)
  return isWhole && !found.has('lasting-change') && !found.has('gc') && !found.has('threads')
}

function findingsOf(module: Uint8Array): { found: ReadonlySet<Finding>; isWhole: boolean } {
  const found = new Set<Finding>()
  try {
    const reader = new ByteReader(module)
    reader.skip(8)
    while (!reader.done) {
      const { id, body } = reader.section()
      if (id === tagSection) found.add('exceptions')
      if (id === codeSection) walkCode(body, found)
    }
  } catch (error) {
    if (!(error instanceof MalformedError)) throw error
    return { found, isWhole: false }
  }
  return { found, isWhole: true }
}

function walkCode(body: ByteReader, found: Set<Finding>): void {
  for (let left = body.count(); left > 0; left -= 1) {
    const size = body.u32()
    const code = new ByteReader(body.bytes, body.at, body.at + size)
    body.skip(size)
    for (let groups = code.count(); groups > 0; groups -= 1) {
      code.u32()
      valueType(code, found)
    }
    while (!code.done) instruction(code, found)
  }
}

function valueType(code: ByteReader, found: Set<Finding>): void {
  const type = code.byte()
  if (type === 0x7b) found.add('simd')
  if (type === 0x63 || type === 0x64) code.skipLeb()
}

/** How many LEB128 immediates follow the one-byte opcodes that have only such. */
const plainImmediates = new Map<number, number>([
  [0x07, 1], [0x08, 1], [0x09, 1], [0x0c, 1], [0x0d, 1], [0x10, 1], [0x11, 2], [0x12, 1], [0x13, 2],
  [0x14, 1], [0x15, 1], [0x18, 1], [0x20, 1], [0x21, 1], [0x22, 1], [0x23, 1], [0x24, 1], [0x25, 1],
  [0x26, 1], [0x3f, 1], [0x40, 1], [0x41, 1], [0x42, 1], [0xd0, 1], [0xd2, 1], [0xd5, 1], [0xd6, 1],
]) // prettier-ignore

function instruction(code: ByteReader, found: Set<Finding>): void {
  const opcode = code.byte()
  if (opcode === 0x12 || opcode === 0x13 || opcode === 0x15) found.add('tail-call')
  if ((opcode >= 0x06 && opcode <= 0x0a) || opcode === 0x18 || opcode === 0x19 || opcode === 0x1f) {
    found.add('exceptions')
  }
  if (opcode >= 0x28 && opcode <= 0x3e) return memoryArgument(code)
  if (opcode >= 0x02 && opcode <= 0x06 && opcode !== 0x05) return code.skipLeb()
  if (opcode === 0x0e) return labels(code)
  if (opcode === 0x1c) {
    for (let left = code.count(); left > 0; left -= 1) valueType(code, found)
    return
  }
  if (opcode === 0x1f) return tryTable(code)
  if (opcode === 0x43) return code.skip(4)
  if (opcode === 0x44) return code.skip(8)
  if (opcode === 0xfb) return collected(found)
  if (opcode === 0x26) found.add('lasting-change')
  if (opcode === 0xfc) return bulk(code, found)
  if (opcode === 0xfd) return vector(code, found)
  if (opcode === 0xfe) return atomic(code, found)
  for (let left = plainImmediates.get(opcode) ?? 0; left > 0; left -= 1) code.skipLeb()
}

/** Alignment and offset; bit 6 of the alignment says that a memory index stands between. */
function memoryArgument(code: ByteReader): void {
  if ((code.u32() & 0x40) !== 0) code.skipLeb()
  code.skipLeb()
}

function labels(code: ByteReader): void {
  for (let left = code.count(); left >= 0; left -= 1) code.skipLeb()
}

function tryTable(code: ByteReader): void {
  code.skipLeb()
  for (let left = code.count(); left > 0; left -= 1) {
    const kind = code.byte()
    if (kind < 2) code.skipLeb()
    code.skipLeb()
  }
}

/** Their immediates are many and change; knowing that they are there is enough. */
function collected(found: Set<Finding>): never {
  found.add('gc')
  throw new MalformedError('not read further')
}

/** data.drop, and of tables: init, elem.drop, copy, grow, fill. (table.size is 16.) */
const changesForGood = new Set([9, 12, 13, 14, 15, 17])

/** Saturating conversions have none; memory and table instructions one or two. */
function bulk(code: ByteReader, found: Set<Finding>): void {
  const opcode = code.u32()
  if (opcode < 8) return
  if (changesForGood.has(opcode)) found.add('lasting-change')
  const two = opcode === 8 || opcode === 10 || opcode === 12 || opcode === 14
  code.skipLeb()
  if (two) code.skipLeb()
}

function vector(code: ByteReader, found: Set<Finding>): void {
  found.add('simd')
  const opcode = code.u32()
  if (opcode <= 11 || opcode === 92 || opcode === 93) memoryArgument(code)
  else if (opcode === 12 || opcode === 13) code.skip(16)
  else if (opcode >= 21 && opcode <= 34) code.skip(1)
  else if (opcode >= 84 && opcode <= 91) {
    memoryArgument(code)
    code.skip(1)
  }
}

function atomic(code: ByteReader, found: Set<Finding>): void {
  found.add('threads')
  if (code.u32() === 3) code.skip(1)
  else memoryArgument(code)
}
