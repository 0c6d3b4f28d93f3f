/**
 * What two nodes say to each other about blobs. Small messages are maps in deterministic CBOR; chunks travel in frames of
 * their own form (`chunk-frame.ts`), which no map begins like.
 *
 * The asker opens the channel. It says `follow`, `want`, `cancel` and `got`; it hears `has`, `have`, `missing` and chunks.
 * Chunks of a component are numbered by their place in its list, each distinct chunk once.
 */
import { decodeCbor, encodeCbor, isDigest, messageOf, type Digest } from '../../core/index.ts'
import { blobLimits } from './limits.ts'
import { blobsProblems } from './problems.ts'

export const blobsProtocol = '/selvedge/blobs/2'

export type BlobRequest =
  /** Tell me which chunks of this list you have, now and from now on. */
  | { readonly kind: 'follow' | 'unfollow'; readonly list: Digest }
  /** `list` groups what belongs together, so that one component does not hold up another. */
  | { readonly kind: 'want'; readonly digests: readonly Digest[]; readonly list?: Digest }
  | { readonly kind: 'cancel'; readonly digests: readonly Digest[] }
  /** Bytes of blobs that came on this channel so far: who serves sends no more than is on its way anyhow. */
  | { readonly kind: 'got'; readonly bytes: number }

export type BlobNotice =
  /** I have the list, and these of its chunks: bit 0 of byte 0 is the first. Replaces what was said before. */
  | { readonly kind: 'has'; readonly list: Digest; readonly bits: Uint8Array }
  /** These as well. */
  | { readonly kind: 'have'; readonly list: Digest; readonly places: readonly number[] }
  | { readonly kind: 'missing'; readonly digests: readonly Digest[] }

export function encodeWant(digests: readonly Digest[], list?: Digest): Uint8Array {
  return encodeCbor({ kind: 'want', digests, ...(list !== undefined && { list }) })
}

export function encodeRequest(request: BlobRequest): Uint8Array {
  return encodeCbor(request)
}

export function encodeNotice(notice: BlobNotice): Uint8Array {
  return encodeCbor(notice)
}

/** @returns the request, or null for a kind of message that a newer node may send. @throws ERR_BLOB_PROTOCOL */
export function decodeRequest(frame: Uint8Array): BlobRequest | null {
  const { kind, digests, list, bytes } = decode(frame, blobLimits.wantsPerMessage * 80 + 256)
  switch (kind) {
    case 'follow':
    case 'unfollow':
      return { kind, list: readDigest(list) }
    case 'want':
      return {
        kind,
        digests: readDigests(digests),
        ...(list !== undefined && { list: readDigest(list) }),
      }
    case 'cancel':
      return { kind, digests: readDigests(digests) }
    case 'got':
      if (!Number.isSafeInteger(bytes) || (bytes as number) < 0) throw unreadable('it counts no bytes')
      return { kind, bytes: bytes as number }
    default:
      return null
  }
}

/**
 * @returns what a peer says of itself, or null for a kind of message that a newer node may send
 * @throws ERR_BLOB_PROTOCOL
 */
export function decodeNotice(frame: Uint8Array): BlobNotice | null {
  const { kind, digests, list, bits, places } = decode(frame, blobLimits.noticeBytes)
  switch (kind) {
    case 'missing':
      return { kind, digests: readDigests(digests) }
    case 'has':
      if (!(bits instanceof Uint8Array) || bits.length > bitBytes) throw unreadable('it has no bits')
      return { kind, list: readDigest(list), bits }
    case 'have':
      return { kind, list: readDigest(list), places: readPlaces(places) }
    default:
      return null
  }
}

const bitBytes = Math.ceil(blobLimits.chunksPerComponent / 8)

function decode(frame: Uint8Array, maxBytes: number): Record<string, unknown> {
  let value: unknown
  try {
    value = decodeCbor(frame, { maxBytes, maxDepth: 4, maxItems: blobLimits.placesPerMessage + 32 })
  } catch (error) {
    throw unreadable(messageOf(error), error)
  }
  if (typeof value !== 'object' || value === null) throw unreadable('it is no map')
  return value as Record<string, unknown>
}

function readDigest(value: unknown): Digest {
  if (!isDigest(value)) throw unreadable('it names no list')
  return value
}

function readDigests(value: unknown): Digest[] {
  if (!Array.isArray(value) || value.length > blobLimits.wantsPerMessage || !value.every(isDigest)) {
    throw unreadable(`it has no list of at most ${blobLimits.wantsPerMessage} digests`)
  }
  return value
}

function isPlace(place: unknown): boolean {
  return (
    Number.isInteger(place) && (place as number) >= 0 && (place as number) < blobLimits.chunksPerComponent
  )
}

function readPlaces(value: unknown): number[] {
  if (!Array.isArray(value) || value.length > blobLimits.placesPerMessage || !value.every(isPlace)) {
    throw unreadable(`it has no list of at most ${blobLimits.placesPerMessage} places`)
  }
  return value as number[]
}

function unreadable(what: string, cause?: unknown): Error {
  return blobsProblems.error('ERR_BLOB_PROTOCOL', `a message about blobs was refused: ${what}`, { cause })
}
