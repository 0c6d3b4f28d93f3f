/** What the two halves of wasi:keyvalue say to each other. Every call names its bucket, and is checked again. */

export const keyValuePartName = 'wasi:keyvalue'
/** All functions of the node's half are bound behind this one. */
export const keyValueStoreId = 'wasi:keyvalue/store@0.2.0-draft2'
export const keyValueAtomicsId = 'wasi:keyvalue/atomics@0.2.0-draft2'
export const keyValueBatchId = 'wasi:keyvalue/batch@0.2.0-draft2'

/** `error` of wasi:keyvalue/store. */
export type KeyValueError =
  | { readonly tag: 'no-such-store' }
  | { readonly tag: 'access-denied' }
  | { readonly tag: 'other'; readonly val: string }

/** What a key holds, for compare-and-swap. */
export interface WireEntry {
  /** Absent where the key is not set. */
  readonly value: Uint8Array | undefined
  /** 0 where the key is not set. */
  readonly version: number
}

/** What the node lends of a bucket to a thread of its own process; undefined in its place where it lends nothing. */
export interface WireShared {
  readonly line: Int32Array
  readonly methods: readonly string[]
  readonly bell: Int32Array
  readonly entries: Int32Array | null
}

export interface WirePage {
  readonly keys: readonly string[]
  /** Decimal digits, which fit a u64: the first draft has a number here, the second a string. */
  readonly cursor: string | null
}

/**
 * Bytes of the arguments of one call, as they cross: what is larger is refused before it is sent. A little below
 * what the engine lets cross, which would end the sandbox instead of telling the guest.
 */
export const maxArgumentBytes = 3.5 * 1024 * 1024
