/**
 * Chunks put together again. Only the whole is hashed: where that is right, every chunk was; and where it is wrong,
 * whoever asked looks for the one that is damaged.
 */
import { createHash } from 'node:crypto'
import { digestOf, type Digest } from '../../core/index.ts'
import type { ComponentRef } from '../releases/index.ts'
import type { ChunkList } from './chunk-list.ts'

/** A chunk as the disk gives it, or null where there is none. */
type ReadChunk = (digest: Digest) => Promise<Uint8Array | null>

/** @returns the component, or null where a chunk is missing or has another length, or all is not what was signed */
export async function assembled(
  ref: ComponentRef,
  list: ChunkList,
  read: ReadChunk,
): Promise<Uint8Array | null> {
  const bytes = new Uint8Array(ref.sizeBytes)
  let at = 0
  for (const { digest, sizeBytes } of list.chunks) {
    const chunk = await read(digest)
    if (chunk === null || chunk.length !== sizeBytes) return null
    bytes.set(chunk, at)
    at += sizeBytes
  }
  return digestOf(bytes) === ref.digest ? bytes : null
}

/** As {@link assembled}, with one chunk in memory at a time. */
export async function isWhole(ref: ComponentRef, list: ChunkList, read: ReadChunk): Promise<boolean> {
  const hash = createHash('sha256')
  for (const { digest } of list.chunks) {
    const chunk = await read(digest)
    if (chunk === null) return false
    hash.update(chunk)
  }
  return hash.digest('hex') === ref.digest
}
