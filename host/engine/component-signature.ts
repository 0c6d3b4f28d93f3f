/**
 * What an exported function of a component takes and gives, in WIT's terms: for people who call one by hand, as glue
 * makes some value of whatever it is given.
 *
 * Read from the binary form (Component Model, Binary.md): the index spaces of types, functions and instances, in the
 * order of the sections. What is not followed (types of imported instances, the asynchronous ABI) is not known, and
 * then nothing is said. Whether all of it is valid is for the transpiler's validator to say.
 */
import { camelCase, satisfiesExport } from '../guest/index.ts'
import { ByteReader, MalformedError } from './byte-reader.ts'
import { readExternName, readExternType } from './component-reader.ts'
import {
  outerType,
  readTypes,
  type InstanceShape,
  type Signature,
  type TypeAtIndex,
} from './component-types.ts'

/** What stands at one index. */
interface Space {
  readonly types: TypeAtIndex[]
  readonly functions: (Signature | null)[]
  readonly instances: (Exports | InstanceShape['exports'] | null)[]
  readonly components: (Exports | null)[]
  readonly imports: Exports
  readonly exports: Exports
  readonly outer: Space | null
}
export type Exports = Map<string, Exported>
type Exported = {
  readonly function?: Signature | null
  readonly instance?: Exports | InstanceShape['exports'] | null
  readonly type?: TypeAtIndex
}

const maxNesting = 16
const sorts = { core: 0, function: 1, type: 3, component: 4, instance: 5 }

/** @param target as `Sandbox.call` takes it. @returns null where there is none of that name, or it cannot be told */
export function signatureOf(component: Uint8Array, target: string): Signature | null {
  const [owner = '', name] = target.split('#')
  const exports = namesOf(component)?.exports
  if (exports === undefined) return null
  if (name === undefined) return functionIn(exports, owner)
  for (const [id, { instance }] of exports)
    if (instance && satisfiesExport(id, owner)) return functionIn(instance, name)
  return null
}

/** What it imports and exports, with the types of it that are followed. @returns null where too much of it is not */
export function namesOf(component: Uint8Array): Pick<Space, 'imports' | 'exports'> | null {
  try {
    return readComponent(new ByteReader(component), null, 0)
  } catch (error) {
    if (error instanceof MalformedError) return null
    throw error
  }
}

function functionIn(exports: Exports | InstanceShape['exports'], name: string): Signature | null {
  for (const [known, exported] of exports)
    if (exported.function && camelCase(known) === camelCase(name)) return exported.function
  return null
}

function readComponent(reader: ByteReader, outer: Space | null, depth: number): Space {
  if (depth > maxNesting) throw new MalformedError(`components are nested deeper than ${maxNesting}`)
  const space: Space = {
    types: [],
    functions: [],
    instances: [],
    components: [],
    imports: new Map(),
    exports: new Map(),
    outer,
  }
  reader.skip(8)
  while (!reader.done) {
    const { id, body } = reader.section()
    if (id === 4) space.components.push(readComponent(body, space, depth + 1).exports)
    else if (id === 7) readTypes(body, space)
    else sections[id]?.(body, space)
  }
  return space
}

const each = (body: ByteReader, read: () => void): void => {
  for (let left = body.count(); left > 0; left -= 1) read()
}

const sections: Readonly<Record<number, (body: ByteReader, space: Space) => void>> = {
  5: (body, space) => each(body, () => space.instances.push(readInstance(body, space))),
  6: (body, space) => each(body, () => readAlias(body, space)),
  8: (body, space) => each(body, () => readCanon(body, space)),
  10: (body, space) =>
    each(body, () => {
      const name = readExternName(body)
      space.imports.set(name, readImport(body, space))
    }),
  11: (body, space) => each(body, () => readExport(body, space)),
}

function readInstance(body: ByteReader, space: Space): Exports | null {
  if (body.byte() === 0x00) {
    const made = space.components[body.u32()] ?? null
    each(body, () => {
      body.name()
      readSortIndex(body, space)
    })
    return made
  }
  const exports: Exports = new Map()
  each(body, () => {
    const name = readExternName(body)
    exports.set(name, readSortIndex(body, space).exported)
  })
  return exports
}

function readSortIndex(
  body: ByteReader,
  space: Space,
): { readonly sort: number; readonly exported: Exported } {
  const sort = body.byte()
  if (sort === sorts.core) body.byte()
  const index = body.u32()
  if (sort === sorts.function) return { sort, exported: { function: space.functions[index] ?? null } }
  if (sort === sorts.instance) return { sort, exported: { instance: space.instances[index] ?? null } }
  if (sort === sorts.type) return { sort, exported: { type: space.types[index] ?? null } }
  return { sort, exported: {} }
}

/** What is exported, imported or aliased gets an index of its own. */
function add(space: Space, sort: number, exported: Exported): void {
  if (sort === sorts.function) space.functions.push(exported.function ?? null)
  else if (sort === sorts.instance) space.instances.push(exported.instance ?? null)
  else if (sort === sorts.type) space.types.push(exported.type ?? null)
  else if (sort === sorts.component) space.components.push(null)
}

function readExport(body: ByteReader, space: Space): void {
  const name = readExternName(body)
  const { sort, exported: found } = readSortIndex(body, space)
  const exported = body.byte() === 0 ? found : readAscribed(body, space, found)
  space.exports.set(name, exported)
  add(space, sort, exported)
}

/** A function that is exported as one of another type has the same, spelled with the types that are exported beside it. */
function readAscribed(body: ByteReader, space: Space, found: Exported): Exported {
  if (body.bytes[body.at] !== 0x01) {
    readExternType(body)
    return found
  }
  body.byte()
  const type = space.types[body.u32()]
  return isSignature(type) ? { function: type } : found
}

/** An externdesc: 0 core module, 1 function, 2 value, 3 type, 4 component, 5 instance. */
function readImport(body: ByteReader, space: Space): Exported {
  const kind = body.byte()
  let imported: Exported = {}
  if (kind === 0x00) {
    body.byte()
    body.u32()
    return imported
  }
  if (kind === 0x01) {
    const type = space.types[body.u32()]
    imported = { function: isSignature(type) ? type : null }
  } else if (kind === 0x03) {
    imported = { type: body.byte() === 0x00 ? (space.types[body.u32()] ?? null) : null }
  } else if (kind === 0x05) {
    const type = space.types[body.u32()]
    imported = { instance: type?.kind === 'instance' ? type.exports : null }
  } else if (kind === 0x04) body.u32()
  else throw new MalformedError(`an import that is not followed at byte ${body.at}`)
  add(space, kind, imported)
  return imported
}

function readAlias(body: ByteReader, space: Space): void {
  const sort = body.byte()
  if (sort === sorts.core) body.byte()
  const target = body.byte()
  const index = body.u32()
  if (target === 0x02) {
    const at = body.u32()
    if (sort === sorts.type) return add(space, sort, { type: outerType(space, index, at) })
    let from: Space | null = space
    for (let left = index; left > 0 && from !== null; left -= 1) from = from.outer
    if (sort === sorts.component) space.components.push(from?.components[at] ?? null)
    return
  }
  const name = body.name()
  if (target === 0x00) add(space, sort, space.instances[index]?.get(name) ?? {})
}

/** Lift, lower, and those of resources; where there are others the rest is not known either. */
function readCanon(body: ByteReader, space: Space): void {
  const kind = body.byte()
  if (kind === 0x02 || kind === 0x03 || kind === 0x04) return void body.u32()
  if (kind > 0x01) throw new MalformedError(`a canonical function that is not followed at byte ${body.at}`)
  body.byte()
  body.u32()
  each(body, () => {
    const option = body.byte()
    if (option >= 0x03 && option <= 0x05) body.u32()
    else if (option > 0x02) throw new MalformedError(`an option that is not followed at byte ${body.at}`)
  })
  if (kind === 0x01) return
  const type = space.types[body.u32()]
  space.functions.push(isSignature(type) ? type : null)
}

function isSignature(type: TypeAtIndex | undefined): type is Signature {
  return type?.kind === 'function'
}
