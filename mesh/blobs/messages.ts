/** What two nodes say to each other about blobs, in deterministic CBOR: `want` one way, `chunk` and `missing` the other. */
import { decodeCbor, encodeCbor, isDigest, messageOf, type Digest } from '../../core/index.ts'
import { blobLimits } from './limits.ts'
import { blobsProblems } from './problems.ts'

export const blobsProtocol = '/selvedge/blobs/1'

export type BlobAnswer =
  | { readonly kind: 'chunk'; readonly digest: Digest; readonly bytes: Uint8Array }
  | { readonly kind: 'missing'; readonly digests: readonly Digest[] }

export function encodeWant(digests: readonly Digest[]): Uint8Array {
  return encodeCbor({ kind: 'want', digests })
}

export function encodeAnswer(answer: BlobAnswer): Uint8Array {
  return encodeCbor(answer)
}

/** @returns the digests, or null for a kind of message that a newer node may send. @throws ERR_BLOB_PROTOCOL */
export function decodeWant(frame: Uint8Array): Digest[] | null {
  const { kind, digests } = decode(frame, blobLimits.wantsPerMessage * 80 + 256)
  return kind === 'want' ? readDigests(digests) : null
}

/**
 * @returns what a peer answered, unverified, or null for a kind of message that a newer node may send
 * @throws ERR_BLOB_PROTOCOL
 */
export function decodeAnswer(frame: Uint8Array): BlobAnswer | null {
  const { kind, digest, bytes, digests } = decode(frame, blobLimits.frameBytes)
  if (kind === 'missing') return { kind, digests: readDigests(digests) }
  if (kind !== 'chunk') return null
  if (!isDigest(digest) || !(bytes instanceof Uint8Array))
    throw unreadable('a chunk has no digest or no bytes')
  return { kind, digest, bytes }
}

function decode(frame: Uint8Array, maxBytes: number): Record<string, unknown> {
  let value: unknown
  try {
    value = decodeCbor(frame, { maxBytes, maxDepth: 4, maxItems: blobLimits.wantsPerMessage + 32 })
  } catch (error) {
    throw unreadable(messageOf(error), error)
  }
  if (typeof value !== 'object' || value === null) throw unreadable('it is no map')
  return value as Record<string, unknown>
}

function readDigests(value: unknown): Digest[] {
  if (!Array.isArray(value) || value.length > blobLimits.wantsPerMessage || !value.every(isDigest)) {
    throw unreadable(`it has no list of at most ${blobLimits.wantsPerMessage} digests`)
  }
  return value
}

function unreadable(what: string, cause?: unknown): Error {
  return blobsProblems.error('ERR_BLOB_PROTOCOL', `a message about blobs was refused: ${what}`, { cause })
}
