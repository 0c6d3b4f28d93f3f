/** Where the entries of a key-value store are kept, what its rules need of it, and no more. */
import type { StoredValue, StoreUsage } from './contract.ts'

/** What a row is without its value. */
export interface RowFacts {
  readonly valueBytes: number
  readonly version: number
  /** The store's age in ms when it was written. */
  readonly at: number
}

export interface DatedValue extends StoredValue {
  readonly at: number
}

export interface KeyVersion {
  readonly key: string
  readonly version: number
}

/** Ids count up and are not used again; writing a key that is there keeps its id. Versions and ages only grow. */
export interface Rows {
  find(bucket: string, key: string): RowFacts | undefined
  read(bucket: string, key: string): DatedValue | undefined
  write(bucket: string, key: string, value: Uint8Array, version: number, at: number): void
  remove(bucket: string, key: string): void
  /** In the order of ids, those above `afterId` that were written at the age `since` or later. */
  page(
    bucket: string,
    afterId: number,
    since: number,
    count: number,
  ): readonly { readonly id: number; readonly key: string }[]
  buckets(): readonly string[]
  /** Keys that were written at the age `until` or before; of the `count` that were longest not written. */
  oldest(bucket: string, until: number, count: number): readonly string[]
  /** Whether {@link oldest} and {@link changed} will be asked for: what makes them quick costs each write a page. */
  followVersions(isWanted: boolean): void
  /** In the order of versions, those above `after`. */
  changed(bucket: string, after: number, count: number): readonly KeyVersion[]
  /** Remembers that a key was deleted: one grave for a key, the last. */
  bury(bucket: string, key: string, version: number): void
  /** Graves in the order of versions, those above `after`. */
  buried(bucket: string, after: number, count: number): readonly KeyVersion[]
  /** Forgets the graves up to a version. @returns how many are left */
  unbury(until: number): number
  /** The version of the grave before which there are `count`; null where there are not so many. */
  graveAt(count: number): number | null
  /** Small numbers by name. */
  note(name: string): number | null
  setNote(name: string, value: number | null): void
  notes(prefix: string): ReadonlyMap<string, number>
  /** Of all buckets; `version` is the highest ever used, `at` the highest there is. */
  totals(): StoreUsage & { readonly version: number; readonly at: number }
  /** Runs all of it or, where it throws, none. One within another is a part of it, which may fail alone. */
  transaction<Result>(run: () => Result): Result
  /** The same of what writes one row at most: that is all or nothing by itself. */
  atOnce<Result>(run: () => Result): Result
  /** What was written is on the disk afterwards, where it was not before. */
  flush(isWhole?: boolean): void
  close(): void
}
