/**
 * The list of a component's chunks: itself a blob, whose digest the release signs beside the component's own.
 * So every chunk can be checked as it arrives, and a wrong one is pinned on the peer that sent it.
 */
import { decodeCbor, digestOf, encodeCbor, isDigest, messageOf, type Digest } from '../../core/index.ts'
import type { BlobRef, ComponentRef } from '../releases/index.ts'
import { cut, type Chunk } from './chunker.ts'
import { blobLimits } from './limits.ts'
import { blobsProblems } from './problems.ts'

export interface ChunkList {
  /** Of the whole component. */
  readonly sizeBytes: number
  /** In order; the same chunk may come more than once. */
  readonly chunks: readonly BlobRef[]
}

export interface CutComponent {
  readonly ref: ComponentRef
  /** The chunk list as it is stored and sent. */
  readonly list: Uint8Array
  readonly chunks: readonly Chunk[]
}

/**
 * Cuts a component and names it. Pure: the same bytes give the same reference on every node.
 * @throws ERR_BLOB_SIZE where it is empty or larger than a release may name
 */
export function componentRef(bytes: Uint8Array): CutComponent {
  if (bytes.length === 0) throw blobsProblems.error('ERR_BLOB_SIZE', 'the component is empty')
  if (bytes.length > blobLimits.componentBytes) {
    throw blobsProblems.error(
      'ERR_BLOB_SIZE',
      `the component has ${bytes.length} bytes; ${blobLimits.componentBytes} (64 MiB) are allowed`,
    )
  }
  const chunks = cut(bytes)
  const list = encodeChunkList({ sizeBytes: bytes.length, chunks })
  const ref = {
    digest: digestOf(bytes),
    sizeBytes: bytes.length,
    chunks: { digest: digestOf(list), sizeBytes: list.length },
  }
  return { ref, list, chunks }
}

export function encodeChunkList({ sizeBytes, chunks }: ChunkList): Uint8Array {
  return encodeCbor({
    v: 1,
    sizeBytes,
    chunks: chunks.map((chunk) => ({ digest: chunk.digest, sizeBytes: chunk.sizeBytes })),
  })
}

/**
 * Reads a list whose digest was checked already, so what is wrong here was signed that way.
 * @throws ERR_CHUNK_LIST where it has another form, breaks a limit, or is about another size than `ref`
 */
export function readChunkList(bytes: Uint8Array, ref: ComponentRef): ChunkList {
  const list = decodeChunkList(bytes)
  if (list.sizeBytes !== ref.sizeBytes) {
    throw unusable(`it is about ${list.sizeBytes} bytes, the release about ${ref.sizeBytes}`)
  }
  return list
}

/** As {@link readChunkList}, where nobody has said what it is about. @throws ERR_CHUNK_LIST */
export function decodeChunkList(bytes: Uint8Array): ChunkList {
  const { v, sizeBytes, chunks } = fieldsOf(decode(bytes))
  if (v !== 1) throw unusable('it is of a version that this node does not read')
  if (!isSize(sizeBytes, blobLimits.componentBytes)) throw unusable('its size is out of bounds')
  if (!Array.isArray(chunks) || chunks.length > blobLimits.chunksPerComponent) {
    throw unusable(`it has no chunks, or more than ${blobLimits.chunksPerComponent}`)
  }
  const read = chunks.map(readChunk)
  const sum = read.reduce((total, chunk) => total + chunk.sizeBytes, 0)
  if (sum !== sizeBytes) throw unusable(`its chunks add up to ${sum} bytes, it says ${sizeBytes}`)
  return { sizeBytes, chunks: read }
}

function decode(bytes: Uint8Array): unknown {
  try {
    // A chunk is a map, two keys and two values.
    const maxItems = 5 * blobLimits.chunksPerComponent + 16
    return decodeCbor(bytes, { maxBytes: blobLimits.chunkListBytes, maxDepth: 4, maxItems })
  } catch (error) {
    throw unusable(messageOf(error), error)
  }
}

function readChunk(value: unknown): BlobRef {
  const { digest, sizeBytes } = fieldsOf(value)
  if (!isDigest(digest) || !isSize(sizeBytes, blobLimits.maxChunkBytes)) {
    throw unusable('a chunk in it has no digest, or a size out of bounds')
  }
  return { digest, sizeBytes }
}

function fieldsOf(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
}

function isSize(value: unknown, max: number): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= max
}

function unusable(what: string, cause?: unknown): Error {
  return blobsProblems.error('ERR_CHUNK_LIST', `a chunk list was refused: ${what}`, { cause })
}

/** Each chunk once, whatever the number of places it fills. */
export function distinctChunks(list: ChunkList): BlobRef[] {
  const seen = new Map<Digest, BlobRef>()
  for (const chunk of list.chunks) if (!seen.has(chunk.digest)) seen.set(chunk.digest, chunk)
  return [...seen.values()]
}
