/** The stores that a node has for its apps: for `selvedge run` in memory, else on its disk. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openFolder, systemClock } from '../../../core/index.ts'
import { diskStorage, memoryStorage } from '../../../host/storage/index.ts'

type Storage = ReturnType<typeof memoryStorage>

/** One for many tests, which are apps of their own each. */
export class Storages {
  readonly #storage: Storage
  readonly #release: () => Promise<void>
  #apps = 0

  constructor(storage: Storage, release: () => Promise<void> = async () => {}) {
    this.#storage = storage
    this.#release = release
  }

  /** What an app has that was never here before. */
  ofNewApp(): { keyValue(): ReturnType<Storage['keyValue']>; blobs(): ReturnType<Storage['blobs']> } {
    this.#apps += 1
    const app = `app-${this.#apps}`
    return { keyValue: () => this.#storage.keyValue(app), blobs: () => this.#storage.blobs(app) }
  }

  async close(): Promise<void> {
    await this.#storage.close()
    await this.#release()
  }
}

export const storageKinds: readonly { readonly name: string; open(): Promise<Storages> }[] = [
  { name: 'in memory', open: async () => new Storages(memoryStorage(systemClock)) },
  {
    name: 'on the disk',
    async open() {
      const folder = await mkdtemp(join(tmpdir(), 'selvedge-storages-'))
      const remove = (): Promise<void> => rm(folder, { recursive: true, force: true })
      return new Storages(diskStorage(await openFolder(folder), systemClock), remove)
    },
  },
]
