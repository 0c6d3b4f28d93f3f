/** Writes a bundle as a stream: what it holds is asked for piece by piece, so that its size costs no memory. */
import { createHash } from 'node:crypto'
import { digestOf, type Digest } from '../../../core/index.ts'
import { carriedKinds, type BlobRef, type CarriedRecord } from '../../../mesh/index.ts'
import { formatLimits } from '../limits.ts'
import { formatsProblems } from '../problems.ts'
import { encodeContents, magic, type BundleContents } from './contents.ts'

export interface BundleParts {
  readonly mesh: Digest
  /** In any order of kinds; within a kind as they depend on each other. */
  readonly records: readonly CarriedRecord[]
  readonly lists: readonly BlobRef[]
  readonly chunks: readonly BlobRef[]
  /** @returns the blobs, in the order asked for. Lists come first, then chunks; a few at a time */
  read(wanted: readonly BlobRef[]): AsyncIterable<Uint8Array>
}

const blobsAtOnce = 64

/**
 * @throws ERR_BUNDLE_LIMIT where a reader would refuse it for its size, ERR_FORMAT_DIGEST where a blob is not the one
 *   that was named
 */
export async function* bundleOf(parts: BundleParts): AsyncGenerator<Uint8Array> {
  const hash = createHash('sha256')
  const pass = (bytes: Uint8Array): Uint8Array => {
    hash.update(bytes)
    return bytes
  }
  const records = distinct(
    [...parts.records].sort(
      (one, other) => carriedKinds.indexOf(one.kind) - carriedKinds.indexOf(other.kind),
    ),
  )
  const contents = contentsOf(parts, records)
  const head = Buffer.alloc(magic.length + 4)
  head.set(magic)
  head.writeUInt32BE(contents.length, magic.length)
  yield pass(head)
  yield pass(contents)
  for (const { bytes } of records) yield pass(bytes)
  for (const refs of [parts.lists, parts.chunks]) {
    for (let at = 0; at < refs.length; at += blobsAtOnce) {
      const wanted = refs.slice(at, at + blobsAtOnce)
      let index = 0
      for await (const bytes of parts.read(wanted)) {
        requireSame(wanted[index++], bytes)
        yield pass(bytes)
      }
      if (index !== wanted.length) requireSame(wanted[index], new Uint8Array())
    }
  }
  yield new Uint8Array(hash.digest())
}

function distinct(records: readonly CarriedRecord[]): (CarriedRecord & { readonly digest: Digest })[] {
  const byDigest = new Map<Digest, CarriedRecord & { readonly digest: Digest }>()
  for (const record of records) {
    const digest = digestOf(record.bytes)
    if (!byDigest.has(digest)) byDigest.set(digest, { ...record, digest })
  }
  return [...byDigest.values()]
}

function contentsOf(
  { mesh, lists, chunks }: BundleParts,
  records: readonly (CarriedRecord & { readonly digest: Digest })[],
): Uint8Array {
  const entries = records.map(({ kind, digest, bytes }) => ({ kind, digest, sizeBytes: bytes.length }))
  const contents: BundleContents = { mesh, records: entries, lists, chunks }
  const recordsBytes = entries.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)
  const bounds = [
    [entries.length, formatLimits.records, 'records'],
    [recordsBytes, formatLimits.recordsBytes, 'bytes of records'],
    [chunks.length, formatLimits.chunks, 'chunks'],
  ] as const
  for (const [count, max, what] of bounds) {
    if (count > max) throw formatsProblems.error('ERR_BUNDLE_LIMIT', `${count} ${what}, more than ${max}`)
  }
  return encodeContents(contents)
}

function requireSame(wanted: BlobRef | undefined, bytes: Uint8Array): void {
  if (wanted !== undefined && bytes.length === wanted.sizeBytes && digestOf(bytes) === wanted.digest) return
  throw formatsProblems.error('ERR_FORMAT_DIGEST', 'the node handed over another chunk than it was asked for')
}
