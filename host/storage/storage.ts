/** The stores of a node, by app: on the disk for a node, in memory for `selvedge run`. */
import type { Clock, DurableFolder } from '../../core/index.ts'
import { openDiskBlobs } from './blobs/disk.ts'
import { LazyBlobs } from './blobs/lazy.ts'
import { MemoryBlobs } from './blobs/memory.ts'
import type {
  AskedStorage,
  BlobStore,
  KeyValueStore,
  MeteredStore,
  Storage,
  StorageCaps,
  StorageReport,
  StoreAmount,
} from './contract.ts'
import { blobLimits, keyValueLimits, usualMemoryStorage, usualStorage } from './limits.ts'
import { MemoryStore } from './memory-store.ts'
import { SqliteStore } from './sqlite/store.ts'
import { StorageThread } from './sqlite/thread.ts'
import { storageProblems } from './problems.ts'

/** Gone with the process. */
export function memoryStorage(clock: Clock): Storage {
  return new StoresByApp(
    usualMemoryStorage,
    usualMemoryStorage,
    () => new MemoryStore(),
    () => new MemoryBlobs(clock),
  )
}

/**
 * In a folder of the node's data: `keyvalue/APP.sqlite` and `blobs/APP/`. Nothing is opened or made before an app
 * uses it. App names are DNS labels, and so they are file names.
 * @param caps the most that one app may hold
 */
export function diskStorage(folder: DurableFolder, clock: Clock, caps: StorageCaps = usualStorage): Storage {
  const thread = new StorageThread(keyValueLimits)
  const inside = async (name: string, file: string): Promise<string> =>
    `${(await folder.folder(name)).path}/${file}`
  return new StoresByApp(
    usualStorage,
    caps,
    (app) =>
      new SqliteStore(
        thread,
        once(() => inside('keyvalue', `${app}.sqlite`)),
      ),
    (app) => new LazyBlobs(async () => openDiskBlobs(await inside('blobs', app), clock, blobLimits)),
    () => thread.close(),
  )
}

type Metered<Store> = Store & MeteredStore

class StoresByApp implements Storage {
  readonly #usual: StorageCaps
  readonly #caps: StorageCaps
  readonly #makeKeyValue: (app: string) => Metered<KeyValueStore>
  readonly #makeBlobs: (app: string) => Metered<BlobStore>
  readonly #afterwards: () => Promise<void>
  readonly #keyValue = new Map<string, Metered<KeyValueStore>>()
  readonly #blobs = new Map<string, Metered<BlobStore>>()
  readonly #asked = new Map<string, AskedStorage>()
  #isClosed = false

  constructor(
    usual: StorageCaps,
    caps: StorageCaps,
    makeKeyValue: (app: string) => Metered<KeyValueStore>,
    makeBlobs: (app: string) => Metered<BlobStore>,
    afterwards: () => Promise<void> = async () => {},
  ) {
    this.#usual = usual
    this.#caps = caps
    this.#makeKeyValue = makeKeyValue
    this.#makeBlobs = makeBlobs
    this.#afterwards = afterwards
  }

  keyValue(app: string): KeyValueStore {
    return this.#of('keyValue', this.#keyValue, app, this.#makeKeyValue)
  }

  blobs(app: string): BlobStore {
    return this.#of('blobs', this.#blobs, app, this.#makeBlobs)
  }

  allow(app: string, asked: AskedStorage): void {
    this.#asked.set(app, asked)
    this.#keyValue.get(app)?.allow(this.#allowed('keyValue', app))
    this.#blobs.get(app)?.allow(this.#allowed('blobs', app))
  }

  report(app: string): StorageReport {
    return {
      keyValue: {
        held: this.#keyValue.get(app)?.held ?? null,
        allowed: this.#allowed('keyValue', app),
      },
      blobs: { held: this.#blobs.get(app)?.held ?? null, allowed: this.#allowed('blobs', app) },
    }
  }

  async close(): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    const stores = [...this.#keyValue.values(), ...this.#blobs.values()]
    // One that cannot be closed must not keep the others open; what it had acknowledged is on the disk.
    await Promise.allSettled(stores.map((store) => store.close()))
    await this.#afterwards()
  }

  #allowed(kind: keyof StorageCaps, app: string): StoreAmount {
    const asked: Partial<StoreAmount> = this.#asked.get(app)?.[kind] ?? {}
    const { [kind]: usual } = this.#usual
    const { [kind]: most } = this.#caps
    return {
      bytes: Math.min(asked.bytes ?? usual.bytes, most.bytes),
      items: Math.min(asked.items ?? usual.items, most.items),
    }
  }

  #of<Store>(
    kind: keyof StorageCaps,
    stores: Map<string, Metered<Store>>,
    app: string,
    make: (app: string) => Metered<Store>,
  ): Store {
    if (this.#isClosed)
      throw storageProblems.error('ERR_STORAGE_CLOSED', 'the stores of this node are closed')
    let store = stores.get(app)
    if (store === undefined) {
      store = make(app)
      store.allow(this.#allowed(kind, app))
      stores.set(app, store)
    }
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
