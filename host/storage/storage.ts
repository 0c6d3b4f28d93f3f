/** The stores of a node, by app: on the disk for a node, in memory for `selvedge run`. */
import type { Clock, DurableFolder } from '../../core/index.ts'
import { openDiskBlobs } from './blobs/disk.ts'
import { LazyBlobs } from './blobs/lazy.ts'
import { MemoryBlobs } from './blobs/memory.ts'
import type { BlobStore, KeyValueStore, Storage } from './contract.ts'
import { blobLimits, keyValueLimits } from './limits.ts'
import { MemoryStore } from './memory-store.ts'
import { SqliteStore } from './sqlite/store.ts'
import { StorageThread } from './sqlite/thread.ts'
import { storageProblems } from './problems.ts'

/** Gone with the process. */
export function memoryStorage(clock: Clock): Storage {
  return new StoresByApp(
    () => new MemoryStore(),
    () => new MemoryBlobs(clock),
  )
}

/**
 * In a folder of the node's data: `keyvalue/APP.sqlite` and `blobs/APP/`. Nothing is opened or made before an app
 * uses it. App names are DNS labels, and so they are file names.
 */
export function diskStorage(folder: DurableFolder, clock: Clock): Storage {
  const thread = new StorageThread(keyValueLimits)
  const inside = async (name: string, file: string): Promise<string> =>
    `${(await folder.folder(name)).path}/${file}`
  return new StoresByApp(
    (app) =>
      new SqliteStore(
        thread,
        once(() => inside('keyvalue', `${app}.sqlite`)),
      ),
    (app) => new LazyBlobs(async () => openDiskBlobs(await inside('blobs', app), clock, blobLimits)),
    () => thread.close(),
  )
}

class StoresByApp implements Storage {
  readonly #makeKeyValue: (app: string) => KeyValueStore
  readonly #makeBlobs: (app: string) => BlobStore
  readonly #afterwards: () => Promise<void>
  readonly #keyValue = new Map<string, KeyValueStore>()
  readonly #blobs = new Map<string, BlobStore>()
  #isClosed = false

  constructor(
    makeKeyValue: (app: string) => KeyValueStore,
    makeBlobs: (app: string) => BlobStore,
    afterwards: () => Promise<void> = async () => {},
  ) {
    this.#makeKeyValue = makeKeyValue
    this.#makeBlobs = makeBlobs
    this.#afterwards = afterwards
  }

  keyValue(app: string): KeyValueStore {
    return this.#of(this.#keyValue, app, this.#makeKeyValue)
  }

  blobs(app: string): BlobStore {
    return this.#of(this.#blobs, app, this.#makeBlobs)
  }

  async close(): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    const stores = [...this.#keyValue.values(), ...this.#blobs.values()]
    // One that cannot be closed must not keep the others open; what it had acknowledged is on the disk.
    await Promise.allSettled(stores.map((store) => store.close()))
    await this.#afterwards()
  }

  #of<Store>(stores: Map<string, Store>, app: string, make: (app: string) => Store): Store {
    if (this.#isClosed)
      throw storageProblems.error('ERR_STORAGE_CLOSED', 'the stores of this node are closed')
    const store = stores.get(app) ?? make(app)
    stores.set(app, store)
    return store
  }
}

function once<Result>(run: () => Promise<Result>): () => Promise<Result> {
  let result: Promise<Result> | null = null
  return () =>
    (result ??= run().catch((error: unknown) => {
      result = null
      throw error
    }))
}
