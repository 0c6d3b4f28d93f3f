/**
 * Deterministic CBOR (RFC 8949 section 4.2.1): one value has one encoding, so digests and signatures agree.
 *
 * Definite lengths, shortest integers, map keys sorted bytewise by their encoding. Two choices of ours: numbers
 * that are integers are always integers, and every other number is a 64-bit float, never a shorter one.
 */
import { codecProblems } from './problems.ts'

/** Deeper values are refused; a value that contains itself ends here too. */
export const maxCborDepth = 64

/** A map key that JavaScript would take for something else; neither written nor read. */
export const forbiddenKey = '__proto__'

const loneSurrogate = /\p{Surrogate}/u
const utf8 = new TextEncoder()

/**
 * Encodes null, booleans, finite numbers (integers up to 2^53 − 1), well-formed text, bytes, arrays and plain objects.
 * Object fields that are `undefined` are left out, as JSON does.
 * @throws ERR_CBOR for anything else
 */
export function encodeCbor(value: unknown): Uint8Array {
  const sink = new ByteSink()
  writeValue(sink, value, 0)
  return sink.finish()
}

function writeValue(sink: ByteSink, value: unknown, depth: number): void {
  if (depth > maxCborDepth) throw unencodable(`a value nested deeper than ${maxCborDepth} levels`)
  if (value === null) return sink.byte(0xf6)
  if (typeof value === 'boolean') return sink.byte(value ? 0xf5 : 0xf4)
  if (typeof value === 'number') return writeNumber(sink, value)
  if (typeof value === 'string') return writeText(sink, value)
  if (value instanceof Uint8Array) {
    sink.head(2, value.length)
    return sink.bytes(value)
  }
  if (Array.isArray(value)) {
    sink.head(4, value.length)
    for (const item of value) writeValue(sink, item, depth + 1)
    return
  }
  if (isPlainObject(value)) return writeMap(sink, value, depth)
  throw unencodable(
    typeof value === 'object' ? `an object of class ${value?.constructor?.name}` : typeof value,
  )
}

function writeNumber(sink: ByteSink, value: number): void {
  if (!Number.isInteger(value)) {
    if (!Number.isFinite(value)) throw unencodable(String(value))
    return sink.float(value)
  }
  if (!Number.isSafeInteger(value)) throw unencodable(`${value}, an integer beyond 2^53 - 1`)
  if (value < 0) sink.head(1, -1 - value)
  else sink.head(0, value)
}

function writeText(sink: ByteSink, text: string): void {
  if (loneSurrogate.test(text)) throw unencodable('text with half a surrogate pair')
  const encoded = utf8.encode(text)
  sink.head(3, encoded.length)
  sink.bytes(encoded)
}

function writeMap(sink: ByteSink, map: Record<string, unknown>, depth: number): void {
  const entries: { key: Uint8Array; value: unknown }[] = []
  for (const [name, value] of Object.entries(map)) {
    if (value === undefined) continue
    if (name === forbiddenKey) throw unencodable(`a field named ${forbiddenKey}`)
    const key = new ByteSink()
    writeText(key, name)
    entries.push({ key: key.finish(), value })
  }
  entries.sort((a, b) => Buffer.compare(a.key, b.key))
  sink.head(5, entries.length)
  for (const { key, value } of entries) {
    sink.bytes(key)
    writeValue(sink, value, depth + 1)
  }
}

function isPlainObject(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === null || prototype === Object.prototype
}

function unencodable(what: string): Error {
  return codecProblems.error('ERR_CBOR', `CBOR cannot carry ${what}`, {
    hint: 'this is a mistake in the program that encodes it; please report it',
  })
}

/** Bytes that grow by doubling. */
class ByteSink {
  #buffer = new Uint8Array(128)
  #view = new DataView(this.#buffer.buffer)
  #length = 0

  byte(value: number): void {
    this.#reserve(1)
    this.#buffer[this.#length++] = value
  }

  bytes(value: Uint8Array): void {
    this.#reserve(value.length)
    this.#buffer.set(value, this.#length)
    this.#length += value.length
  }

  float(value: number): void {
    this.#reserve(9)
    this.#view.setUint8(this.#length, 0xfb)
    this.#view.setFloat64(this.#length + 1, value)
    this.#length += 9
  }

  /** An item's first byte and its argument in the shortest form (RFC 8949 section 3). */
  head(major: number, argument: number): void {
    this.#reserve(9)
    const type = major << 5
    const view = this.#view
    const at = this.#length
    if (argument < 24) {
      view.setUint8(at, type | argument)
      this.#length += 1
    } else if (argument < 0x100) {
      view.setUint8(at, type | 24)
      view.setUint8(at + 1, argument)
      this.#length += 2
    } else if (argument < 0x10000) {
      view.setUint8(at, type | 25)
      view.setUint16(at + 1, argument)
      this.#length += 3
    } else if (argument < 0x100000000) {
      view.setUint8(at, type | 26)
      view.setUint32(at + 1, argument)
      this.#length += 5
    } else {
      view.setUint8(at, type | 27)
      view.setUint32(at + 1, Math.floor(argument / 0x100000000))
      view.setUint32(at + 5, argument % 0x100000000)
      this.#length += 9
    }
  }

  finish(): Uint8Array {
    return this.#buffer.slice(0, this.#length)
  }

  #reserve(count: number): void {
    const needed = this.#length + count
    if (needed <= this.#buffer.length) return
    const grown = new Uint8Array(Math.max(needed, this.#buffer.length * 2))
    grown.set(this.#buffer)
    this.#buffer = grown
    this.#view = new DataView(grown.buffer)
  }
}
