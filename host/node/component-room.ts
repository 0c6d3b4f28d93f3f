/**
 * What components take of the disk, for whoever asks. The store looks at all of them the first time, which takes a slow
 * card its while: nobody is held up for it, and it is known when it is asked again.
 */
import { within, type Clock } from '../../core/index.ts'
import type { Mesh } from '../../mesh/index.ts'
import type { ComponentRoom } from '../api/index.ts'

/** Longer than counting thousands of blobs on a disk takes, shorter than a person notices. */
const countMs = 250

/** @returns null while it is being counted, or where the disk does not answer */
export async function componentRoom(
  blobs: Pick<Mesh['blobs'], 'usage'>,
  clock: Clock,
): Promise<ComponentRoom | null> {
  try {
    const { usedBytes, quotaBytes, evictedBytes } = await within({ clock, ms: countMs }, () => blobs.usage())
    return { usedBytes, quotaBytes: Number.isFinite(quotaBytes) ? quotaBytes : null, evictedBytes }
  } catch {
    return null
  }
}
