/** A blob store in memory, for `selvedge run` and tests. */
import { digestOf, type Cancel, type Clock } from '../../../core/index.ts'
import type {
  BlobReader,
  BlobStore,
  BlobWriter,
  ContainerInfo,
  MeteredStore,
  NamePage,
  ObjectChange,
  ObjectId,
  ObjectInfo,
  StoreAmount,
} from '../contract.ts'
import { memoryBlobLimits, type BlobLimits } from '../limits.ts'
import { Listeners } from '../listeners.ts'
import { storageProblems } from '../problems.ts'
import { deletion } from './disk-changes.ts'
import { BlobLedger, containerExists, containerMissing, objectMissing, partOf } from './ledger.ts'

interface Stored {
  readonly bytes: Uint8Array
  readonly createdAt: number
  readonly digest: string
}

interface Container {
  readonly createdAt: number
  readonly objects: Map<string, Stored>
}

const pieceBytes = 64 * 1024

export class MemoryBlobs implements BlobStore, MeteredStore {
  readonly #clock: Clock
  readonly #limits: BlobLimits
  readonly #ledger: BlobLedger
  readonly #containers = new Map<string, Container>()
  readonly #listeners = new Listeners<ObjectChange>()
  #isClosed = false

  constructor(clock: Clock, limits: BlobLimits = memoryBlobLimits) {
    this.#clock = clock
    this.#limits = limits
    this.#ledger = new BlobLedger(limits, { objects: 0, bytes: 0 })
  }

  allow(amount: StoreAmount): void {
    this.#ledger.allow(amount)
  }

  get held(): StoreAmount {
    return this.#ledger.held
  }

  onChange(listener: (change: ObjectChange) => void): Cancel {
    return this.#listeners.add(listener)
  }

  async createContainer(name: string): Promise<void> {
    this.#checkOpen()
    this.#ledger.checkName(name)
    if (this.#containers.has(name)) throw containerExists(name)
    this.#ledger.addObject()
    this.#containers.set(name, { createdAt: this.#seconds(), objects: new Map() })
  }

  async container(name: string): Promise<ContainerInfo> {
    return { name, createdAt: this.#find(name).createdAt }
  }

  async hasContainer(name: string): Promise<boolean> {
    this.#checkOpen()
    return this.#containers.has(name)
  }

  async deleteContainer(name: string): Promise<void> {
    this.#checkOpen()
    if (!this.#containers.has(name)) return
    await this.clear(name)
    this.#containers.delete(name)
    this.#ledger.removeObject()
  }

  async read(container: string, name: string, start: bigint, end: bigint): Promise<BlobReader> {
    const { bytes } = this.#findObject(container, name)
    const part = partOf(bytes.length, start, end)
    const close = this.#ledger.beginDownload()
    return {
      sizeBytes: part.length,
      bytes: pieces(bytes.subarray(part.start, part.start + part.length)),
      close: async () => close(),
    }
  }

  async create(): Promise<BlobWriter> {
    this.#checkOpen()
    const end = this.#ledger.beginUpload()
    const chunks: Uint8Array[] = []
    let sizeBytes = 0
    let isOver = false
    const discard = (): void => {
      if (!isOver) this.#ledger.removeBytes(sizeBytes)
      isOver = true
      end()
    }
    return {
      write: async (bytes) => {
        if (isOver) throw storageProblems.error('ERR_STORAGE_CLOSED', 'the object is finished')
        this.#ledger.addBytes(bytes.length)
        sizeBytes += bytes.length
        chunks.push(bytes.slice())
      },
      commit: async (container, name) => {
        try {
          this.#put(container, name, Buffer.concat(chunks), sizeBytes)
          isOver = true
        } finally {
          discard()
        }
      },
      abort: async () => discard(),
    }
  }

  async objects(container: string, cursor: string | null): Promise<NamePage> {
    const { pageNames } = this.#limits
    const names = [...this.#find(container).objects.keys()].sort()
    const rest = cursor === null ? names : names.filter((name) => name > cursor)
    const page = rest.slice(0, pageNames)
    return { names: page, cursor: rest.length > pageNames ? (page.at(-1) ?? null) : null }
  }

  async hasObject(container: string, name: string): Promise<boolean> {
    return this.#find(container).objects.has(name)
  }

  async object(container: string, name: string): Promise<ObjectInfo> {
    const { bytes, createdAt, digest } = this.#findObject(container, name)
    return { name, container, createdAt, sizeBytes: bytes.length, digest }
  }

  async deleteObjects(container: string, names: readonly string[]): Promise<void> {
    const { objects } = this.#find(container)
    for (const name of names) {
      const stored = objects.get(name)
      if (stored === undefined) continue
      objects.delete(name)
      this.#ledger.removeBytes(stored.bytes.length)
      this.#ledger.removeObject()
      this.#listeners.tell([deletion(container, name, null)])
    }
  }

  async clear(container: string): Promise<void> {
    await this.deleteObjects(container, [...this.#find(container).objects.keys()])
  }

  async copy(from: ObjectId, to: ObjectId): Promise<void> {
    const { bytes } = this.#findObject(from.container, from.object)
    this.#find(to.container)
    this.#ledger.addBytes(bytes.length)
    try {
      this.#put(to.container, to.object, bytes, bytes.length)
    } catch (error) {
      this.#ledger.removeBytes(bytes.length)
      throw error
    }
  }

  async move(from: ObjectId, to: ObjectId): Promise<void> {
    await this.copy(from, to)
    if (from.container === to.container && from.object === to.object) return
    await this.deleteObjects(from.container, [from.object])
  }

  async close(): Promise<void> {
    this.#isClosed = true
  }

  /** Its bytes are in the ledger already. */
  #put(container: string, name: string, bytes: Uint8Array, sizeBytes: number): void {
    this.#ledger.checkName(name)
    const { objects } = this.#find(container)
    const before = objects.get(name)
    if (before === undefined) this.#ledger.addObject()
    else this.#ledger.removeBytes(before.bytes.length)
    const stored = bytes.subarray(0, sizeBytes)
    const digest = digestOf(stored)
    objects.set(name, { bytes: stored, createdAt: this.#seconds(), digest })
    this.#listeners.tell([{ container, object: name, kind: 'put', digest, sizeBytes, number: null }])
  }

  #find(name: string): Container {
    this.#checkOpen()
    const found = this.#containers.get(name)
    if (found === undefined) throw containerMissing(name)
    return found
  }

  #findObject(container: string, name: string): Stored {
    const found = this.#find(container).objects.get(name)
    if (found === undefined) throw objectMissing(container, name)
    return found
  }

  #seconds(): number {
    return Math.floor(this.#clock.now() / 1_000)
  }

  #checkOpen(): void {
    if (this.#isClosed) throw storageProblems.error('ERR_STORAGE_CLOSED', 'the store is closed')
  }
}

async function* pieces(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += pieceBytes) yield bytes.slice(at, at + pieceBytes)
}
