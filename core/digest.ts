/** Content addresses: lower-case hexadecimal SHA-256, 64 characters. */
import { createHash } from 'node:crypto'

/** A SHA-256 in hexadecimal. */
export type Digest = string

const digestPattern = /^[0-9a-f]{64}$/

/** The content address of `bytes`. */
export function digestOf(bytes: Uint8Array): Digest {
  return createHash('sha256').update(bytes).digest('hex')
}

/** True for a well-formed content address; says nothing of what it stands for. */
export function isDigest(value: unknown): value is Digest {
  return typeof value === 'string' && digestPattern.test(value)
}

/** The first eight characters, for people; programs compare whole digests. */
export function shortDigest(digest: Digest): string {
  return digest.slice(0, 8)
}
