/**
 * What two nodes say to each other about patches, in deterministic CBOR. One asks: `find`, `get`, `forget`; the other
 * answers `known`, at once and again when that changes, and `piece` or `gone`. `n` is the asker's name for its question.
 */
import {
  decodeCbor,
  encodeCbor,
  isDigest,
  messageOf,
  type Digest,
  type SelvedgeError,
} from '../../core/index.ts'
import { patchLimits } from './limits.ts'
import { patchesProblems } from './problems.ts'

export const patchesProtocol = '/selvedge/patches/1'

export type PatchRequest =
  | {
      readonly kind: 'find'
      readonly n: number
      /** Whose components these are. */
      readonly app: string
      readonly target: Digest
      readonly bases: readonly Digest[]
    }
  /** The bytes of a patch that was offered as an answer to question `n`. */
  | { readonly kind: 'get'; readonly n: number; readonly digest: Digest }
  | { readonly kind: 'forget'; readonly n: number }

export interface PatchOffer {
  /** Which of the bases that were asked for. */
  readonly base: number
  /** Of the patch. */
  readonly digest: Digest
  readonly sizeBytes: number
}

export type PatchAnswer =
  /** `expecting`: more may follow soon, as it is being made or on its way here. */
  | {
      readonly kind: 'known'
      readonly n: number
      readonly expecting: boolean
      readonly patches: readonly PatchOffer[]
    }
  /** The next bytes of what was asked for last; all but the last piece are full. */
  | { readonly kind: 'piece'; readonly n: number; readonly bytes: Uint8Array }
  /** What was asked for is not here any more, or the node has too much in hand. */
  | { readonly kind: 'gone'; readonly n: number }

export function encodeMessage(message: PatchRequest | PatchAnswer): Uint8Array {
  return encodeCbor(message)
}

/** @returns null for a kind of message that a newer node may send. @throws ERR_PATCH_PROTOCOL */
export function decodeRequest(frame: Uint8Array): PatchRequest | null {
  const { kind, n, app, target, bases, digest } = decode(frame)
  switch (kind) {
    case 'find':
      if (!isDigest(target) || !Array.isArray(bases) || bases.length > patchLimits.basesPerFind) break
      if (typeof app !== 'string' || app.length > patchLimits.appNameChars) break
      if (bases.every(isDigest)) return { kind, n, app, target, bases }
      break
    case 'get':
      if (isDigest(digest)) return { kind, n, digest }
      break
    case 'forget':
      return { kind, n }
    default:
      return null
  }
  throw unreadable(`a ${kind} lacks a digest, or has more than ${patchLimits.basesPerFind} bases`)
}

/** @returns null for a kind of message that a newer node may send. @throws ERR_PATCH_PROTOCOL */
export function decodeAnswer(frame: Uint8Array): PatchAnswer | null {
  const { kind, n, expecting, patches, bytes } = decode(frame)
  switch (kind) {
    case 'known':
      if (typeof expecting !== 'boolean' || !Array.isArray(patches)) break
      if (patches.length > patchLimits.basesPerFind) break
      return { kind, n, expecting, patches: patches.map(readOffer) }
    case 'piece':
      if (bytes instanceof Uint8Array && bytes.length <= patchLimits.pieceBytes) return { kind, n, bytes }
      break
    case 'gone':
      return { kind, n }
    default:
      return null
  }
  throw unreadable(`a ${kind} has another form, or too much in it`)
}

function readOffer(value: unknown): PatchOffer {
  const { base, digest, sizeBytes } = fieldsOf(value)
  if (!isWhole(base, patchLimits.basesPerFind - 1) || !isDigest(digest))
    throw unreadable('an offer lacks a digest')
  if (!isWhole(sizeBytes, patchLimits.patchBytes) || sizeBytes === 0)
    throw unreadable('an offer is out of bounds')
  return { base, digest, sizeBytes }
}

function isWhole(value: unknown, max: number): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= max
}

function decode(frame: Uint8Array): Record<string, unknown> & { kind: unknown; n: number } {
  let value: unknown
  try {
    value = decodeCbor(frame, { maxBytes: patchLimits.frameBytes, maxDepth: 4, maxItems: 64 })
  } catch (error) {
    throw unreadable(messageOf(error), error)
  }
  const { n, ...fields } = fieldsOf(value)
  if (typeof n !== 'number' || !Number.isSafeInteger(n) || n < 0) throw unreadable('it names no question')
  return { ...fields, kind: fields['kind'], n }
}

function fieldsOf(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
}

function unreadable(what: string, cause?: unknown): SelvedgeError {
  return patchesProblems.error('ERR_PATCH_PROTOCOL', `a message about patches was refused: ${what}`, {
    cause,
  })
}
