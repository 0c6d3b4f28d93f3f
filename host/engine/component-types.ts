/** Types of WIT from a component's type sections, as far as values of them can be written by hand. */
import { MalformedError, type ByteReader } from './byte-reader.ts'
import { readExternName, readExternType } from './component-reader.ts'

export const primitives = [
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

/** What its interface calls it; absent where that is not known. For people: nothing is judged by it. */
interface Named {
  readonly name?: string | undefined
}

export type WitShape =
  | { readonly kind: Primitive }
  | (Named & { readonly kind: 'record' | 'variant'; readonly members: readonly NamedShape[] })
  | (Named & { readonly kind: 'flags' | 'enum'; readonly names: readonly string[] })
  | { readonly kind: 'tuple'; readonly items: readonly (WitShape | null)[] }
  | { readonly kind: 'list' | 'option'; readonly item: WitShape | null }
  | { readonly kind: 'result'; readonly ok: WitShape | null; readonly err: WitShape | null }
  /** A resource, a stream or a future: something of the component that no value stands for. */
  | { readonly kind: 'handle' }

export interface Signature {
  readonly kind: 'function'
  readonly parameters: readonly NamedShape[]
  /** null for none, or one that is not known. */
  readonly result: WitShape | null
}

/** Of an interface that is imported: what its instance exports. */
export interface InstanceShape {
  readonly kind: 'instance'
  readonly exports: ReadonlyMap<string, { readonly function?: Signature | null; readonly type?: TypeAtIndex }>
}

export type TypeAtIndex = WitShape | Signature | InstanceShape | null

/** An index space of types, and that around it. */
export interface TypeScope {
  readonly types: TypeAtIndex[]
  readonly outer: TypeScope | null
}

const maxNesting = 16

/** @param scope the index space, to which those of the section are added */
export function readTypes(body: ByteReader, scope: TypeScope): void {
  for (let left = body.count(); left > 0; left -= 1) scope.types.push(readType(body, scope, 0))
}

/** What stands at an index of the space that is `count` further out. */
export function outerType(scope: TypeScope, count: number, index: number): TypeAtIndex {
  let from: TypeScope | null = scope
  for (let left = count; left > 0 && from !== null; left -= 1) from = from.outer
  return from?.types[index] ?? null
}

type Types = readonly TypeAtIndex[]

function readType(body: ByteReader, scope: TypeScope, depth: number): TypeAtIndex {
  if (depth > maxNesting) throw new MalformedError(`types are nested deeper than ${maxNesting}`)
  const { types } = scope
  const kind = body.byte()
  if (kind === 0x40) {
    const parameters = readMembers(body, types)
    const result = body.byte() === 0x00 ? readValue(body, types) : (body.byte(), null)
    return { kind: 'function', parameters, result }
  }
  if (kind === 0x42) return readDeclarations(body, scope, depth)
  if (kind === 0x41) {
    readDeclarations(body, scope, depth)
    return null
  }
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
      return { kind: 'handle' }
    case 0x66:
    case 0x65:
      readOptional(body, types)
      return { kind: 'handle' }
    default:
      throw new MalformedError(`a type that is not followed at byte ${body.at}`)
  }
}

/** Of an instance or component type: 1 type, 2 alias, 3 import, 4 export; each may add to its own index space. */
function readDeclarations(body: ByteReader, outer: TypeScope, depth: number): InstanceShape {
  const scope: TypeScope = { types: [], outer }
  const exports = new Map<string, { function?: Signature | null; type?: TypeAtIndex }>()
  for (let left = body.count(); left > 0; left -= 1) {
    const kind = body.byte()
    if (kind === 0x01) scope.types.push(readType(body, scope, depth + 1))
    else if (kind === 0x02) readAlias(body, scope)
    else if (kind === 0x03 || kind === 0x04) {
      const name = readExternName(body)
      const named = readNamed(body, scope)
      if (kind === 0x04) exports.set(name, named)
    } else throw new MalformedError(`a declaration that is not followed at byte ${body.at}`)
  }
  return { kind: 'instance', exports }
}

/** A function or a type, which is one more of its space; of what else there may be nothing is known. */
function readNamed(
  body: ByteReader,
  { types }: TypeScope,
): { function?: Signature | null; type?: TypeAtIndex } {
  const sort = body.bytes[body.at]
  if (sort === 0x01) {
    body.byte()
    const type = types[body.u32()]
    return { function: type?.kind === 'function' ? type : null }
  }
  if (sort !== 0x03) {
    readExternType(body)
    return {}
  }
  body.byte()
  const type = body.byte() === 0x00 ? (types[body.u32()] ?? null) : null
  types.push(type)
  return { type }
}

function readAlias(body: ByteReader, scope: TypeScope): void {
  const sort = body.byte()
  if (sort === 0x00) body.byte()
  const target = body.byte()
  const index = body.u32()
  if (target !== 0x02) {
    body.name()
    if (sort === 0x03) scope.types.push(null)
    return
  }
  const at = body.u32()
  if (sort === 0x03) scope.types.push(outerType(scope, index, at))
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
  const type = types[body.u32()] ?? null
  return type?.kind === 'function' || type?.kind === 'instance' ? null : type
}
