/** How the releases of one app lie on the disk: the signed bytes as received, and when. */
import { decodeCbor, encodeCbor } from '../../core/index.ts'
import type { HeldRelease } from './held-release.ts'
import { maxFallen, type AppReleases } from './release-standing.ts'
import { maxForks, maxHistory } from './sequence.ts'
import { releaseLimits, type SignedRelease } from './signed-release.ts'

export const maxHistoryFileBytes = (maxHistory + maxForks + maxFallen) * (releaseLimits.recordBytes + 64) + 64

export function encodeHistory({ line, forks, fallen }: AppReleases<HeldRelease>): Uint8Array {
  const file = { v: 1, line: line.map(entryOf), forks: forks.map(entryOf) }
  // A program from before revocations reads what has none.
  return encodeCbor(fallen.length === 0 ? file : { ...file, fallen: fallen.map(entryOf) })
}

function entryOf({ bytes, receivedAt }: HeldRelease): { bytes: Uint8Array; receivedAt: number } {
  return { bytes, receivedAt }
}

/**
 * @param check reads one signed record, or throws
 * @throws where the file has another form, and what `check` throws
 */
export function decodeHistory(
  bytes: Uint8Array,
  check: (signed: Uint8Array) => SignedRelease,
): AppReleases<HeldRelease> {
  const file = decodeCbor(bytes, { maxBytes: maxHistoryFileBytes, maxDepth: 4, maxItems: 256 })
  const { v, line, forks, fallen = [] } = (file ?? {}) as Record<string, unknown>
  if (v !== 1) throw new Error('it is of a version this node does not read')
  return {
    line: readEntries(line, maxHistory, check),
    forks: readEntries(forks, maxForks, check),
    fallen: readEntries(fallen, maxFallen, check),
  }
}

function readEntries(
  list: unknown,
  max: number,
  check: (signed: Uint8Array) => SignedRelease,
): HeldRelease[] {
  if (!Array.isArray(list) || list.length > max)
    throw new Error('it has another form than this version writes')
  return list.map((item: unknown) => {
    const { bytes, receivedAt } = (item ?? {}) as Record<string, unknown>
    if (!(bytes instanceof Uint8Array) || typeof receivedAt !== 'number') {
      throw new Error('it has another form than this version writes')
    }
    return { ...check(bytes), receivedAt }
  })
}
