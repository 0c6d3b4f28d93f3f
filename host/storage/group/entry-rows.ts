/** Where a replica keeps its entries: a file on a node, memory in a test. What is in a transaction is kept whole or not at all. */
import { sizeOf } from '../key-value-table.ts'
import type { Position } from './batch.ts'
import type { Entry } from './entry.ts'

export interface EntryRow {
  /** Counts up and is not used again; a key keeps its id. */
  readonly id: number
  /** Which writing of the key this is on this node. */
  readonly version: number
  /** Bytes that a reader gets; null where there is nothing to get. */
  readonly valueBytes: number | null
  readonly entry: Entry
}

export interface RowTotals {
  /** Of what can be read. */
  readonly keys: number
  readonly bytes: number
  /** Rows that are kept only to tell others of a deletion. */
  readonly dead: number
}

export interface EntryRows {
  find(bucket: string, key: string): EntryRow | undefined
  /** Makes or replaces it, and finds it by the names of its writes from now on. */
  write(bucket: string, key: string, row: Omit<EntryRow, 'id'>): void
  remove(bucket: string, key: string): void
  /** Keys that can be read, in the order of ids, those above `afterId`. */
  page(
    bucket: string,
    afterId: number,
    count: number,
  ): readonly { readonly id: number; readonly key: string }[]
  /** Keys of a bucket whose last change is beyond a version, in the order of those; one that is not set was deleted. */
  changed(
    bucket: string,
    after: number,
    count: number,
  ): readonly { readonly key: string; readonly version: number; readonly isSet: boolean }[]
  /** Keys with writes of the replica beyond a number, in the order of those. */
  writesAfter(
    replica: string,
    counter: number,
    count: number,
  ): readonly (readonly [bucket: string, key: string, counter: number])[]
  /** Keys after a place, in the order of their bytes. */
  range(after: Position | null, count: number): readonly Position[]
  /** Keys that are kept only to tell others of a deletion, in the order of ids, those above `afterId`. */
  dead(afterId: number, count: number): readonly (readonly [bucket: string, key: string, id: number])[]
  totals(): RowTotals
  /** What is known of each replica's writes, and up to where its deletions are forgotten. */
  vector(name: 'known' | 'collected'): Map<string, number>
  setVector(name: 'known' | 'collected', replica: string, counter: number): void
  /** Small facts beside the entries. */
  fact(name: string): string | null
  setFact(name: string, value: string): void
  transaction<Result>(run: () => Result): Result
  /** All of a log is in the file afterwards. */
  flush(): void
  close(): void
}

/** What an entry counts for, as in any other store. */
export function sizeOfRow(key: string, { valueBytes }: Pick<EntryRow, 'valueBytes'>): number {
  return valueBytes === null ? 0 : sizeOf(key, valueBytes)
}

/** By the bytes of bucket and key: the same on every node. */
export function comparePositions([bucket, key]: Position, [otherBucket, otherKey]: Position): number {
  return compareText(bucket, otherBucket) || compareText(key, otherKey)
}

function compareText(one: string, other: string): number {
  return Buffer.compare(Buffer.from(one), Buffer.from(other))
}
