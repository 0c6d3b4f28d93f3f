/** Every bound of what apps may store, in one place, each with its reason. */
import type { StorageCaps } from './contract.ts'

/** What the thread that has the apps' stores open may take of the node's memory. */
export interface StoreMemory {
  /** JavaScript heap of the thread, MiB; SQLite's own memory is not in it. */
  readonly heapMb: number
  /** Pages that SQLite keeps in memory for each open file, KiB. */
  readonly pagesKb: number
}

export const usualStoreMemory: StoreMemory = { heapMb: 64, pagesKb: 1_024 }

export interface KeyValueLimits {
  /** Longest key in bytes of UTF-8. */
  readonly keyBytes: number
  /** Largest value in bytes; larger things belong into a blob store. A value crosses to the guest in one piece. */
  readonly valueBytes: number
  /** Keys that one app may hold, over all its buckets. */
  readonly keys: number
  /** Bytes that one app may hold: keys, values, and {@link entryOverheadBytes} for each. */
  readonly bytes: number
  /** Keys in one page of a listing: a page stays below a value's size even with the longest keys. */
  readonly pageKeys: number
  /** Entries in one batch. */
  readonly batchEntries: number
  /** Values of one batch together, in bytes: below what the engine lets cross at once (4 MiB). */
  readonly batchBytes: number
}

/** What an entry costs beside its key and value: its row and two index entries, rounded up. */
export const entryOverheadBytes = 64

export const keyValueLimits: KeyValueLimits = {
  keyBytes: 1_024,
  valueBytes: 1024 * 1024,
  keys: 100_000,
  bytes: 256 * 1024 * 1024,
  pageKeys: 1_000,
  batchEntries: 1_000,
  batchBytes: 3 * 1024 * 1024,
}

export interface BlobLimits {
  /** Longest name of an object in bytes of UTF-8. */
  readonly nameBytes: number
  /** Objects that one app may hold, over all its containers. */
  readonly objects: number
  /** Bytes that one app may hold, without names. */
  readonly bytes: number
  /** Objects being written at once by one app: each holds a file, or memory. */
  readonly uploads: number
  /** Objects being read at once by one app: each holds a file open. */
  readonly downloads: number
  /** Names in one page of a listing. */
  readonly pageNames: number
}

export const blobLimits: BlobLimits = {
  nameBytes: 1_024,
  objects: 10_000,
  bytes: 1024 * 1024 * 1024,
  uploads: 16,
  downloads: 64,
  pageNames: 1_000,
}

/** For stores in memory: a node's heap is not a disk. */
export const memoryKeyValueLimits: KeyValueLimits = { ...keyValueLimits, bytes: 64 * 1024 * 1024 }
export const memoryBlobLimits: BlobLimits = { ...blobLimits, bytes: 64 * 1024 * 1024 }

const amountsOf = (keyValue: KeyValueLimits, blobs: BlobLimits): StorageCaps => ({
  keyValue: { bytes: keyValue.bytes, items: keyValue.keys },
  blobs: { bytes: blobs.bytes, items: blobs.objects },
})

/** What an app gets that asks for nothing, and the most it gets where the node's owner says nothing. */
export const usualStorage: StorageCaps = amountsOf(keyValueLimits, blobLimits)
export const usualMemoryStorage: StorageCaps = amountsOf(memoryKeyValueLimits, memoryBlobLimits)
