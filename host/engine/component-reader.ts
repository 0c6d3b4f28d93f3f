/**
 * What a component says about itself: its outermost imports and exports, and where its core modules lie.
 *
 * Only the sections that answer this are read (Component Model, Binary.md, sections 1, 4, 10 and 11). Whether
 * the whole is valid is for the transpiler's validator to say.
 */
import { ByteReader, MalformedError } from './byte-reader.ts'

export interface ComponentOutline {
  readonly imports: readonly string[]
  readonly exports: readonly string[]
  /** The bytes of every core module inside, also of nested components. */
  readonly modules: readonly Uint8Array[]
}

const maxNesting = 16
const maxModules = 1_000
const maxNames = 10_000

const coreModuleSection = 1
const componentSection = 4
const importSection = 10
const exportSection = 11

/** @throws MalformedError */
export function outlineOf(bytes: Uint8Array): ComponentOutline {
  const outline = { imports: [] as string[], exports: [] as string[], modules: [] as Uint8Array[] }
  readComponent(new ByteReader(bytes), outline, 0)
  return outline
}

type Outline = Record<'imports' | 'exports', string[]> & { modules: Uint8Array[] }

function readComponent(reader: ByteReader, outline: Outline, depth: number): void {
  if (depth > maxNesting) throw new MalformedError(`components are nested deeper than ${maxNesting}`)
  reader.skip(8)
  while (!reader.done) {
    const { id, body } = reader.section()
    if (id === coreModuleSection) {
      if (outline.modules.length >= maxModules)
        throw new MalformedError(`more than ${maxModules} core modules`)
      outline.modules.push(body.bytes.subarray(body.at, body.end))
    } else if (id === componentSection) {
      readComponent(body, outline, depth + 1)
    } else if (depth === 0 && id === importSection) {
      readNames(body, outline.imports, readExternType)
    } else if (depth === 0 && id === exportSection) {
      readNames(body, outline.exports, (exports) => {
        readSort(exports)
        exports.u32()
        if (exports.byte() !== 0) readExternType(exports)
      })
    }
  }
}

function readNames(reader: ByteReader, names: string[], readRest: (reader: ByteReader) => void): void {
  for (let left = reader.count(); left > 0; left -= 1) {
    const name = readExternName(reader)
    if (names.length >= maxNames) throw new MalformedError(`more than ${maxNames} names`)
    names.push(name)
    readRest(reader)
  }
}

/** A plain name, or one with options (a version suffix and the like) behind it: `0x02`. */
export function readExternName(reader: ByteReader): string {
  const kind = reader.byte()
  if (kind > 2) throw new MalformedError(`an unknown kind of name at byte ${reader.at}`)
  const name = reader.name()
  for (let left = kind === 2 ? reader.count() : 0; left > 0; left -= 1) {
    reader.byte()
    reader.name()
  }
  return name
}

function readSort(reader: ByteReader): void {
  if (reader.byte() === 0) reader.byte()
}

/** externdesc: a core module, function, value, type, component or instance, by index or bound. */
export function readExternType(reader: ByteReader): void {
  const kind = reader.byte()
  if (kind === 0x00) {
    reader.byte()
    reader.u32()
  } else if (kind === 0x01 || kind === 0x04 || kind === 0x05) {
    reader.u32()
  } else if (kind === 0x02) {
    reader.byte()
    reader.skipLeb()
  } else if (kind === 0x03) {
    if (reader.byte() === 0x00) reader.u32()
  } else {
    throw new MalformedError(`an unknown kind of import or export at byte ${reader.at}`)
  }
}
