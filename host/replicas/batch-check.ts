/** What comes from another node is held against the limits of every store before it is joined in. */
import type { Batch } from '../storage/index.ts'
import { keyValueLimits } from '../storage/index.ts'
import { replicaLimits } from './messages.ts'

const bucketPattern = /^[a-z][a-z0-9-]{0,62}$/

/** @throws naming what is too large */
export function checkBatch({ entries }: Batch): void {
  for (const { bucket, key, entry } of entries) {
    if (!bucketPattern.test(bucket)) throw new Error('a bucket has no name')
    if (Buffer.byteLength(key) > keyValueLimits.keyBytes) throw new Error('a key is too long')
    for (const { value } of entry.siblings) {
      if (value !== null && value.length > replicaLimits.valueBytes) throw new Error('a value is too long')
    }
  }
}
