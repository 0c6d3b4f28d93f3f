/** A blob store that is opened when it is first used: an app that never stores an object has no folder. */
import type { Cancel } from '../../../core/index.ts'
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
} from '../contract.ts'
import { Listeners } from '../listeners.ts'
import { adoptFolder } from './copying.ts'

type FedBlobs = BlobStore & { readonly feed: ObjectFeed; saveTo?(target: string): Promise<number> }

export class LazyBlobs implements BlobStore, MeteredStore {
  readonly #make: () => Promise<FedBlobs & MeteredStore>
  #opening: Promise<FedBlobs> | null = null
  #opened: MeteredStore | null = null
  #allowed: StoreAmount | null = null
  /** Whoever listens may do so before anything is opened. */
  readonly #listeners = new Listeners<ObjectChange>()

  constructor(make: () => Promise<FedBlobs & MeteredStore>) {
    this.#make = make
  }

  allow(amount: StoreAmount): void {
    this.#allowed = amount
    this.#opened?.allow(amount)
  }

  get held(): StoreAmount | null {
    return this.#opened?.held ?? null
  }

  async createContainer(name: string): Promise<void> {
    return (await this.#open()).createContainer(name)
  }

  async container(name: string): Promise<ContainerInfo> {
    return (await this.#open()).container(name)
  }

  async hasContainer(name: string): Promise<boolean> {
    return (await this.#open()).hasContainer(name)
  }

  async deleteContainer(name: string): Promise<void> {
    return (await this.#open()).deleteContainer(name)
  }

  async read(container: string, name: string, start: bigint, end: bigint): Promise<BlobReader> {
    return (await this.#open()).read(container, name, start, end)
  }

  async create(): Promise<BlobWriter> {
    return (await this.#open()).create()
  }

  async objects(container: string, cursor: string | null): Promise<NamePage> {
    return (await this.#open()).objects(container, cursor)
  }

  async hasObject(container: string, name: string): Promise<boolean> {
    return (await this.#open()).hasObject(container, name)
  }

  async object(container: string, name: string): Promise<ObjectInfo> {
    return (await this.#open()).object(container, name)
  }

  async deleteObjects(container: string, names: readonly string[]): Promise<void> {
    return (await this.#open()).deleteObjects(container, names)
  }

  async clear(container: string): Promise<void> {
    return (await this.#open()).clear(container)
  }

  async copy(from: ObjectId, to: ObjectId): Promise<void> {
    return (await this.#open()).copy(from, to)
  }

  async move(from: ObjectId, to: ObjectId): Promise<void> {
    return (await this.#open()).move(from, to)
  }

  onChange(listener: (change: ObjectChange) => void): Cancel {
    return this.#listeners.add(listener)
  }

  readonly feed: ObjectFeed = {
    position: async () => (await this.#open()).feed.position(),
    puts: async (container, after) => (await this.#open()).feed.puts(container, after),
  }

  async saveTo(target: string): Promise<number> {
    return (await this.#open()).saveTo?.(target) ?? 0
  }

  /** Makes another store's folder go on behind this one. @returns how many objects are in it */
  async adopt(path: string): Promise<number> {
    return adoptFolder(path, await this.feed.position())
  }

  async close(): Promise<void> {
    const opened = await this.#opening?.catch(() => null)
    await opened?.close()
  }

  /** A failure is not kept: the disk may have room the next time. */
  #open(): Promise<FedBlobs> {
    this.#opening ??= this.#begin().catch((error: unknown) => {
      this.#opening = null
      throw error
    })
    return this.#opening
  }

  async #begin(): Promise<FedBlobs> {
    const made = await this.#make()
    if (this.#allowed !== null) made.allow(this.#allowed)
    this.#opened = made
    made.onChange((change) => this.#listeners.tell([change]))
    return made
  }
}
