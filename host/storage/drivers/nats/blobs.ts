/**
 * A blob store of one app at a NATS server: an index of names, and bytes under names of their own. An object is there, or
 * replaced, with one write of the index. Limits are counted by each node from what was there when it opened the store.
 */
import { createHash } from 'node:crypto'
import type { Cancel, Clock } from '../../../../core/index.ts'
import { BlobLedger, containerExists, containerMissing, objectMissing, partOf } from '../../blobs/ledger.ts'
import type {
  BlobReader,
  BlobStore,
  BlobWriter,
  ContainerInfo,
  MeteredStore,
  NamePage,
  ObjectChange,
  ObjectFeed,
  ObjectId,
  ObjectInfo,
  StoreAmount,
} from '../../contract.ts'
import type { BlobLimits } from '../../limits.ts'
import { Listeners } from '../../listeners.ts'
import { storageProblems } from '../../problems.ts'
import { BlobIndex, type IndexedObject } from './blob-index.ts'
import type { NatsServerConnection } from './connection.ts'
import { NatsObjects } from './objects.ts'

const toEnd = 2n ** 64n - 1n

export class NatsBlobs implements BlobStore, MeteredStore {
  readonly #index: BlobIndex
  readonly #objects: NatsObjects
  readonly #ledger: BlobLedger
  readonly #limits: BlobLimits
  readonly #clock: Clock
  readonly #listeners = new Listeners<ObjectChange>()
  #isClosed = false

  /** @param app letters, digits and hyphens @throws ERR_STORAGE_FAILED, ERR_STORAGE_DAMAGED */
  static async open(
    connection: NatsServerConnection,
    app: string,
    clock: Clock,
    limits: BlobLimits,
  ): Promise<NatsBlobs> {
    const names = { index: `selvedge_${app}_blobs`, objects: `selvedge_${app}` }
    try {
      const bucket = await connection.bucket(names.index)
      const store = await connection.objects(names.objects)
      const index = new BlobIndex(connection, names.index, bucket)
      const objects = new NatsObjects(connection, names.objects, store, bucket.streams)
      return new NatsBlobs(index, objects, new BlobLedger(limits, await index.totals()), limits, clock)
    } catch (error) {
      throw connection.told(error)
    }
  }

  private constructor(
    index: BlobIndex,
    objects: NatsObjects,
    ledger: BlobLedger,
    limits: BlobLimits,
    clock: Clock,
  ) {
    this.#index = index
    this.#objects = objects
    this.#ledger = ledger
    this.#limits = limits
    this.#clock = clock
  }

  allow(amount: StoreAmount): void {
    this.#ledger.allow(amount)
  }

  get held(): StoreAmount {
    return this.#ledger.held
  }

  async createContainer(name: string): Promise<void> {
    this.#checkOpen()
    this.#ledger.checkName(name)
    if (await this.hasContainer(name)) throw containerExists(name)
    this.#ledger.addObject()
    const isNew = await this.#index.addContainer(name, this.#seconds()).catch((error: unknown) => {
      this.#ledger.removeObject()
      throw error
    })
    if (isNew) return
    this.#ledger.removeObject()
    throw containerExists(name)
  }

  async container(name: string): Promise<ContainerInfo> {
    return { name, ...(await this.#find(name)) }
  }

  async hasContainer(name: string): Promise<boolean> {
    this.#checkOpen()
    return (await this.#index.container(name)) !== null
  }

  async deleteContainer(name: string): Promise<void> {
    if (!(await this.hasContainer(name))) return
    await this.clear(name)
    await this.#index.removeContainer(name)
    this.#ledger.removeObject()
  }

  async read(container: string, name: string, start: bigint, end: bigint): Promise<BlobReader> {
    const { ref, size } = await this.#findObject(container, name)
    const part = partOf(size, start, end)
    const ended = this.#ledger.beginDownload()
    const release = this.#objects.hold(ref)
    return {
      sizeBytes: part.length,
      bytes: this.#objects.read(ref, part.start, part.length),
      close: async () => {
        ended()
        await release()
      },
    }
  }

  async create(): Promise<BlobWriter> {
    this.#checkOpen()
    const ended = this.#ledger.beginUpload()
    const upload = this.#objects.upload()
    const hash = createHash('sha256')
    let size = 0
    let isOver = false
    const discard = async (): Promise<void> => {
      if (isOver) return
      isOver = true
      this.#ledger.removeBytes(size)
      ended()
      await upload.abort()
    }
    return {
      write: async (bytes) => {
        if (isOver) throw storageProblems.error('ERR_STORAGE_CLOSED', 'the object is finished')
        this.#ledger.addBytes(bytes.length)
        size += bytes.length
        hash.update(bytes)
        await upload.write(bytes)
      },
      commit: async (container, name) => {
        try {
          this.#ledger.checkName(name)
          await this.#find(container)
          const ref = await upload.finish()
          await this.#place(container, name, {
            ref,
            size,
            createdAt: this.#seconds(),
            digest: hash.digest('hex'),
          })
          isOver = true
          ended()
        } finally {
          await discard()
        }
      },
      abort: discard,
    }
  }

  async objects(container: string, cursor: string | null): Promise<NamePage> {
    await this.#find(container)
    const { pageNames } = this.#limits
    const names = await this.#index.names(container)
    const rest = cursor === null ? names : names.filter((name) => name > cursor)
    const page = rest.slice(0, pageNames)
    return { names: page, cursor: rest.length > pageNames ? (page.at(-1) ?? null) : null }
  }

  async hasObject(container: string, name: string): Promise<boolean> {
    await this.#find(container)
    return (await this.#index.object(container, name)) !== null
  }

  async object(container: string, name: string): Promise<ObjectInfo> {
    const { size, createdAt, digest } = await this.#findObject(container, name)
    return { name, container, createdAt, sizeBytes: size, digest }
  }

  async deleteObjects(container: string, names: readonly string[]): Promise<void> {
    await this.#find(container)
    for (const name of names) {
      const present = await this.#index.object(container, name)
      if (present === null) continue
      await this.#index.removeObject(container, name)
      this.#ledger.removeObject()
      this.#ledger.removeBytes(present.size)
      await this.#objects.remove(present.ref)
      const nothing = { digest: null, sizeBytes: null, number: null }
      this.#listeners.tell([{ container, object: name, kind: 'delete', ...nothing }])
    }
  }

  async clear(container: string): Promise<void> {
    await this.#find(container)
    await this.deleteObjects(container, await this.#index.names(container))
  }

  async copy(from: ObjectId, to: ObjectId): Promise<void> {
    const reader = await this.read(from.container, from.object, 0n, toEnd)
    try {
      const writer = await this.create()
      try {
        for await (const piece of reader.bytes) await writer.write(piece)
        await writer.commit(to.container, to.object)
      } finally {
        await writer.abort()
      }
    } finally {
      await reader.close()
    }
  }

  async move(from: ObjectId, to: ObjectId): Promise<void> {
    await this.copy(from, to)
    if (from.container === to.container && from.object === to.object) return
    await this.deleteObjects(from.container, [from.object])
  }

  /** Of this node's own doing; what other nodes change is not told. */
  onChange(listener: (change: ObjectChange) => void): Cancel {
    return this.#listeners.add(listener)
  }

  /** Also of what other nodes put. */
  readonly feed: ObjectFeed = {
    position: () => {
      this.#checkOpen()
      return this.#index.position()
    },
    puts: async (container, after) => {
      this.#checkOpen()
      const puts = await this.#index.putsAfter(container, after)
      return puts.map(({ name, size: sizeBytes, digest, number }) => {
        return { container, object: name, kind: 'put', digest, sizeBytes, number }
      })
    },
  }

  /** The connection is its maker's to close. */
  async close(): Promise<void> {
    this.#isClosed = true
  }

  /** Its bytes are in the ledger already. */
  async #place(container: string, name: string, object: IndexedObject): Promise<void> {
    const before = await this.#index.object(container, name)
    if (before === null) this.#ledger.addObject()
    let number: number
    try {
      number = await this.#index.setObject(container, name, object)
    } catch (error) {
      if (before === null) this.#ledger.removeObject()
      throw error
    }
    if (before !== null) {
      this.#ledger.removeBytes(before.size)
      await this.#objects.remove(before.ref)
    }
    const { digest, size: sizeBytes } = object
    this.#listeners.tell([{ container, object: name, kind: 'put', digest, sizeBytes, number }])
  }

  async #find(name: string): Promise<{ createdAt: number }> {
    this.#checkOpen()
    const found = await this.#index.container(name)
    if (found === null) throw containerMissing(name)
    return found
  }

  async #findObject(container: string, name: string): Promise<IndexedObject> {
    await this.#find(container)
    const found = await this.#index.object(container, name)
    if (found === null) throw objectMissing(container, name)
    return found
  }

  #seconds(): number {
    return Math.floor(this.#clock.now() / 1_000)
  }

  #checkOpen(): void {
    if (this.#isClosed) throw storageProblems.error('ERR_STORAGE_CLOSED', 'the store is closed')
  }
}
