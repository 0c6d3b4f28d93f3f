/**
 * What a node keeps for its apps: one key-value store and one blob store each, on whatever driver. Everything is
 * asynchronous and bounded, so that a driver may be a thread, a disk, or one day another machine.
 */
import type { Cancel } from '../../core/index.ts'

/**
 * What an acknowledged write survives. `full`: a power cut. `normal`: the end of the process, whatever ended it; a power
 * cut may take what was written in the last second or two, and leaves what was there at some moment before.
 */
export type Durability = 'full' | 'normal'

/** A value and which writing of it this is. */
export interface StoredValue {
  readonly value: Uint8Array
  /** Changes with every write of the key and is not used again; see {@link KeyValueStore.compareAndSwap}. */
  readonly version: number
}

export interface KeyPage {
  readonly keys: readonly string[]
  /** Hand it to the next call; null where there is no more. Decimal digits, at most 15. */
  readonly cursor: string | null
}

export interface StoreUsage {
  readonly keys: number
  readonly bytes: number
}

/** That a key has another value, or none. */
export interface KeyChange {
  readonly bucket: string
  readonly key: string
  /** Of the change; grows from one to the next within a store. What is deleted has one of its own. */
  readonly version: number
  readonly kind: 'set' | 'delete'
}

export interface KeyChanges {
  /** The last change of each key, in the order of their versions. */
  readonly changes: readonly KeyChange[]
  /** Where the next call goes on. */
  readonly last: number
  /** There may be more after `last`. */
  readonly isMore: boolean
  /** More keys were deleted than are remembered: some deletions after `after` are not told. */
  readonly isIncomplete: boolean
}

/**
 * For who must not miss a change, whatever stops meanwhile: it is asked what changed since a version, and that is asked
 * of what is stored. Of several changes of one key only the last is told. Deleted keys are remembered while a reader
 * follows who has not got that far, within a bound; so is what expires.
 */
export interface ChangeFeed {
  /** Registers a reader, which begins with what changes from now on. @returns the version that it got to */
  follow(reader: string): Promise<number>
  /** @param after a version; at most `limit` changes after it */
  changes(bucket: string, after: number, limit: number): Promise<KeyChanges>
  /** The reader is done with all up to this version; on the disk when it resolves, with what else is being written. */
  advance(reader: string, version: number): Promise<void>
  /** Nothing is remembered for it any more. */
  forget(reader: string): Promise<void>
}

/**
 * One app's entries in buckets by name; a bucket is there as soon as it is written to. A resolved write is in the
 * store and seen by every later read; on a durable driver it survives a power cut. Buffers that are handed in or
 * out belong to the one who gets them.
 *
 * Every method throws ERR_STORAGE_TOO_LARGE for keys, values and batches over the limits, ERR_STORAGE_FAILED,
 * ERR_STORAGE_DAMAGED and ERR_DISK_FULL for what the driver meets, and ERR_STORAGE_CLOSED after `close`.
 */
export interface KeyValueStore {
  get(bucket: string, key: string): Promise<StoredValue | null>
  /** @throws ERR_STORAGE_QUOTA */
  set(bucket: string, key: string, value: Uint8Array): Promise<void>
  delete(bucket: string, key: string): Promise<void>
  exists(bucket: string, key: string): Promise<boolean>
  /**
   * Keys in the order in which they were first set. A key that is there during the whole listing is in it exactly once.
   * @param cursor null to begin @throws ERR_STORAGE_CURSOR
   */
  keys(bucket: string, cursor: string | null): Promise<KeyPage>
  /**
   * Adds to a number in decimal text, as Redis' INCRBY does; a key that is not set counts as 0.
   * @returns the sum @throws ERR_STORAGE_NUMBER, ERR_STORAGE_QUOTA
   */
  increment(bucket: string, key: string, delta: bigint): Promise<bigint>
  /** The version of what is there; 0 where nothing is. */
  version(bucket: string, key: string): Promise<number>
  /**
   * Sets the value if the key still has that version, 0 meaning that it is not set.
   * @returns whether it did, and the version that is there now @throws ERR_STORAGE_QUOTA
   */
  compareAndSwap(
    bucket: string,
    key: string,
    version: number,
    value: Uint8Array,
  ): Promise<{ readonly swapped: boolean; readonly version: number }>
  /** In the order of `keys`. */
  getMany(bucket: string, keys: readonly string[]): Promise<readonly (Uint8Array | null)[]>
  /** All or none. @throws ERR_STORAGE_QUOTA */
  setMany(bucket: string, entries: readonly (readonly [string, Uint8Array])[]): Promise<void>
  /** All or none. */
  deleteMany(bucket: string, keys: readonly string[]): Promise<void>
  usage(): Promise<StoreUsage>
  /**
   * Calls `listener` after each change, whoever made it, in the order of versions. It must not throw. What changes
   * while nobody listens, or while the node is down, is not told again: see {@link feed}.
   */
  onChange(listener: (change: KeyChange) => void): Cancel
  /** Absent where the driver keeps none. */
  readonly feed?: ChangeFeed
  /** Where an app's buckets are in several stores: the one of a bucket, whose versions and feed are its own. */
  readonly storeOf?: (bucket: string) => KeyValueStore
  /**
   * Lends a bucket to another thread, until `gone`. Absent where the driver cannot; null where it has lent too much. What is
   * promised of the other methods holds of this way, and between the two.
   */
  readonly share?: (bucket: string, gone: AbortSignal) => Promise<SharedBucket | null>
  close(): Promise<void>
}

/** By which another thread of this process uses one bucket without the node's own thread in between; see core/shared-line.ts. */
export interface SharedBucket {
  readonly line: Int32Array
  /** What the line answers: a question names one by its place here. */
  readonly methods: readonly string[]
  /** Rung with each question. */
  readonly bell: Int32Array
  /** What was last read and written, see core/shared-entries.ts; null where it is not kept. */
  readonly entries: Int32Array | null
}

export interface ContainerInfo {
  readonly name: string
  /** Seconds since the Unix epoch, by the node's clock. */
  readonly createdAt: number
}

export interface ObjectInfo {
  readonly name: string
  readonly container: string
  readonly createdAt: number
  readonly sizeBytes: number
  /** SHA-256 of its bytes in hexadecimal; null where it was stored before digests were kept. */
  readonly digest: string | null
}

/** That an object was put in place, or taken away. */
export interface ObjectChange {
  readonly container: string
  readonly object: string
  readonly kind: 'put' | 'delete'
  /** Of what was put, as in {@link ObjectInfo}; null for what was deleted. */
  readonly digest: string | null
  readonly sizeBytes: number | null
  /** Which change of the store it was, counting up with gaps; null where the driver counts none. */
  readonly number: number | null
}

/** For who must not miss what was put, whatever stops meanwhile: it is asked of the objects themselves. */
export interface ObjectFeed {
  /** The number of the last change. */
  position(): Promise<number>
  /** What was put after a change and is there, in the order of numbers; nothing where there is no container. */
  puts(container: string, after: number): Promise<readonly ObjectChange[]>
}

export interface NamePage {
  readonly names: readonly string[]
  /** Hand it to the next call; null where there is no more. */
  readonly cursor: string | null
}

/** An object, or a part of it, as it was when it was opened, whatever becomes of the name. */
export interface BlobReader {
  /** Of the part. */
  readonly sizeBytes: number
  /** Pieces of at most 64 KiB, each checked before it is handed out. @throws ERR_STORAGE_DAMAGED */
  readonly bytes: AsyncIterable<Uint8Array>
  close(): Promise<void>
}

/** An object on its way in; nobody sees it before `commit`. */
export interface BlobWriter {
  /** Resolves when it took the bytes. @throws ERR_STORAGE_QUOTA */
  write(bytes: Uint8Array): Promise<void>
  /**
   * Makes it the object of that name, in place of what was there.
   * @throws ERR_CONTAINER_MISSING, ERR_STORAGE_QUOTA; it is gone then
   */
  commit(container: string, name: string): Promise<void>
  /** Gives it up; nothing happens after `commit`. */
  abort(): Promise<void>
}

/**
 * One app's objects in containers by name. Methods that name a container or an object throw ERR_CONTAINER_MISSING
 * and ERR_OBJECT_MISSING unless they say otherwise; all may throw ERR_STORAGE_FAILED, ERR_STORAGE_DAMAGED, ERR_DISK_FULL,
 * ERR_STORAGE_CLOSED.
 */
export interface BlobStore {
  /** @throws ERR_CONTAINER_EXISTS, ERR_STORAGE_QUOTA */
  createContainer(name: string): Promise<void>
  container(name: string): Promise<ContainerInfo>
  hasContainer(name: string): Promise<boolean>
  /** With all objects in it; nothing happens where there is none. */
  deleteContainer(name: string): Promise<void>
  /**
   * @param start first byte @param end last byte, inclusive; past the end means the end
   * @throws ERR_OBJECT_RANGE, ERR_OBJECTS_OPEN
   */
  read(container: string, name: string, start: bigint, end: bigint): Promise<BlobReader>
  /** @throws ERR_OBJECTS_OPEN */
  create(): Promise<BlobWriter>
  /** Names in no particular order. @param cursor null to begin */
  objects(container: string, cursor: string | null): Promise<NamePage>
  hasObject(container: string, name: string): Promise<boolean>
  object(container: string, name: string): Promise<ObjectInfo>
  /** Nothing happens for those that are not there. */
  deleteObjects(container: string, names: readonly string[]): Promise<void>
  clear(container: string): Promise<void>
  copy(from: ObjectId, to: ObjectId): Promise<void>
  /** As copy, then delete: where something fails between the two, both are there. */
  move(from: ObjectId, to: ObjectId): Promise<void>
  /** Calls `listener` after each change, in their order. It must not throw. */
  onChange(listener: (change: ObjectChange) => void): Cancel
  /** Absent where the driver counts no changes. */
  readonly feed?: ObjectFeed
  close(): Promise<void>
}

export interface ObjectId {
  readonly container: string
  readonly object: string
}

/** So much of a store: `items` are keys, or objects and the containers they are in. */
export interface StoreAmount {
  readonly bytes: number
  readonly items: number
}

export interface StoreReport {
  /** null before the app first uses it after the node's start: nothing is opened to be counted. */
  readonly held: StoreAmount | null
  readonly allowed: StoreAmount
}

export interface StorageReport {
  readonly keyValue: StoreReport
  readonly blobs: StoreReport
}

/** What an app asks for; without a figure it gets the usual. */
export interface AskedStorage {
  readonly keyValue: Partial<StoreAmount>
  readonly blobs: Partial<StoreAmount>
}

/** The most that one app gets, whatever it asks for. */
export interface StorageCaps {
  readonly keyValue: StoreAmount
  readonly blobs: StoreAmount
}

/** A store that can be told how much its app may hold. What it holds already stays; it only must not grow. */
export interface MeteredStore {
  allow(amount: StoreAmount): void
  /** By the last answer; null before the first. */
  readonly held: StoreAmount | null
}

/** The stores of a node, by app. An app's stores outlive its releases. */
export interface Storage {
  /** The same one each time; opened when it is first used. */
  keyValue(app: string): KeyValueStore
  blobs(app: string): BlobStore
  /** From now on; an app of which nothing was said may hold the usual, as far as the node's owner allows it. */
  allow(app: string, asked: AskedStorage): void
  report(app: string): StorageReport
  /**
   * Writes what the app has on this disk into a file that is not there yet: the entries as of one moment, and the objects as
   * of one moment.
   * @param shared what its group shares, as of a third moment
   * @throws ERR_SNAPSHOT_FILE, ERR_SNAPSHOT_SIZE, ERR_STORAGE_ELSEWHERE, ERR_STORAGE_FAILED, ERR_DISK_FULL
   */
  snapshot(app: string, path: string, shared?: SharedPart | null): Promise<SnapshotReport>
  /**
   * Puts what such a file has in the place of all that the app has on this disk, or nothing of it. Meanwhile the app's stores
   * are refused, and they are others afterwards: while the app does not run. One at a time for an app, snapshots too.
   * What its group shares is joined in before that is decided, and to do so again does no harm.
   * @throws ERR_SNAPSHOT, ERR_SNAPSHOT_APP, ERR_SNAPSHOT_GROUP, ERR_STORAGE_DAMAGED, ERR_STORAGE_ELSEWHERE, ERR_DISK_FULL:
   * nothing has changed then; ERR_STORAGE_FAILED, ERR_DATA_NOT_WRITABLE: nothing has changed, or all will have when the
   * stores are opened again
   */
  restore(
    app: string,
    path: string,
    shared?: SharedPart | null,
    terms?: RestoreTerms,
  ): Promise<SnapshotReport>
  /** Looks whether a file may be restored, before an app is stopped for it. @throws what {@link restore} throws of most that may not */
  checkSnapshot(app: string, path: string, shared?: SharedPart | null, terms?: RestoreTerms): Promise<void>
  close(): Promise<void>
}

export interface RestoreTerms {
  /** What a group shared is joined in also where it is another one's, or the snapshot does not say whose. */
  readonly anyGroup?: boolean
}

/** Who shares something. */
export interface SharingGroup {
  /** The mesh's id. */
  readonly mesh: string
  /** Empty for nodes of no group. */
  readonly group: string
}

/** What an app's group shares, as a part of a snapshot. */
export interface SharedPart {
  readonly of: SharingGroup
  /** @returns how many keys */
  saveTo(path: string): Promise<number>
  /** @returns how many keys are in it */
  joinFrom(path: string): Promise<number>
}

export interface SnapshotReport {
  readonly app: string
  readonly path: string
  /** Of the node's clock, ms since the epoch. */
  readonly takenAtMs: number
  /** Of the file. */
  readonly bytes: number
  readonly entries: number
  readonly objects: number
  /** Entries that its group shares. */
  readonly shared: number
}
