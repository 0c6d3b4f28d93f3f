/**
 * What a replica was once, from its file, joined into what it is now: as if somebody had come back who was away since. What
 * was lost is there again; what was written or deleted since stands, as whoever did that had seen what is in the file.
 */
import { storageProblems } from '../problems.ts'
import type { Position } from './batch.ts'
import type { ReplicaTable } from './replica-table.ts'

const pieceBytes = 256 * 1024

/** A piece at a time; to do it twice changes nothing. @throws ERR_STORAGE_QUOTA where it is more than may be held */
export function joinAll(into: ReplicaTable, from: ReplicaTable): void {
  for (let after: Position | null = null; ;) {
    const batch = from.range(after, pieceBytes)
    if (into.merge(batch) === null) {
      const message = 'what the group shares does not fit with what is in the snapshot'
      throw storageProblems.error('ERR_STORAGE_QUOTA', message)
    }
    if (batch.kind.type !== 'range' || batch.kind.to === null)
      return into.advance(batch.vector, batch.collected)
    after = batch.kind.to
  }
}
