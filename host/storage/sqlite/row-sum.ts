/**
 * Sums by which a row is known as the one that was written: SQLite has none, and hands out what a worn-out card made of
 * it. The first 8 bytes of a SHA-256: against wear, not against somebody who can write to the disk.
 */
import * as crypto from 'node:crypto'

const sumBytes = 8
/** From Node.js 20.12 on: an object for each sum costs three times as much, and half as much as SQLite's part of a write. */
const { hash: hashAtOnce } = crypto as {
  readonly hash?: (algorithm: 'sha256', data: Uint8Array, outputEncoding: 'buffer') => Buffer
}

/** Larger values are not copied to be hashed in one piece with the rest. */
const copiedBytes = 4_096

/** Of names and numbers in order, each with its length, and of a value behind them. */
export function sumOf(fields: readonly (Uint8Array | number)[], value?: Uint8Array): Uint8Array {
  // All lengths and numbers first, all in one piece: each call of the hash costs more than what it hashes here.
  const head = fields.map((field) => (typeof field === 'number' ? field : `${field.length}b`)).join(';')
  const parts = fields.filter((field) => typeof field !== 'number')
  const isCopied = value !== undefined && value.length <= copiedBytes
  if (isCopied) parts.push(value)
  const bytes = Buffer.allocUnsafe(head.length + parts.reduce((sum, { length }) => sum + length, 0))
  let at = bytes.write(head, 'latin1')
  for (const part of parts) {
    bytes.set(part, at)
    at += part.length
  }
  if (hashAtOnce !== undefined && (value === undefined || isCopied))
    return new Uint8Array(hashAtOnce('sha256', bytes, 'buffer').subarray(0, sumBytes))
  const hash = crypto.createHash('sha256').update(bytes)
  if (value !== undefined && !isCopied) hash.update(value)
  return new Uint8Array(hash.digest().subarray(0, sumBytes))
}

/** @throws an error that says it is damaged */
export function checkSum(stored: unknown, expected: Uint8Array, what: string): void {
  if (
    stored instanceof Uint8Array &&
    stored.length === sumBytes &&
    stored.every((byte, at) => byte === expected[at])
  )
    return
  throw new Error(`it is malformed: ${what} is not as it was written`)
}
