/**
 * Content-defined chunking: FastCDC (Xia et al., USENIX ATC 2016) with normalised chunking of level 2.
 *
 * Where a chunk ends depends only on the bytes before its end, so an insertion moves the cuts near it and no others.
 * Every node must cut alike: the gear table and the masks are part of the format and never change.
 */
import { createHash } from 'node:crypto'
import { digestOf } from '../../core/index.ts'
import type { BlobRef } from '../releases/index.ts'
import { blobLimits } from './limits.ts'

/** A piece of a component; `bytes` is a view into what was cut. */
export interface Chunk extends BlobRef {
  readonly bytes: Uint8Array
}

/**
 * The hash shifts left, so bit k has seen the last k + 1 bytes: the masks take the highest bits, which see most.
 * The average is 2^14; two bits more before it and two fewer behind it draw the sizes together (paper, section 3.4).
 */
const strictMask = 0xffff0000 | 0
const looseMask = 0xfff00000 | 0

const gear = gearTable()

/** @returns the chunks in order; none for no bytes. Every chunk but the last has 4 to 64 KiB. */
export function cut(bytes: Uint8Array): Chunk[] {
  const chunks: Chunk[] = []
  for (let start = 0; start < bytes.length;) {
    const end = nextCut(bytes, start)
    const piece = bytes.subarray(start, end)
    chunks.push({ digest: digestOf(piece), sizeBytes: piece.length, bytes: piece })
    start = end
  }
  return chunks
}

function nextCut(bytes: Uint8Array, start: number): number {
  const end = Math.min(bytes.length, start + blobLimits.maxChunkBytes)
  const normal = Math.min(end, start + blobLimits.averageChunkBytes)
  let at = Math.min(end, start + blobLimits.minChunkBytes)
  let hash = 0
  for (; at < normal; at++) {
    hash = ((hash << 1) + (gear[bytes[at] ?? 0] ?? 0)) | 0
    if ((hash & strictMask) === 0) return at + 1
  }
  for (; at < end; at++) {
    hash = ((hash << 1) + (gear[bytes[at] ?? 0] ?? 0)) | 0
    if ((hash & looseMask) === 0) return at + 1
  }
  return end
}

/** Numbers that nobody chose: the first four bytes of SHA-256 of a name and the index. */
function gearTable(): Int32Array {
  return Int32Array.from({ length: 256 }, (_, index) =>
    createHash('sha256').update(`selvedge gear ${index}`).digest().readInt32BE(0),
  )
}
