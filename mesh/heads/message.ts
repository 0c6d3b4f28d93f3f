/** What two neighbours say to each other about heads, and how it is written. */
import { decodeCbor, defineProblems, encodeCbor, type Digest } from '../../core/index.ts'
import { headLimits, isCount, isHeadKey, type HeadId } from './head.ts'
import { fanOut, fingerprintBytes, maxDepth, saltBytes } from './head-tree.ts'

/** All that a node holds, in one number and one digest. */
export interface Summary {
  readonly count: number
  readonly digest: Digest
}

/** Fingerprints of what is under a prefix of places in the tree; see `comparison.ts`. */
export interface Part {
  /** Hexadecimal digits, none for the whole tree. */
  readonly prefix: string
  readonly fingerprints: Uint8Array
}

export type HeadMessage =
  /** I have these now. */
  | { readonly t: 'have'; readonly ids: readonly HeadId[] }
  /** A comparison found that I have these, and that you do not. */
  | { readonly t: 'found'; readonly ids: readonly HeadId[] }
  | { readonly t: 'want'; readonly keys: readonly string[] }
  | { readonly t: 'heads'; readonly heads: readonly { readonly key: string; readonly bytes: Uint8Array }[] }
  | ({ readonly t: 'summary' } & Summary)
  /** This is what I have: in `branches` each subtree's sixteen parts, in `leaves` all heads under a prefix. */
  | {
      readonly t: 'compare'
      readonly salt: Uint8Array
      readonly branches: readonly Part[]
      readonly leaves: readonly Part[]
    }
  /** Which heads are these? */
  | { readonly t: 'name'; readonly salt: Uint8Array; readonly parts: readonly Part[] }

export const messageLimits = {
  /** One head of any size with a full batch before it, and what surrounds them. */
  frameBytes: 1024 * 1024 + 512 * 1024,
  /** Payload bytes in one `heads` message; one head always fits. */
  batchBytes: 256 * 1024,
  headsPerMessage: 256,
  idsPerMessage: 1_000,
  keysPerWant: 256,
  /** Branches, leaves or questions in one message: the work that it causes is sixteen times as much. */
  partsPerMessage: 64,
  /** A leaf has sixteen heads, unless somebody found many keys of one hash. */
  fingerprintsPerLeaf: 64,
} as const

/** Looking at so many names costs about what a message costs. */
const namesPerMessage = 100

/** What a message costs its sender of what it may say: long lists of names would otherwise come at the price of short ones. */
export function weightOf(message: HeadMessage): number {
  const names = message.t === 'want' ? message.keys : 'ids' in message ? message.ids : []
  return 1 + Math.floor(names.length / namesPerMessage)
}

export const headsProblems = defineProblems({
  ERR_HEAD_MESSAGE: {
    kind: 'remote',
    text: 'a peer sent something about heads that has no known form',
    fix: 'check that the peer runs this or the adjacent release',
  },
})

export function encodeMessage(message: HeadMessage): Uint8Array {
  const { t } = message
  switch (t) {
    case 'have':
    case 'found':
      return encodeCbor({ t, ids: message.ids.map(idTuple) })
    case 'heads':
      return encodeCbor({ t, heads: message.heads.map(({ key, bytes }) => [key, bytes]) })
    case 'summary':
      return encodeCbor({ t, count: message.count, digest: bytesOfDigest(message.digest) })
    case 'compare':
      return encodeCbor({
        ...message,
        branches: message.branches.map(pair),
        leaves: message.leaves.map(pair),
      })
    case 'name':
      return encodeCbor({ ...message, parts: message.parts.map(pair) })
    default:
      return encodeCbor(message)
  }
}

/** @throws ERR_CBOR, ERR_HEAD_MESSAGE */
export function decodeMessage(bytes: Uint8Array): HeadMessage {
  const value = decodeCbor(bytes, { maxBytes: messageLimits.frameBytes, maxDepth: 4, maxItems: 8_192 })
  const message = read((value ?? {}) as Record<string, unknown>)
  if (message === null)
    throw headsProblems.error('ERR_HEAD_MESSAGE', 'a message about heads has no known form')
  return message
}

function read(value: Record<string, unknown>): HeadMessage | null {
  const { t } = value
  switch (t) {
    case 'have':
    case 'found': {
      const ids = readIds(value['ids'])
      return ids === null ? null : { t, ids }
    }
    case 'want': {
      const keys = readAll(value['keys'], messageLimits.keysPerWant, (key) => (isHeadKey(key) ? key : null))
      return keys === null ? null : { t, keys }
    }
    case 'heads': {
      const heads = readAll(value['heads'], messageLimits.headsPerMessage, readPayload)
      return heads === null ? null : { t, heads }
    }
    case 'summary': {
      const count = value['count']
      const digest = readDigest(value['digest'])
      return isCount(count) && digest !== null ? { t, count, digest } : null
    }
    case 'compare': {
      const salt = readSalt(value['salt'])
      const branches = readParts(value['branches'], isBranch)
      const leaves = readParts(value['leaves'], isLeaf)
      return salt === null || branches === null || leaves === null ? null : { t, salt, branches, leaves }
    }
    case 'name': {
      const salt = readSalt(value['salt'])
      const parts = readParts(value['parts'], isLeaf)
      return salt === null || parts === null ? null : { t, salt, parts }
    }
    default:
      return null
  }
}

const prefixPattern = /^[0-9a-f]*$/

function readParts(value: unknown, isFine: (part: Part) => boolean): Part[] | null {
  return readAll(value, messageLimits.partsPerMessage, (item) => {
    if (!Array.isArray(item) || item.length !== 2) return null
    const [prefix, fingerprints] = item as unknown[]
    if (typeof prefix !== 'string' || prefix.length > maxDepth || !prefixPattern.test(prefix)) return null
    if (!(fingerprints instanceof Uint8Array) || fingerprints.length % fingerprintBytes !== 0) return null
    const part = { prefix, fingerprints }
    return isFine(part) ? part : null
  })
}

/** A branch has parts, so its prefix has room for another digit. */
function isBranch({ prefix, fingerprints }: Part): boolean {
  return prefix.length < maxDepth && fingerprints.length === fanOut * fingerprintBytes
}

function isLeaf({ fingerprints }: Part): boolean {
  return fingerprints.length <= messageLimits.fingerprintsPerLeaf * fingerprintBytes
}

function readSalt(value: unknown): Uint8Array | null {
  return value instanceof Uint8Array && value.length === saltBytes ? value : null
}

function readPayload(value: unknown): { key: string; bytes: Uint8Array } | null {
  if (!Array.isArray(value) || value.length !== 2) return null
  const [key, bytes] = value as unknown[]
  const isFine = isHeadKey(key) && bytes instanceof Uint8Array && bytes.length <= headLimits.headBytes
  return isFine ? { key, bytes } : null
}

function readIds(value: unknown): HeadId[] | null {
  return readAll(value, messageLimits.idsPerMessage, (item) => {
    if (!Array.isArray(item) || item.length !== 4) return null
    const [key, first, second, bytes] = item as unknown[]
    const digest = readDigest(bytes)
    if (!isHeadKey(key) || !isCount(first) || !isCount(second) || digest === null) return null
    return { key, order: [first, second], digest }
  })
}

/** On the wire a digest is its 32 bytes. */
function readDigest(value: unknown): Digest | null {
  return value instanceof Uint8Array && value.length === 32 ? Buffer.from(value).toString('hex') : null
}

function bytesOfDigest(digest: Digest): Uint8Array {
  return new Uint8Array(Buffer.from(digest, 'hex'))
}

function readAll<T>(value: unknown, limit: number, readOne: (item: unknown) => T | null): T[] | null {
  if (!Array.isArray(value) || value.length > limit) return null
  const items: T[] = []
  for (const item of value as unknown[]) {
    const one = readOne(item)
    if (one === null) return null
    items.push(one)
  }
  return items
}

function idTuple({ key, order, digest }: HeadId): unknown[] {
  return [key, order[0], order[1], bytesOfDigest(digest)]
}

function pair({ prefix, fingerprints }: Part): unknown[] {
  return [prefix, fingerprints]
}
