/** The stores of a node, by app: as its drivers keep them, or in memory for `selvedge run`. */
import type { Clock, DurableFolder } from '../../core/index.ts'
import { MemoryBlobs } from './blobs/memory.ts'
import type {
  AskedStorage,
  BlobStore,
  KeyValueStore,
  MeteredStore,
  RestoreTerms,
  SharedPart,
  Storage,
  StorageCaps,
  SnapshotReport,
  StorageReport,
  StoreAmount,
} from './contract.ts'
import type { DriverConfig, StorageBackend } from './drivers/contract.ts'
import { openBlobs, openKeyValue } from './drivers/index.ts'
import { usualMemoryStorage, usualStorage, usualStoreMemory, type StoreMemory } from './limits.ts'
import { MemoryStore } from './memory-store.ts'
import { storageProblems } from './problems.ts'
import { Snapshots } from './snapshots/snapshots.ts'
import type { LifeRule } from './time-to-live.ts'

/** Where a node keeps what its apps store; as the node's TOML says. */
export interface StorageConfig {
  readonly keyValue: DriverConfig
  readonly blobs: DriverConfig
  /** The most that one app may hold. */
  readonly caps: StorageCaps
  readonly lifeRules: readonly LifeRule[]
  readonly memory: StoreMemory
}

/** What a node does whose owner says nothing. */
const usualStorageConfig: StorageConfig = {
  keyValue: { driver: 'sqlite', options: { durability: 'full' } },
  blobs: { driver: 'disk', options: { durability: 'full' } },
  caps: usualStorage,
  lifeRules: [],
  memory: usualStoreMemory,
}

/** Gone with the process. */
export function memoryStorage(clock: Clock): Storage {
  return new StoresByApp(
    usualMemoryStorage,
    usualMemoryStorage,
    { store: () => new MemoryStore(), close: async () => {} },
    { store: () => new MemoryBlobs(clock), close: async () => {} },
  )
}

/** In a folder of the node's data, or wherever its drivers keep it. Nothing is opened before an app uses it. */
export function diskStorage(
  folder: DurableFolder,
  clock: Clock,
  config: Partial<StorageConfig> = {},
): Storage {
  const { keyValue, blobs, caps, lifeRules, memory } = { ...usualStorageConfig, ...config }
  const context = { folder, clock, lifeRules, memory }
  const backends = [openKeyValue(keyValue, context), openBlobs(blobs, context)] as const
  const snapshots = new Snapshots({ folder, clock, keyValue: backends[0], blobs: backends[1] })
  return new StoresByApp(usualStorage, caps, ...backends, snapshots)
}

type Metered<Store> = Store & MeteredStore

class StoresByApp implements Storage {
  readonly #usual: StorageCaps
  readonly #caps: StorageCaps
  readonly #keyValueBackend: StorageBackend<KeyValueStore>
  readonly #blobBackend: StorageBackend<BlobStore>
  readonly #keyValue = new Map<string, Metered<KeyValueStore>>()
  readonly #blobs = new Map<string, Metered<BlobStore>>()
  readonly #asked = new Map<string, AskedStorage>()
  readonly #snapshots: Snapshots | null
  /** The last of what was asked of all that an app has, by app: one after the other. */
  readonly #turns = new Map<string, Promise<unknown>>()
  /** Apps whose stores are about to be others. */
  readonly #restoring = new Set<string>()
  /** Those of them where it is decided, or is about to be. */
  readonly #swapping = new Set<string>()
  #isClosed = false

  constructor(
    usual: StorageCaps,
    caps: StorageCaps,
    keyValue: StorageBackend<KeyValueStore>,
    blobs: StorageBackend<BlobStore>,
    snapshots: Snapshots | null = null,
  ) {
    this.#snapshots = snapshots
    this.#usual = usual
    this.#caps = caps
    this.#keyValueBackend = keyValue
    this.#blobBackend = blobs
  }

  keyValue(app: string): KeyValueStore {
    return this.#of('keyValue', this.#keyValue, app, this.#keyValueBackend)
  }

  blobs(app: string): BlobStore {
    return this.#of('blobs', this.#blobs, app, this.#blobBackend)
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

  async snapshot(app: string, path: string, shared: SharedPart | null = null): Promise<SnapshotReport> {
    const snapshots = this.#onDisk(app)
    return this.#inTurn(app, () =>
      snapshots.take(app, path, { keyValue: this.keyValue(app), blobs: this.blobs(app), shared }),
    )
  }

  async checkSnapshot(
    app: string,
    path: string,
    shared: SharedPart | null = null,
    terms: RestoreTerms = {},
  ): Promise<void> {
    await this.#onDisk(app).check(app, path, { shared, ...terms })
  }

  async restore(
    app: string,
    path: string,
    shared: SharedPart | null = null,
    terms: RestoreTerms = {},
  ): Promise<SnapshotReport> {
    const snapshots = this.#onDisk(app)
    return this.#inTurn(app, async () => {
      const stores = { keyValue: this.keyValue(app), blobs: this.blobs(app), shared }
      // Who came now would have files open that are about to be taken away.
      this.#restoring.add(app)
      try {
        return await snapshots.putBack(app, path, { ...stores, ...terms }, async () => {
          this.#checkOpen()
          this.#swapping.add(app)
          this.#keyValue.delete(app)
          this.#blobs.delete(app)
          await Promise.allSettled([stores.keyValue.close(), stores.blobs.close()])
        })
      } finally {
        this.#restoring.delete(app)
        this.#swapping.delete(app)
      }
    })
  }

  #inTurn<Result>(app: string, run: () => Promise<Result>): Promise<Result> {
    const turn = (this.#turns.get(app) ?? Promise.resolve()).then(run)
    const ended = turn
      .catch(() => {})
      .then(() => {
        if (this.#turns.get(app) === ended) this.#turns.delete(app)
      })
    this.#turns.set(app, ended)
    return turn
  }

  #checkOpen(): void {
    if (this.#isClosed)
      throw storageProblems.error('ERR_STORAGE_CLOSED', 'the stores of this node are closed')
  }

  #onDisk(app: string): Snapshots {
    if (this.#snapshots !== null) return this.#snapshots
    throw storageProblems.error('ERR_STORAGE_ELSEWHERE', `what ${app} stores is in memory`)
  }

  async close(): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    // Nobody else may use the folder before files are where they belong; what is only being read is given up.
    await Promise.all([...this.#swapping].map((app) => this.#turns.get(app)))
    const stores = [...this.#keyValue.values(), ...this.#blobs.values()]
    // One that cannot be closed must not keep the others open; what it had acknowledged is on the disk.
    await Promise.allSettled(stores.map((store) => store.close()))
    await Promise.allSettled([this.#keyValueBackend.close(), this.#blobBackend.close()])
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
    backend: StorageBackend<Store>,
  ): Store {
    this.#checkOpen()
    if (this.#restoring.has(app))
      throw storageProblems.error(
        'ERR_STORAGE_CLOSED',
        `a snapshot of what ${app} stores is being put back`,
        {
          hint: 'ask again when it has ended',
        },
      )
    let store = stores.get(app)
    if (store === undefined) {
      store = backend.store(app)
      store.allow(this.#allowed(kind, app))
      stores.set(app, store)
    }
    return store
  }
}
