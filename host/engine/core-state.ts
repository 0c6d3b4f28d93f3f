/**
 * Makes a core module's state reachable: its memory and its mutable globals are exported under names that no core
 * module of the component has, so that a sandbox can put them back as they were (`guest/restore.ts`).
 *
 * An instance is memory, globals, tables and segments. A module that writes tables or drops segments is left out,
 * as is one with globals that JavaScript cannot read (vectors) or that hold references.
 */
import { ByteReader, encodeU32 } from './byte-reader.ts'
import { joinBytes } from './core-module.ts'
import { isRestorable } from './features.ts'

const importSection = 2
const memorySection = 5
const globalSection = 6
const exportSection = 7

const memoryKind = 2
const globalKind = 3
const numericTypes: ReadonlySet<number> = new Set([0x7f, 0x7e, 0x7d, 0x7c])

interface State {
  /** Index of the memory it defines. */
  readonly memory: number | null
  /** Indexes of the mutable globals it defines. */
  readonly globals: readonly number[]
  readonly exportNames: readonly string[]
}

/**
 * The modules with their state exported under names that begin with `prefix`; null where one of them cannot be
 * put back. They must be valid. @throws MalformedError
 */
export function exposeState(
  modules: ReadonlyMap<string, Uint8Array>,
): { readonly prefix: string; readonly modules: ReadonlyMap<string, Uint8Array> } | null {
  const states = new Map<string, State>()
  for (const [name, module] of modules) {
    const state = isRestorable(module) ? stateOf(module) : null
    if (state === null) return null
    states.set(name, state)
  }
  let prefix = 'state'
  const taken = [...states.values()].flatMap(({ exportNames }) => exportNames)
  while (taken.some((name) => name.startsWith(prefix))) prefix += '$'
  return {
    prefix,
    modules: new Map(
      [...modules].map(([name, module]) => [name, withExports(module, states.get(name)!, prefix)]),
    ),
  }
}

/** @returns null where it has a mutable global of a type that cannot be put back */
function stateOf(module: Uint8Array): State | null {
  const exportNames: string[] = []
  let memories = 0
  let memory: number | null = null
  let globals: number[] | null = []
  let importedGlobals = 0
  for (const { id, body } of sections(module)) {
    if (id === importSection) {
      const imported = importsOf(body)
      memories = imported.memories
      importedGlobals = imported.globals
    }
    if (id === memorySection && body.count() > 0) memory = memories
    if (id === globalSection) globals = mutableGlobals(body, importedGlobals)
    if (id === exportSection) exportNames.push(...namesOf(body))
  }
  return globals === null ? null : { memory, globals, exportNames }
}

function* sections(
  module: Uint8Array,
): Generator<{ id: number; body: ByteReader; start: number; end: number }> {
  const reader = new ByteReader(module)
  reader.skip(8)
  while (!reader.done) {
    const start = reader.at
    yield { ...reader.section(), start, end: reader.at }
  }
}

function importsOf(body: ByteReader): { memories: number; globals: number } {
  let memories = 0
  let globals = 0
  for (let left = body.count(); left > 0; left -= 1) {
    body.skip(body.u32())
    body.skip(body.u32())
    const kind = body.byte()
    if (kind === 0) body.skipLeb()
    else if (kind === 1) {
      referenceType(body)
      limits(body)
    } else if (kind === memoryKind) {
      memories += 1
      limits(body)
    } else if (kind === globalKind) {
      globals += 1
      referenceType(body)
      body.byte()
    } else {
      body.byte()
      body.skipLeb()
    }
  }
  return { memories, globals }
}

/** Any value type: one byte, and a heap type behind `ref` and `ref null`. */
function referenceType(body: ByteReader): number {
  const type = body.byte()
  if (type === 0x63 || type === 0x64) body.skipLeb()
  return type
}

function limits(body: ByteReader): void {
  const flags = body.byte()
  body.skipLeb()
  if ((flags & 1) === 1) body.skipLeb()
}

function mutableGlobals(body: ByteReader, first: number): number[] | null {
  const found: number[] = []
  const count = body.count()
  for (let index = 0; index < count; index += 1) {
    const type = referenceType(body)
    const isMutable = body.byte() === 1
    if (isMutable && !numericTypes.has(type)) return null
    if (isMutable) found.push(first + index)
    if (!skipConstant(body)) return null
  }
  return found
}

/** @returns false at an instruction that this does not know */
function skipConstant(body: ByteReader): boolean {
  for (;;) {
    const opcode = body.byte()
    if (opcode === 0x0b) return true
    if (opcode === 0x41 || opcode === 0x42 || opcode === 0x23 || opcode === 0xd0 || opcode === 0xd2)
      body.skipLeb()
    else if (opcode === 0x43) body.skip(4)
    else if (opcode === 0x44) body.skip(8)
    else if (opcode === 0xfd && body.u32() === 12) body.skip(16)
    // Additions, subtractions and multiplications of integers (extended constant expressions).
    else if (!(opcode >= 0x6a && opcode <= 0x6c) && !(opcode >= 0x7c && opcode <= 0x7e)) return false
  }
}

function namesOf(body: ByteReader): string[] {
  const names: string[] = []
  for (let left = body.count(); left > 0; left -= 1) {
    names.push(body.name())
    body.byte()
    body.skipLeb()
  }
  return names
}

function withExports(module: Uint8Array, { memory, globals }: State, prefix: string): Uint8Array {
  const added = [
    ...(memory === null ? [] : [exported(`${prefix}:memory`, memoryKind, memory)]),
    ...globals.map((index) => exported(`${prefix}:global:${index}`, globalKind, index)),
  ]
  if (added.length === 0) return module
  const parts: Uint8Array[] = [module.subarray(0, 8)]
  let isWritten = false
  for (const { id, body, start, end } of sections(module)) {
    if (id === exportSection) {
      const count = body.count()
      const content = joinBytes([
        encodeU32(count + added.length),
        body.bytes.subarray(body.at, body.end),
        ...added,
      ])
      parts.push(Uint8Array.of(exportSection), encodeU32(content.length), content)
      isWritten = true
      continue
    }
    // Behind every section that must precede it; custom sections (0) may stand anywhere.
    if (!isWritten && id > exportSection && id !== 13) {
      parts.push(exportsOnly(added))
      isWritten = true
    }
    parts.push(module.subarray(start, end))
  }
  if (!isWritten) parts.push(exportsOnly(added))
  return joinBytes(parts)
}

function exportsOnly(added: readonly Uint8Array[]): Uint8Array {
  const content = joinBytes([encodeU32(added.length), ...added])
  return joinBytes([Uint8Array.of(exportSection), encodeU32(content.length), content])
}

function exported(name: string, kind: number, index: number): Uint8Array {
  const text = new TextEncoder().encode(name)
  return joinBytes([encodeU32(text.length), text, Uint8Array.of(kind), encodeU32(index)])
}
