/**
 * A store that a group shares, half of it written by another node: what that one writes is acknowledged when it was joined
 * in here, as nobody sends it again afterwards. The neighbour has no disk, and after each start all that this store has.
 */
import { systemRandom } from '../../core/index.ts'
import {
  GroupStore,
  keyValueLimits,
  ReplicaThread,
  type KeyPage,
  type Position,
  type StoredValue,
} from '../../host/storage/index.ts'
import { MapEntryRows } from '../../host/storage/group/map-entry-rows.ts'
import { ReplicaTable } from '../../host/storage/group/replica-table.ts'

const pieceBytes = 256 * 1024

export class GroupKeys {
  readonly #thread = new ReplicaThread(keyValueLimits, 'here')
  readonly #store: GroupStore
  readonly #neighbour = new ReplicaTable(new MapEntryRows(), keyValueLimits, 'neighbour', systemRandom)
  /** One after the other: what is sent is all that the neighbour has and this store has not. */
  #sending: Promise<void> = Promise.resolve()

  private constructor(path: string) {
    this.#store = new GroupStore(
      this.#thread,
      async () => path,
      () => ({ wallMs: Date.now(), latestMs: Infinity }),
    )
  }

  static async open(path: string): Promise<GroupKeys> {
    const keys = new GroupKeys(path)
    await keys.#tellNeighbour()
    return keys
  }

  exists(bucket: string, key: string): Promise<boolean> {
    return this.#store.exists(bucket, key)
  }

  async set(bucket: string, key: string, value: Uint8Array): Promise<void> {
    await this.setMany(bucket, [[key, value]])
  }

  async setMany(bucket: string, entries: readonly (readonly [string, Uint8Array])[]): Promise<void> {
    if (!isNeighbours(entries[0]?.[0])) return this.#store.setMany(bucket, entries)
    this.#neighbour.setMany(bucket, entries)
    await this.#send()
  }

  async deleteMany(bucket: string, keys: readonly string[]): Promise<void> {
    if (!isNeighbours(keys[0])) return this.#store.deleteMany(bucket, keys)
    this.#neighbour.deleteMany(bucket, keys)
    await this.#send()
  }

  keys(bucket: string, cursor: string | null): Promise<KeyPage> {
    return this.#store.keys(bucket, cursor)
  }

  get(bucket: string, key: string): Promise<StoredValue | null> {
    return this.#store.get(bucket, key)
  }

  async close(): Promise<void> {
    await this.#store.close()
    await this.#thread.close()
  }

  async #tellNeighbour(): Promise<void> {
    for (let after: Position | null = null; ;) {
      const batch = await this.#store.range(after, pieceBytes)
      this.#neighbour.merge(batch)
      if (batch.kind.type !== 'range' || batch.kind.to === null)
        return this.#neighbour.advance(batch.vector, batch.collected)
      after = batch.kind.to
    }
  }

  #send(): Promise<void> {
    this.#sending = this.#sending.then(async () => {
      const { vector } = await this.#store.state()
      const batch = this.#neighbour.changesAfter(vector, Number.MAX_SAFE_INTEGER)
      await this.#store.merge(batch)
      await this.#store.advance(batch.vector, batch.collected)
    })
    return this.#sending
  }
}

/** By the chain that it is of. */
function isNeighbours(name = ''): boolean {
  return /^c[13]-/.test(name)
}
