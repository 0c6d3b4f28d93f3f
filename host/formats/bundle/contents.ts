/**
 * A bundle: one file that carries signed records and the chunks of their components, for a stick or any other way.
 *
 *     "selvedge-bundle/1\n"  length of the contents, 4 bytes  contents (CBOR)
 *     the records  the chunk lists  the chunks, each once     SHA-256 of all before it, 32 bytes
 *
 * The contents name everything by size and digest, in order, so that nothing needs framing and a reader knows what will
 * come before it takes it. The same holdings give the same bytes. Nothing in it is believed for being in it: records
 * bring their own signatures.
 */
import * as v from 'valibot'
import { decodeCbor, encodeCbor, isDigest, messageOf, type Digest } from '../../../core/index.ts'
import { carriedKinds, digestField, type BlobRef, type CarriedKind } from '../../../mesh/index.ts'
import { formatLimits } from '../limits.ts'
import { formatsProblems } from '../problems.ts'

export const magic = new TextEncoder().encode('selvedge-bundle/1\n')
export const lengthBytes = 4
export const trailerBytes = 32

export interface RecordEntry extends BlobRef {
  readonly kind: CarriedKind
}

export interface BundleContents {
  readonly mesh: Digest
  /** By kind, in the order of {@link carriedKinds}. Trust: the whole chain, as one record. Credentials: each behind the one that it rests on. */
  readonly records: readonly RecordEntry[]
  readonly lists: readonly BlobRef[]
  readonly chunks: readonly BlobRef[]
}

const referenceBytes = 36
const packed = v.custom<Uint8Array>(
  (value) => value instanceof Uint8Array && value.length % referenceBytes === 0,
  'is no list of digests and sizes',
)
const schema = v.strictObject({
  v: v.literal(1),
  mesh: digestField,
  records: v.pipe(
    v.array(
      v.strictObject({
        kind: v.picklist(carriedKinds),
        digest: digestField,
        sizeBytes: v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(formatLimits.recordBytes)),
      }),
    ),
    v.maxLength(formatLimits.records),
  ),
  lists: packed,
  chunks: packed,
})

export function encodeContents({ mesh, records, lists, chunks }: BundleContents): Uint8Array {
  const entries = records.map(({ kind, digest, sizeBytes }) => ({ kind, digest, sizeBytes }))
  return encodeCbor({ v: 1, mesh, records: entries, lists: pack(lists), chunks: pack(chunks) })
}

/** @throws ERR_BUNDLE_INVALID for another form, and for what exceeds {@link formatLimits} */
export function decodeContents(bytes: Uint8Array): BundleContents {
  const result = v.safeParse(schema, decode(bytes))
  if (!result.success) {
    const [issue] = result.issues
    throw invalid(`its contents are wrong at ${v.getDotPath(issue) ?? 'their form'}: ${issue.message}`)
  }
  const { mesh, records } = result.output
  const total = records.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)
  if (total > formatLimits.recordsBytes)
    throw invalid(`its records have ${total} bytes, more than ${formatLimits.recordsBytes}`)
  const places = records.map(({ kind }) => carriedKinds.indexOf(kind))
  if (places.some((place, at) => place < (places[at - 1] ?? 0))) throw invalid('its records are out of order')
  if (places.filter((place) => place === 0).length > 1) throw invalid('it has two chains of trust')
  const lists = unpack(result.output.lists, formatLimits.chunkListBytes, formatLimits.records)
  const chunks = unpack(result.output.chunks, formatLimits.chunkBytes, formatLimits.chunks)
  requireDistinct([...records, ...lists, ...chunks])
  return { mesh, records, lists, chunks }
}

function decode(bytes: Uint8Array): unknown {
  try {
    // A record is a map, three keys and three values.
    const maxItems = 7 * formatLimits.records + 64
    return decodeCbor(bytes, { maxBytes: formatLimits.contentsBytes, maxDepth: 3, maxItems })
  } catch (error) {
    throw invalid(`its contents cannot be read: ${messageOf(error)}`, error)
  }
}

/** 32 bytes of digest and 4 of size each: a quarter of what CBOR maps would take, and read without a word per chunk. */
function pack(refs: readonly BlobRef[]): Uint8Array {
  const bytes = Buffer.alloc(refs.length * referenceBytes)
  for (const [at, { digest, sizeBytes }] of refs.entries()) {
    bytes.write(digest, at * referenceBytes, 'hex')
    bytes.writeUInt32BE(sizeBytes, at * referenceBytes + 32)
  }
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length)
}

function unpack(bytes: Uint8Array, maxBytes: number, maxCount: number): BlobRef[] {
  const count = bytes.length / referenceBytes
  if (count > maxCount) throw invalid(`it names ${count} chunks, more than ${maxCount}`)
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  return Array.from({ length: count }, (_, index) => {
    const at = index * referenceBytes
    const sizeBytes = view.readUInt32BE(at + 32)
    if (sizeBytes < 1 || sizeBytes > maxBytes) throw invalid(`a chunk in it has ${sizeBytes} bytes`)
    return { digest: view.toString('hex', at, at + 32), sizeBytes }
  })
}

function requireDistinct(refs: readonly BlobRef[]): void {
  const seen = new Set<Digest>()
  for (const { digest } of refs) {
    if (!isDigest(digest) || seen.has(digest)) throw invalid('it names the same content twice')
    seen.add(digest)
  }
}

export function invalid(what: string, cause?: unknown): Error {
  return formatsProblems.error('ERR_BUNDLE_INVALID', `the bundle was refused: ${what}`, { cause })
}
