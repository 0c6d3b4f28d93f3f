/** What two neighbours say to each other about heads, and how it is written. */
import { decodeCbor, defineProblems, encodeCbor, isDigest, type Digest } from '../../core/index.ts'
import { headLimits, isCount, isHeadKey, readHeadId, type HeadId } from './head.ts'

/** All that a node holds, in one number and one digest. */
export interface Summary {
  readonly count: number
  readonly digest: Digest
}

export type HeadMessage =
  /** I have these now. */
  | { readonly t: 'have'; readonly ids: readonly HeadId[] }
  | { readonly t: 'want'; readonly keys: readonly string[] }
  | { readonly t: 'heads'; readonly heads: readonly { readonly key: string; readonly bytes: Uint8Array }[] }
  | ({ readonly t: 'summary' } & Summary)
  /** Everything I have with a key after `after` (from the start where empty) up to the last in `ids`, or to the
   * end where `isLast`; sorted by key. */
  | { readonly t: 'list'; readonly after: string; readonly ids: readonly HeadId[]; readonly isLast: boolean }

export const messageLimits = {
  /** One head of any size with a full batch before it, and what surrounds them. */
  frameBytes: 1024 * 1024 + 512 * 1024,
  /** Payload bytes in one `heads` message; one head always fits. */
  batchBytes: 256 * 1024,
  headsPerMessage: 256,
  idsPerMessage: 1_000,
  keysPerWant: 256,
} as const

export const headsProblems = defineProblems({
  ERR_HEAD_MESSAGE: {
    kind: 'remote',
    text: 'a peer sent something about heads that has no known form',
    fix: 'check that the peer runs this or the adjacent release',
  },
})

export function encodeMessage(message: HeadMessage): Uint8Array {
  switch (message.t) {
    case 'have':
      return encodeCbor({ t: message.t, ids: message.ids.map(idTuple) })
    case 'list':
      return encodeCbor({ ...message, ids: message.ids.map(idTuple) })
    case 'heads':
      return encodeCbor({ t: message.t, heads: message.heads.map(({ key, bytes }) => [key, bytes]) })
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
    case 'have': {
      const ids = readIds(value['ids'])
      return ids === null ? null : { t, ids }
    }
    case 'list':
      return readList(value)
    case 'want': {
      const keys = readAll(value['keys'], messageLimits.keysPerWant, (key) => (isHeadKey(key) ? key : null))
      return keys === null ? null : { t, keys }
    }
    case 'heads': {
      const heads = readAll(value['heads'], messageLimits.headsPerMessage, readPayload)
      return heads === null ? null : { t, heads }
    }
    case 'summary': {
      const { count, digest } = value
      return isCount(count) && isDigest(digest) ? { t, count, digest } : null
    }
    default:
      return null
  }
}

function readList(value: Record<string, unknown>): HeadMessage | null {
  const { after, isLast } = value
  const ids = readIds(value['ids'])
  if (ids === null || typeof isLast !== 'boolean' || typeof after !== 'string') return null
  let previous = after
  for (const { key } of ids) {
    if (key <= previous) return null
    previous = key
  }
  return after.length <= headLimits.keyLength ? { t: 'list', after, ids, isLast } : null
}

function readPayload(value: unknown): { key: string; bytes: Uint8Array } | null {
  if (!Array.isArray(value) || value.length !== 2) return null
  const [key, bytes] = value as unknown[]
  const isFine = isHeadKey(key) && bytes instanceof Uint8Array && bytes.length <= headLimits.headBytes
  return isFine ? { key, bytes } : null
}

function readIds(value: unknown): HeadId[] | null {
  return readAll(value, messageLimits.idsPerMessage, readHeadId)
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
  return [key, order[0], order[1], digest]
}
