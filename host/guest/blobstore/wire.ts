/**
 * What the two halves of wasi:blobstore say to each other. Calls for all but contents; an object's bytes go through a
 * channel of their own, one for each object that is read or written.
 */

export const blobstorePartName = 'wasi:blobstore'
/** All functions of the node's half are bound behind this one. */
export const blobstoreId = 'wasi:blobstore/blobstore@0.2.0-draft'
export const blobstoreContainerId = 'wasi:blobstore/container@0.2.0-draft'
export const blobstoreTypesId = 'wasi:blobstore/types@0.2.0-draft'

/** Asked of the channel `write`, one at a time, each answered with a {@link WireAnswer}. */
export type WriteRequest =
  /** Where the object will be. */
  | { readonly do: 'target'; readonly container: string; readonly object: string }
  /** All bytes are on their way, and it shall be the object. */
  | { readonly do: 'finish' }

/** The channel `read` begins with one, and its bytes follow. */
export type WireAnswer =
  | { readonly ok: true; readonly sizeBytes: number }
  /** `error` of wasi:blobstore/types. */
  | { readonly ok: false; readonly error: string }

export interface WireNames {
  readonly names: readonly string[]
  readonly cursor: string | null
}
