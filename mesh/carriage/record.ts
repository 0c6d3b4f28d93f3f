/** What is carried between nodes by hand, on a stick or in a registry, and what becomes of it here. */
import type { Digest } from '../../core/index.ts'
import type { SignedRelease } from '../releases/index.ts'

/** In the order in which they depend on each other. */
export const carriedKinds = ['trust', 'revocation', 'credential', 'release'] as const
export type CarriedKind = (typeof carriedKinds)[number]

/**
 * A signed record. Trust travels as its whole chain in one record, as the head does; credentials each behind the one
 * that it rests on.
 */
export interface CarriedRecord {
  readonly kind: CarriedKind
  readonly bytes: Uint8Array
}

export interface CarriedVerdict {
  readonly kind: CarriedKind
  /** SHA-256 of its bytes. */
  readonly digest: Digest
  /** `older`: something newer is held, or it lost against something of the same number. */
  readonly outcome: 'accepted' | 'known' | 'older' | 'refused'
  /** Why it was refused. */
  readonly error: Error | null
  /** Of a release whose signature holds. */
  readonly release: SignedRelease | null
  /** The newest release of its app before this one was looked at. */
  readonly before: SignedRelease | null
}
