/**
 * What a store is at a NATS server: documents in one bucket of JetStream’s key-value store. Names are encoded, since a
 * subject takes neither every character nor an empty word.
 *
 * `head` says what the store holds and what was last decided; `e.BUCKET.KEY` is an entry; `c.…` are pieces of what is too
 * large to stand inside one of them.
 */
import * as v from 'valibot'
import { decodeCbor, encodeCbor } from '../../../../core/index.ts'
import { storageProblems } from '../../problems.ts'

/** Bytes, here or in pieces elsewhere. */
export type Content = { readonly inline: Uint8Array } | { readonly pieces: string; readonly count: number }

export interface Entry {
  readonly id: number
  readonly version: number
  readonly size: number
  /** null for one that was deleted, on its way out. */
  readonly content: Content | null
}

/** One entry to be written; idempotent. */
export interface Step {
  /** The entry's name in the bucket. */
  readonly name: string
  readonly entry: Entry
}

export interface Head {
  readonly version: number
  readonly id: number
  readonly keys: number
  readonly bytes: number
  /** Steps that were decided with this head, and may not all be done. */
  readonly steps: Content
}

export const headName = 'head'
export const entryFilter = 'e.>'
export const emptyHead: Head = { version: 0, id: 0, keys: 0, bytes: 0, steps: { inline: encodeSteps([]) } }

const whole = v.pipe(v.number(), v.safeInteger(), v.minValue(0))
const content = v.union([
  v.strictObject({ inline: v.instance(Uint8Array) }),
  v.strictObject({ pieces: v.string(), count: whole }),
])
const entrySchema = v.strictObject({ id: whole, version: whole, size: whole, content: v.nullable(content) })
const headSchema = v.strictObject({ version: whole, id: whole, keys: whole, bytes: whole, steps: content })
const stepsSchema = v.array(v.strictObject({ name: v.string(), entry: entrySchema }))

const encoded = (text: string): string => `b${Buffer.from(text).toString('base64url')}`

export function entryName(bucket: string, key: string): string {
  return `e.${encoded(bucket)}.${encoded(key)}`
}

export function bucketFilter(bucket: string): string {
  return `e.${encoded(bucket)}.*`
}

/** @returns null for the name of something else */
export function parseEntryName(name: string): { bucket: string; key: string } | null {
  const match = /^e\.b([\w-]*)\.b([\w-]*)$/.exec(name)
  if (match === null) return null
  const [bucket = '', key = ''] = match
    .slice(1)
    .map((part) => Buffer.from(part, 'base64url').toString('utf8'))
  return { bucket, key }
}

export function encodeRecord(record: Head | Entry): Uint8Array {
  return encodeCbor(record)
}

export function encodeSteps(steps: readonly Step[]): Uint8Array {
  return encodeCbor(steps)
}

/** @throws ERR_STORAGE_DAMAGED */
export const decodeEntry = (bytes: Uint8Array): Entry => decoded(entrySchema, bytes)
/** @throws ERR_STORAGE_DAMAGED */
export const decodeHead = (bytes: Uint8Array): Head => decoded(headSchema, bytes)
/** @throws ERR_STORAGE_DAMAGED */
export const decodeSteps = (bytes: Uint8Array): readonly Step[] => decoded(stepsSchema, bytes)

function decoded<Schema extends v.GenericSchema>(schema: Schema, bytes: Uint8Array): v.InferOutput<Schema> {
  try {
    return v.parse(schema, decodeCbor(bytes, { maxBytes: bytes.length, maxDepth: 8, maxItems: 65_536 }))
  } catch (cause) {
    throw storageProblems.error('ERR_STORAGE_DAMAGED', 'a record of the store at the NATS server is none', {
      cause,
    })
  }
}
