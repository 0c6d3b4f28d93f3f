/** Types of WIT from a component's type sections, as far as values of them can be written by hand. */
import { MalformedError, type ByteReader } from './byte-reader.ts'
import { readExternName, readExternType } from './component-reader.ts'

const primitives = [
  'string',
  'char',
  'f64',
  'f32',
  'u64',
  's64',
  'u32',
  's32',
  'u16',
  's16',
  'u8',
  's8',
  'bool',
] as const
export type Primitive = (typeof primitives)[number]
const firstPrimitive = 0x73

export interface NamedShape {
  readonly name: string
  /** null for one that is not known, or for a case without a value. */
  readonly type: WitShape | null
}

export type WitShape =
  | { readonly kind: Primitive }
  | { readonly kind: 'record' | 'variant'; readonly members: readonly NamedShape[] }
  | { readonly kind: 'flags' | 'enum'; readonly names: readonly string[] }
  | { readonly kind: 'tuple'; readonly items: readonly (WitShape | null)[] }
  | { readonly kind: 'list' | 'option'; readonly item: WitShape | null }
  | { readonly kind: 'result'; readonly ok: WitShape | null; readonly err: WitShape | null }

export interface Signature {
  readonly kind: 'function'
  readonly parameters: readonly NamedShape[]
  /** null for none, or one that is not known. */
  readonly result: WitShape | null
}

type Types = (WitShape | Signature | null)[]

const maxNesting = 16

/** @param types the index space, to which those of the section are added */
export function readTypes(body: ByteReader, types: Types): void {
  for (let left = body.count(); left > 0; left -= 1) types.push(readType(body, types, 0))
}

function readType(body: ByteReader, types: Types, depth: number): WitShape | Signature | null {
  if (depth > maxNesting) throw new MalformedError(`types are nested deeper than ${maxNesting}`)
  const kind = body.byte()
  if (kind === 0x40) {
    const parameters = readMembers(body, types)
    const result = body.byte() === 0x00 ? readValue(body, types) : (body.byte(), null)
    return { kind: 'function', parameters, result }
  }
  if (kind === 0x41 || kind === 0x42) return skipDeclarations(body, depth)
  if (kind === 0x3f) {
    body.byte()
    if (body.byte() !== 0x00) body.u32()
    return null
  }
  return readDefined(kind, body, types)
}

function readDefined(kind: number, body: ByteReader, types: Types): WitShape | null {
  const primitive = primitives[kind - firstPrimitive]
  if (primitive !== undefined) return { kind: primitive }
  switch (kind) {
    case 0x72:
      return { kind: 'record', members: readMembers(body, types) }
    case 0x71:
      return { kind: 'variant', members: listed(body, () => readCase(body, types)) }
    case 0x70:
      return { kind: 'list', item: readValue(body, types) }
    case 0x6f:
      return { kind: 'tuple', items: listed(body, () => readValue(body, types)) }
    case 0x6e:
      return { kind: 'flags', names: listed(body, () => body.name()) }
    case 0x6d:
      return { kind: 'enum', names: listed(body, () => body.name()) }
    case 0x6b:
      return { kind: 'option', item: readValue(body, types) }
    case 0x6a:
      return { kind: 'result', ok: readOptional(body, types), err: readOptional(body, types) }
    case 0x69:
    case 0x68:
      body.u32()
      return null
    default:
      throw new MalformedError(`a type that is not followed at byte ${body.at}`)
  }
}

/** Of an instance or component type: 1 type, 2 alias, 3 import, 4 export. Nothing in it can be called. */
function skipDeclarations(body: ByteReader, depth: number): null {
  for (let left = body.count(); left > 0; left -= 1) {
    const kind = body.byte()
    if (kind === 0x01) readType(body, [], depth + 1)
    else if (kind === 0x02) skipAlias(body)
    else if (kind === 0x03 || kind === 0x04) {
      readExternName(body)
      readExternType(body)
    } else throw new MalformedError(`a declaration that is not followed at byte ${body.at}`)
  }
  return null
}

function skipAlias(body: ByteReader): void {
  if (body.byte() === 0x00) body.byte()
  const target = body.byte()
  body.u32()
  if (target === 0x02) body.u32()
  else body.name()
}

function readMembers(body: ByteReader, types: Types): NamedShape[] {
  return listed(body, () => ({ name: body.name(), type: readValue(body, types) }))
}

function readCase(body: ByteReader, types: Types): NamedShape {
  const member = { name: body.name(), type: readOptional(body, types) }
  if (body.byte() !== 0x00) body.u32()
  return member
}

function readOptional(body: ByteReader, types: Types): WitShape | null {
  return body.byte() === 0x00 ? null : readValue(body, types)
}

function listed<Item>(body: ByteReader, read: () => Item): Item[] {
  return Array.from({ length: body.count() }, read)
}

/** An index of a type that came before, or a primitive: those are negative as signed LEB128, one byte from 0x40. */
function readValue(body: ByteReader, types: Types): WitShape | null {
  const byte = body.bytes[body.at] ?? 0
  if (byte >= 0x40 && byte < 0x80) {
    body.byte()
    const primitive = primitives[byte - firstPrimitive]
    return primitive === undefined ? null : { kind: primitive }
  }
  const type = types[body.u32()]
  return type === undefined || type?.kind === 'function' ? null : type
}
