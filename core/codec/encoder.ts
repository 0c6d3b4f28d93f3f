/**
 * Deterministic CBOR (RFC 8949 section 4.2.1): one value has one encoding, so digests and signatures agree.
 *
 * cbor-x writes; what it would write in more than one way is put in order before. Map keys are sorted bytewise by
 * their encoding, integers are always integers (cbor-x makes floats of those beyond 32 bits unless they are
 * BigInts), and every other number is a 64-bit float. The decoder refuses any other form, and a property test
 * holds the two together.
 */
import { Encoder, type Options } from 'cbor-x'
import { codecProblems } from './problems.ts'

/** Deeper values are refused; a value that contains itself ends here too. */
export const maxCborDepth = 64

/** A map key that JavaScript would take for something else; neither written nor read. */
export const forbiddenKey = '__proto__'

const loneSurrogate = /\p{Surrogate}/u
const largestShortInteger = 0xffff_ffff

/** The last one is missing from cbor-x's type declarations. */
const options: Options & { useTag259ForMaps: boolean } = {
  useRecords: false,
  variableMapSize: true,
  tagUint8Array: false,
  useTag259ForMaps: false,
}
const encoder = new Encoder(options)

/**
 * Encodes null, booleans, finite numbers (integers up to 2^53 − 1), well-formed text, bytes, arrays and plain objects.
 * Object fields that are `undefined` are left out, as JSON does.
 * @throws ERR_CBOR for anything else
 */
export function encodeCbor(value: unknown): Uint8Array {
  // A copy: cbor-x answers with a view of a buffer that it goes on using.
  return new Uint8Array(encoder.encode(ordered(value, 0)))
}

/** The same value in the one form that is to be written. */
function ordered(value: unknown, depth: number): unknown {
  if (depth > maxCborDepth) throw unencodable(`a value nested deeper than ${maxCborDepth} levels`)
  if (value === null || typeof value === 'boolean') return value
  if (typeof value === 'number') return orderedNumber(value)
  if (typeof value === 'string') return wellFormed(value)
  // A Buffer would do as well; cbor-x looks at the constructor.
  if (value instanceof Uint8Array) return new Uint8Array(value.buffer, value.byteOffset, value.byteLength)
  if (Array.isArray(value)) return value.map((item) => ordered(item, depth + 1))
  if (isPlainObject(value)) return orderedMap(value, depth)
  throw unencodable(
    typeof value === 'object' ? `an object of class ${value?.constructor?.name}` : typeof value,
  )
}

function orderedNumber(value: number): number | bigint {
  if (!Number.isInteger(value)) {
    if (!Number.isFinite(value)) throw unencodable(String(value))
    return value
  }
  if (!Number.isSafeInteger(value)) throw unencodable(`${value}, an integer beyond 2^53 - 1`)
  if (value > largestShortInteger || value < -1 - largestShortInteger) return BigInt(value)
  // Minus zero is written as zero.
  return value === 0 ? 0 : value
}

function wellFormed(text: string): string {
  if (loneSurrogate.test(text)) throw unencodable('text with half a surrogate pair')
  return text
}

/** A Map, because an object would put keys that look like numbers first. */
function orderedMap(map: Record<string, unknown>, depth: number): Map<string, unknown> {
  const entries: { name: string; key: Buffer; value: unknown }[] = []
  for (const [name, value] of Object.entries(map)) {
    if (value === undefined) continue
    if (name === forbiddenKey) throw unencodable(`a field named ${forbiddenKey}`)
    entries.push({ name: wellFormed(name), key: Buffer.from(name), value })
  }
  // Of two encoded texts the shorter comes first: its length is in the first bytes.
  entries.sort((a, b) => a.key.length - b.key.length || Buffer.compare(a.key, b.key))
  return new Map(entries.map(({ name, value }) => [name, ordered(value, depth + 1)]))
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
