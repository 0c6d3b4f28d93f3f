/**
 * The fields that signed records share, each with its bound, and the one way a payload becomes a value.
 * Objects are loose: a field that a newer node wrote is kept, never a reason to refuse (design.md section 5).
 */
import * as v from 'valibot'
import { decodeCbor, isDigest, isPublicKey, isSelvedgeError, type Digest } from '../../core/index.ts'

/** Lower-case words, digits and dashes, at most 63 characters: names of nodes, groups, roles. */
const namePattern = /^[a-z0-9][a-z0-9-]{0,62}$/

const limits = {
  groups: 32,
  roles: 8,
  addresses: 16,
  addressChars: 256,
  /** Names of fields that must be understood. */
  critical: 16,
} as const

export const publicKeyField = v.custom<Uint8Array>(
  (value) => value instanceof Uint8Array && isPublicKey(value),
  'is no Ed25519 public key',
)
export const digestField = v.custom<Digest>(isDigest, 'is no SHA-256 in hexadecimal')
export const nameField = v.pipe(
  v.string(),
  v.regex(namePattern, 'may have 1 to 63 lower-case letters, digits and dashes'),
)
/** Wall clock, ms since the epoch; up to the last day that a Date can hold. */
export const timeField = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(8_640_000_000_000_000))
export const countField = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(Number.MAX_SAFE_INTEGER))
export const groupsField = v.pipe(names(limits.groups), distinct())
export const rolesField = v.pipe(names(limits.roles), distinct())
export const addressesField = v.pipe(
  v.array(v.pipe(v.string(), v.regex(/^\/[\x21-\x7e]+$/), v.maxLength(limits.addressChars))),
  v.maxLength(limits.addresses),
)
export const criticalField = v.pipe(
  v.array(v.pipe(v.string(), v.maxLength(64))),
  v.maxLength(limits.critical),
)

/** Text a person reads: bounded, without control characters that could redraw a terminal. */
export function textField(maxChars: number) {
  return v.pipe(
    v.string(),
    v.maxLength(maxChars),
    v.check((text) => !/\p{Cc}/u.test(text), 'has control characters'),
  )
}

function names(max: number) {
  return v.pipe(v.array(nameField), v.maxLength(max))
}

function distinct() {
  return v.check<string[], string>((list) => new Set(list).size === list.length, 'names something twice')
}

/** Values in a payload, where nothing else is said. */
const payloadItems = 8_192

/**
 * Decodes a payload and checks it.
 * @param refuse makes the error of the record at hand from what is wrong with it
 * @param maxItems values in all, map keys included
 */
export function readPayload<Schema extends v.GenericSchema>(
  schema: Schema,
  payload: Uint8Array,
  maxBytes: number,
  refuse: (what: string, cause?: unknown) => Error,
  maxItems = payloadItems,
): v.InferOutput<Schema> {
  let value: unknown
  try {
    value = decodeCbor(payload, { maxBytes, maxDepth: 8, maxItems })
  } catch (error) {
    if (isSelvedgeError(error)) throw refuse(error.message, error)
    throw error
  }
  const result = v.safeParse(schema, value, { abortEarly: true })
  if (result.success) return result.output
  const issue = result.issues[0]
  throw refuse(`${v.getDotPath(issue) ?? 'it'} ${issue.message}`)
}

export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0
}

/** Bytes as a Map or Set key. */
export function hexOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}
