/**
 * The trust bundle: whom a mesh believes. A signed, versioned document of roots, admins and publishers.
 *
 * The SHA-256 of version 1's payload *is* the mesh id, so the id survives every change of keys. Version N+1 counts
 * when it is signed under N's threshold and under its own (the chain rule of The Update Framework, section 5.3).
 */
import * as v from 'valibot'
import {
  digestOf,
  encodeCbor,
  isSelvedgeError,
  keyPairFromSeed,
  seedBytes,
  signMany,
  verifyMany,
} from '../../core/index.ts'
import type { Digest, KeyPair, Random } from '../../core/index.ts'
import {
  countField,
  criticalField,
  digestField,
  hexOf,
  publicKeyField,
  readPayload,
  textField,
  timeField,
} from './fields.ts'
import type { KeyRing } from './key-ring.ts'
import { identityProblems } from './problems.ts'

export const maxTrustBytes = 65_536

export interface PublisherEntry {
  readonly key: Uint8Array
  /** Patterns of app names it may publish; `*` stands for any run of characters. */
  readonly apps: readonly string[]
  /** Patterns of grants its releases may ask for. */
  readonly grants: readonly string[]
}

export interface TrustRecord {
  readonly v: 1
  /** Null in version 1, whose digest is the mesh id; the mesh id in every later one. */
  readonly mesh: Digest | null
  readonly name: string
  readonly version: number
  /** Digest of the version that this one follows. Absent in version 1, and in records of before. */
  readonly previous?: Digest | undefined
  /** How many roots must sign the next version. */
  readonly threshold: number
  readonly roots: readonly Uint8Array[]
  readonly admins: readonly Uint8Array[]
  readonly publishers: readonly PublisherEntry[]
  readonly createdAt: number
  readonly critical: readonly string[]
}

/** A bundle whose signatures hold; whether they are the right ones is what `judgeBundle` decides. */
export interface TrustBundle {
  readonly bytes: Uint8Array
  /** SHA-256 of the payload: the same however many roots have signed. */
  readonly digest: Digest
  readonly record: TrustRecord
  readonly signers: readonly Uint8Array[]
}

/** Roots, and admins, that a bundle names at most; no more than may sign one record. */
export const maxKeys = 16
const patterns = v.pipe(
  v.array(v.pipe(v.string(), v.regex(/^[\x21-\x7e]{1,192}$/, 'is no pattern'))),
  v.maxLength(64),
)
const keyList = v.pipe(
  v.array(publicKeyField),
  v.maxLength(maxKeys),
  v.check((keys) => new Set(keys.map(hexOf)).size === keys.length, 'names a key twice'),
)
const schema = v.pipe(
  v.looseObject({
    v: v.literal(1),
    mesh: v.nullable(digestField),
    name: textField(64),
    version: v.pipe(countField, v.minValue(1)),
    previous: v.optional(digestField),
    threshold: v.pipe(countField, v.minValue(1)),
    roots: v.pipe(keyList, v.minLength(1)),
    admins: keyList,
    publishers: v.pipe(
      v.array(v.looseObject({ key: publicKeyField, apps: patterns, grants: patterns })),
      v.maxLength(256),
      v.check(
        (list) => new Set(list.map((entry) => hexOf(entry.key))).size === list.length,
        'names a key twice',
      ),
    ),
    createdAt: timeField,
    critical: criticalField,
  }),
  v.check((record) => record.threshold <= record.roots.length, 'asks for more signatures than it has roots'),
  v.check(
    (record) => (record.version === 1) === (record.mesh === null),
    'must name its mesh from version 2 on',
  ),
)

/** @throws ERR_TRUST_INVALID, ERR_TRUST_DUPLICATE for what could not be read back */
export function signTrust(record: TrustRecord, keys: readonly KeyPair[]): Uint8Array {
  const payload = encodeCbor(record)
  const bytes = signMany({ purpose: 'trust', payload, keys })
  readTrust(bytes)
  return bytes
}

/**
 * @throws ERR_TRUST_SIGNATURE where a signature does not hold, ERR_TRUST_DUPLICATE where a key signed twice,
 *   ERR_TRUST_INVALID where the payload has another form
 */
export function readTrust(bytes: Uint8Array): TrustBundle {
  try {
    const { payload, kids, signatures } = verifyMany(bytes, { purpose: 'trust', maxBytes: maxTrustBytes })
    if (signatures !== kids.length) throw signedTwice(signatures - kids.length)
    return { bytes, digest: digestOf(payload), record: readRecord(payload), signers: kids }
  } catch (error) {
    if (!isSelvedgeError(error, 'ERR_SIGNATURE')) throw error
    throw identityProblems.error('ERR_TRUST_SIGNATURE', `a trust bundle was refused: ${error.message}`, {
      cause: error,
    })
  }
}

function readRecord(payload: Uint8Array): TrustRecord {
  const record = readPayload(schema, payload, maxTrustBytes, invalid)
  // A bundle cannot be half understood: what a field restricts would be allowed here.
  const unknown = record.critical.filter((field) => !Object.hasOwn(schema.pipe[0].entries, field))
  if (unknown.length > 0) throw invalid(`this version does not know its field ${unknown.join(', ')}`)
  return record
}

function signedTwice(repeats: number): Error {
  return identityProblems.error(
    'ERR_TRUST_DUPLICATE',
    `a trust bundle was refused: ${repeats} of its signatures repeat a key`,
  )
}

function invalid(what: string, cause?: unknown): Error {
  return identityProblems.error('ERR_TRUST_INVALID', `a trust bundle was refused: ${what}`, { cause })
}

/**
 * Makes a mesh: its three keys, kept in the key ring, and version 1 of its trust bundle with a threshold of one.
 * @param options.now wall clock, ms since the epoch
 * @param options.intend told the bundle before the first key is kept, so that an interrupted making leaves a trace
 */
export async function createMesh(options: {
  name: string
  keyRing: KeyRing
  now: number
  random: Random
  intend?: (trust: Uint8Array) => Promise<void>
}): Promise<{ meshId: Digest; trust: Uint8Array }> {
  const { name, keyRing, now, random, intend } = options
  const seeds = {
    root: random.bytes(seedBytes),
    admin: random.bytes(seedBytes),
    publisher: random.bytes(seedBytes),
  }
  const root = keyPairFromSeed(seeds.root)
  const record: TrustRecord = {
    v: 1,
    mesh: null,
    name,
    version: 1,
    threshold: 1,
    roots: [root.publicKey],
    admins: [keyPairFromSeed(seeds.admin).publicKey],
    publishers: [{ key: keyPairFromSeed(seeds.publisher).publicKey, apps: ['*'], grants: ['*'] }],
    createdAt: now,
    critical: [],
  }
  const trust = signTrust(record, [root])
  const meshId = readTrust(trust).digest
  await intend?.(trust)
  await keyRing.create({ meshId, role: 'root', name, seed: seeds.root })
  await keyRing.create({ meshId, role: 'admin', name, seed: seeds.admin })
  await keyRing.create({ meshId, role: 'publisher', name, seed: seeds.publisher })
  return { meshId, trust }
}
