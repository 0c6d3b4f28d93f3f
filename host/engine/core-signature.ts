/**
 * What a core module's exported function takes. A person who calls one by hand needs to be told: JavaScript makes
 * some number of whatever it is given, and of what is missing.
 */
import { ByteReader, MalformedError } from './byte-reader.ts'

const types = { 0x7f: 'i32', 0x7e: 'i64', 0x7d: 'f32', 0x7c: 'f64' } as const
export type CoreType = (typeof types)[keyof typeof types]

const sections = { type: 1, import: 2, function: 3, export: 7 }
const functionForm = 0x60

/**
 * @returns the types of its parameters; null where the module exports no such function, or has types, imports or
 * parameters that are no plain ones
 */
export function parametersOf(module: Uint8Array, name: string): readonly CoreType[] | null {
  try {
    return find(module, name)
  } catch (error) {
    if (error instanceof MalformedError) return null
    throw error
  }
}

function find(module: Uint8Array, name: string): readonly CoreType[] | null {
  let signatures: readonly (readonly CoreType[])[] = []
  /** Of all functions, those that are imported first, the index of their type. */
  const typeOf: number[] = []
  const reader = new ByteReader(module)
  reader.skip(8)
  while (!reader.done) {
    const { id, body } = reader.section()
    if (id === sections.type) signatures = readTypes(body)
    else if (id === sections.import) typeOf.push(...readImports(body))
    else if (id === sections.function)
      for (let left = body.count(); left > 0; left -= 1) typeOf.push(body.u32())
    else if (id === sections.export) {
      const index = functionNamed(body, name)
      return index === null ? null : (signatures[typeOf[index] ?? -1] ?? null)
    }
  }
  return null
}

function readTypes(body: ByteReader): (readonly CoreType[])[] {
  const read: (readonly CoreType[])[] = []
  for (let left = body.count(); left > 0; left -= 1) {
    if (body.byte() !== functionForm) throw new MalformedError('a type that is no function')
    read.push(readValueTypes(body))
    body.skip(body.count())
  }
  return read
}

function readValueTypes(body: ByteReader): readonly CoreType[] {
  return Array.from({ length: body.count() }, () => {
    const type = types[body.byte() as keyof typeof types]
    if (type === undefined) throw new MalformedError('a parameter that is no number')
    return type
  })
}

function readImports(body: ByteReader): number[] {
  return Array.from({ length: body.count() }, () => {
    body.name()
    body.name()
    if (body.byte() !== 0) throw new MalformedError('an import that is no function')
    return body.u32()
  })
}

function functionNamed(body: ByteReader, name: string): number | null {
  for (let left = body.count(); left > 0; left -= 1) {
    const found = body.name()
    const kind = body.byte()
    const index = body.u32()
    if (kind === 0 && found === name) return index
  }
  return null
}
