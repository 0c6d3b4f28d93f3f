/**
 * A driver keeps the apps' entries, or their objects, in one kind of place, chosen for the node as a whole:
 * `driver = "…"` under `[storage.keyvalue]` or `[storage.blobstore]`. A new one is one file and one line in `index.ts`.
 */
import type { GenericSchema, ObjectEntries } from 'valibot'
import type { Clock, DurableFolder } from '../../../core/index.ts'
import type { BlobStore, KeyValueStore, MeteredStore } from '../contract.ts'
import type { StoreMemory } from '../limits.ts'
import type { LifeRule } from '../time-to-live.ts'

export interface StorageContext {
  /** The node's own, for what keeps things on this disk. */
  readonly folder: DurableFolder
  readonly clock: Clock
  /** For what keeps things in this process. */
  readonly memory: StoreMemory
  /** From `[storage.ttl]`: of the bucket's entries, for stores that have the means; see `rulesFor` and `lifeBy`. */
  readonly lifeRules: readonly LifeRule[]
}

export interface StorageBackend<Store> {
  /**
   * Asked once for each app; nothing is opened or made before the store is used, and no other machine's answer is waited
   * for. App names are DNS labels, so they are file names too.
   */
  store(app: string): Store & MeteredStore
  /**
   * Copies what the store holds now to a path that is not there yet; nothing where it holds nothing. Absent where it is not on
   * this disk, or nobody has made it.
   * @returns how many keys or objects
   */
  save?(store: Store, path: string): Promise<number>
  /**
   * Makes a copy fit to take the store's place: no number that the store has used is used again. @param path as `save` made it
   * @returns how many keys or objects @throws ERR_STORAGE_DAMAGED where it cannot be read
   */
  adopt?(store: Store, path: string): Promise<number>
  /** After its stores were closed. */
  close(): Promise<void>
}

interface StorageDriver<Store, Options> {
  readonly kind: string
  readonly summary: string
  /** A strict object: its entries stand in the table beside `driver` and the limits. */
  readonly options: GenericSchema<unknown, Options> & { readonly entries: ObjectEntries }
  open(options: Options, context: StorageContext): StorageBackend<Store>
}

export type KeyValueDriver<Options = unknown> = StorageDriver<KeyValueStore, Options>
export type BlobDriver<Options = unknown> = StorageDriver<BlobStore, Options>

/** One store as its table in the TOML says; `options` are as the driver's schema returned them. */
export interface DriverConfig {
  readonly driver: string
  readonly options: Readonly<Record<string, unknown>>
}
