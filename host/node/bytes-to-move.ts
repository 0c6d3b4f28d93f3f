/** What a release will make nodes fetch, told to its publisher before anything is signed. */
import type { BlobStore, ComponentRef } from '../../mesh/index.ts'
import type { UploadReport } from '../api/index.ts'

type Moves = NonNullable<UploadReport['moves']>

/**
 * An upper bound: whoever holds other components has some of the chunks already, and a patch is smaller still.
 * @param ref on this node's disk
 * @param before the component of the release before, if any; where its list is not on the disk nothing is said of updates
 */
export async function bytesToMove(
  blobs: Pick<BlobStore, 'readList'>,
  ref: ComponentRef,
  before: ComponentRef | null,
): Promise<Moves> {
  const fullBytes = ref.sizeBytes + ref.chunks.sizeBytes
  if (before?.digest === ref.digest) return { fullBytes, updateBytes: 0 }
  const [list, held] = [await blobs.readList(ref), before === null ? null : await blobs.readList(before)]
  if (list === null || held === null) return { fullBytes, updateBytes: null }
  const known = new Set(held.chunks.map(({ digest }) => digest))
  let updateBytes = ref.chunks.sizeBytes
  for (const { digest, sizeBytes } of list.chunks) {
    if (known.has(digest)) continue
    // A chunk that comes twice travels once.
    known.add(digest)
    updateBytes += sizeBytes
  }
  return { fullBytes, updateBytes }
}
