/**
 * Heartbeats: an admin's word, now and then, that this is how things stand. Optional; against freezing.
 *
 * Who is cut off from news, or kept from it, sees nothing wrong: everything it holds is valid. A statement that is new
 * each time makes the silence visible. Its age is measured from when *this* node received it, on its own monotonic
 * clock: the wall clock of a device without battery is worth nothing, and that in the record is for people.
 */
import * as v from 'valibot'
import { digestOf, encodeCbor, isSelvedgeError, sign1, verify1 } from '../../core/index.ts'
import type { Digest, KeyPair } from '../../core/index.ts'
import { countField, criticalField, digestField, hexOf, readPayload, timeField } from './fields.ts'
import { identityProblems } from './problems.ts'

export const maxHeartbeatBytes = 4_096

export interface HeartbeatRecord {
  readonly v: 1
  readonly mesh: Digest
  /** Only grows, per admin. */
  readonly counter: number
  /** The admin's wall clock, for people; ms since the epoch. */
  readonly at: number
  /** Version of the trust bundle that the admin saw. */
  readonly trust: number
  /** {@link digestOfHeads} of the releases that the admin saw; tells whether a node is where the admin was. */
  readonly releases: Digest
  /** How soon the next one is promised, ms; absent where nothing is promised. */
  readonly everyMs?: number | undefined
  readonly critical: readonly string[]
}

/** A heartbeat whose signature holds; whether its signer is an admin is for the store to decide. */
export interface SignedHeartbeat {
  readonly bytes: Uint8Array
  readonly digest: Digest
  readonly record: HeartbeatRecord
  readonly admin: Uint8Array
  /** The admin's key in hexadecimal: its name among the heads. */
  readonly name: string
}

const schema = v.looseObject({
  v: v.literal(1),
  mesh: digestField,
  counter: v.pipe(countField, v.minValue(1)),
  at: timeField,
  trust: countField,
  releases: digestField,
  everyMs: v.optional(v.pipe(countField, v.minValue(60_000), v.maxValue(366 * 86_400_000))),
  critical: criticalField,
})

/** @throws ERR_HEARTBEAT for a record that could not be read back */
export function signHeartbeat(record: HeartbeatRecord, admin: KeyPair): Uint8Array {
  const bytes = sign1({ purpose: 'heartbeat', payload: encodeCbor(record), key: admin })
  readHeartbeat(bytes)
  return bytes
}

/** @throws ERR_HEARTBEAT */
export function readHeartbeat(bytes: Uint8Array): SignedHeartbeat {
  try {
    const { payload, kid } = verify1(bytes, { purpose: 'heartbeat', maxBytes: maxHeartbeatBytes })
    const record = readPayload(schema, payload, maxHeartbeatBytes, refused)
    const unknown = record.critical.filter((field) => !Object.hasOwn(schema.entries, field))
    if (unknown.length > 0) throw refused(`this version does not know its field ${unknown.join(', ')}`)
    return { bytes, digest: digestOf(bytes), record, admin: kid, name: hexOf(kid) }
  } catch (error) {
    if (isSelvedgeError(error, 'ERR_SIGNATURE')) throw refused(error.message, error)
    throw error
  }
}

/** One digest over the newest release of every app: two nodes that say the same hold the same. */
export function digestOfHeads(
  heads: readonly { readonly digest: Digest; readonly record: { readonly app: string } }[],
): Digest {
  const lines = heads.map(({ digest, record }) => `${record.app} ${digest}\n`).sort()
  return digestOf(new TextEncoder().encode(lines.join('')))
}

export function refused(what: string, cause?: unknown): Error {
  return identityProblems.error('ERR_HEARTBEAT', `a heartbeat was refused: ${what}`, { cause })
}
