/**
 * Whether a component needs the Component Model's asynchronous ABI: functions of type `async func`, streams and
 * futures, or canonical functions that wait. Such a guest is suspended in mid-call, for which the engine needs JSPI.
 *
 * Read from the sections for types (7) and canonical functions (8) of every nesting (Component Model, Binary.md).
 * Whether they are valid is for the transpiler's validator to say.
 */
import { ByteReader, MalformedError } from './byte-reader.ts'
import { readExternName, readExternType } from './component-reader.ts'

/** What V8 and wasmtime call it; in a node's features where it can suspend guests. */
export const asyncFeature = 'component-model-async'

const componentSection = 4
const typeSection = 7
const canonSection = 8
const maxNesting = 16

/** @throws MalformedError where a section ends early or holds what the format does not have */
export function usesAsync(component: Uint8Array): boolean {
  return readComponent(new ByteReader(component), 0)
}

function readComponent(reader: ByteReader, depth: number): boolean {
  if (depth > maxNesting) throw new MalformedError(`components are nested deeper than ${maxNesting}`)
  reader.skip(8)
  while (!reader.done) {
    const { id, body } = reader.section()
    if (id === canonSection && readCanons(body)) return true
    if (id === typeSection && readTypes(body)) return true
    if (id === componentSection && readComponent(body, depth + 1)) return true
  }
  return false
}

/** Lift, lower and resource functions have no waiting in them; every other canonical function is of the async ABI. */
function readCanons(body: ByteReader): boolean {
  for (let left = body.count(); left > 0; left -= 1) {
    const kind = body.byte()
    if (kind === 0x00 || kind === 0x01) {
      body.byte()
      body.u32()
      const { isAsync, hasCallback } = readOptions(body)
      if (isAsync || hasCallback) return true
      if (kind === 0x00) body.u32()
    } else if (kind === 0x02 || kind === 0x03 || kind === 0x04) {
      body.u32()
    } else {
      return true
    }
  }
  return false
}

/** canonopt: 0–2 string encodings, 3 memory, 4 realloc, 5 post-return, 6 async, 7 callback, 8 core type, 9 gc. */
function readOptions(body: ByteReader): { readonly isAsync: boolean; readonly hasCallback: boolean } {
  let [isAsync, hasCallback] = [false, false]
  for (let left = body.count(); left > 0; left -= 1) {
    const option = body.byte()
    if (option === 0x06) isAsync = true
    if (option === 0x07) hasCallback = true
    if (option === 0x03 || option === 0x04 || option === 0x05 || option === 0x07 || option === 0x08)
      body.u32()
    else if (option > 0x09) throw new MalformedError(`an unknown canonical option at byte ${body.at}`)
  }
  return { isAsync, hasCallback }
}

function readTypes(body: ByteReader): boolean {
  const types = new TypeReader(body)
  for (let left = body.count(); left > 0 && !types.isAsync; left -= 1) types.type(0)
  return types.isAsync
}

/** Walks over types and notes what is asynchronous; it may stop at the first. */
class TypeReader {
  readonly #body: ByteReader
  isAsync = false

  constructor(body: ByteReader) {
    this.#body = body
  }

  type(depth: number): void {
    if (depth > maxNesting) throw new MalformedError(`types are nested deeper than ${maxNesting}`)
    const kind = this.#body.byte()
    if (kind === 0x40) this.#function()
    else if (kind === 0x41 || kind === 0x42) this.#declarations(depth)
    else if (kind === 0x43 || kind === 0x3e) this.isAsync = true
    else if (kind === 0x3f) {
      this.#body.byte()
      this.#optional(() => this.#body.u32())
    } else this.#defined(kind)
  }

  #function(): void {
    this.#fields()
    if (this.#body.byte() === 0x00) this.#value()
    else this.#body.byte()
  }

  /** defvaltype: primitives from 0x73, then the constructors downwards. */
  #defined(kind: number): void {
    const body = this.#body
    if (kind >= 0x73 || kind === 0x64) return
    if (kind === 0x72) this.#fields()
    else if (kind === 0x71) this.#cases()
    else if (kind === 0x70 || kind === 0x6b) this.#value()
    else if (kind === 0x6f) this.#times(() => this.#value())
    else if (kind === 0x6e || kind === 0x6d) this.#times(() => body.name())
    else if (kind === 0x6a) {
      this.#optional(() => this.#value())
      this.#optional(() => this.#value())
    } else if (kind === 0x69 || kind === 0x68) body.u32()
    else if (kind === 0x67) {
      this.#value()
      body.u32()
    } else if (kind === 0x66 || kind === 0x65) this.isAsync = true
    else if (kind === 0x63) {
      this.#value()
      this.#value()
    } else throw new MalformedError(`an unknown type at byte ${body.at}`)
  }

  /** Of an instance or component type: 0 core type, 1 type, 2 alias, 3 import, 4 export. */
  #declarations(depth: number): void {
    const body = this.#body
    for (let left = body.count(); left > 0 && !this.isAsync; left -= 1) {
      const kind = body.byte()
      if (kind === 0x01) this.type(depth + 1)
      else if (kind === 0x02) this.#alias()
      else if (kind === 0x03 || kind === 0x04) {
        readExternName(body)
        readExternType(body)
      } else throw new MalformedError(`a declaration that is not read at byte ${body.at}`)
    }
  }

  #alias(): void {
    const body = this.#body
    if (body.byte() === 0) body.byte()
    const target = body.byte()
    body.u32()
    if (target === 0x02) body.u32()
    else body.name()
  }

  #fields(): void {
    this.#times(() => {
      this.#body.name()
      this.#value()
    })
  }

  #cases(): void {
    this.#times(() => {
      this.#body.name()
      this.#optional(() => this.#value())
      this.#optional(() => this.#body.u32())
    })
  }

  #times(read: () => void): void {
    for (let left = this.#body.count(); left > 0; left -= 1) read()
  }

  #optional(read: () => void): void {
    if (this.#body.byte() !== 0x00) read()
  }

  /** A type's index, or a primitive: those are negative as signed LEB128, one byte from 0x40. */
  #value(): void {
    const at = this.#body.at
    if ((this.#body.bytes[at] ?? 0) >= 0x40 && (this.#body.bytes[at] ?? 0) < 0x80) this.#body.byte()
    else this.#body.skipLeb()
  }
}
