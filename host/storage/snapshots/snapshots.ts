/** Takes snapshots of what an app has on this disk, and puts them back, by way of folders beside the stores. */
import { randomBytes } from 'node:crypto'
import { mkdir, readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Clock, DurableFolder } from '../../../core/index.ts'
import { guarded } from '../blobs/folder.ts'
import type { BlobStore, KeyValueStore, SnapshotReport } from '../contract.ts'
import type { StorageBackend } from '../drivers/contract.ts'
import { storageProblems } from '../problems.ts'
import { readArchive, writeArchive } from './archive.ts'
import { decide, settle } from './placing.ts'

const unfinished = '.unfinished-'

export interface SnapshotNeeds {
  readonly folder: DurableFolder
  readonly clock: Clock
  readonly keyValue: StorageBackend<KeyValueStore>
  readonly blobs: StorageBackend<BlobStore>
}

export interface AppStores {
  readonly keyValue: KeyValueStore
  readonly blobs: BlobStore
}

export class Snapshots {
  readonly #needs: SnapshotNeeds
  readonly #underWay = new Set<string>()

  constructor(needs: SnapshotNeeds) {
    this.#needs = needs
  }

  take(app: string, path: string, stores: AppStores): Promise<SnapshotReport> {
    const { clock, keyValue, blobs } = this.#needs
    const [saveKeys, saveObjects] = [keyValue.save, blobs.save]
    if (saveKeys === undefined || saveObjects === undefined) throw elsewhere(app)
    return this.#inScratch(async (scratch) => {
      const entries = await saveKeys(stores.keyValue, join(scratch, 'keyvalue.sqlite'))
      const objects = await saveObjects(stores.blobs, join(scratch, 'blobs'))
      const takenAtMs = Math.max(0, Math.floor(clock.now()))
      const { bytes } = await writeArchive(scratch, path, { app, takenAtMs }).catch(notWritten(path))
      return { app, path, takenAtMs, bytes, entries, objects }
    })
  }

  /** @param close closes the app's stores for good */
  putBack(app: string, path: string, stores: AppStores, close: () => Promise<void>): Promise<SnapshotReport> {
    const { folder, keyValue, blobs } = this.#needs
    const [adoptKeys, adoptObjects] = [keyValue.adopt, blobs.adopt]
    if (adoptKeys === undefined || adoptObjects === undefined) throw elsewhere(app)
    return this.#inScratch(async (scratch) => {
      const { size } = await stat(path).catch((cause: unknown) => {
        throw storageProblems.error('ERR_SNAPSHOT', `${path} cannot be read`, { cause })
      })
      const unpacked = join(scratch, 'unpacked')
      await mkdir(unpacked, { mode: 0o700 })
      const table = await readArchive(path, unpacked)
      if (table.app !== app)
        throw storageProblems.error(
          'ERR_SNAPSHOT_APP',
          `${path} is a snapshot of ${table.app}, not of ${app}`,
        )
      const has = table.parts.some(({ name }) => name === 'keyvalue.sqlite')
      const entries = has ? await adoptKeys(stores.keyValue, join(unpacked, 'keyvalue.sqlite')) : 0
      const objects = await adoptObjects(stores.blobs, join(unpacked, 'blobs'))
      await close()
      await decide(folder.path, app, unpacked)
      await settle(folder.path, app)
      return { app, path, takenAtMs: table.takenAtMs, bytes: size, entries, objects }
    })
  }

  /** What a crash left: only one node uses a folder at a time. */
  async #dropLeft(root: string): Promise<void> {
    for (const name of await readdir(root)) {
      if (!name.startsWith(unfinished) || this.#underWay.has(name)) continue
      await rm(join(root, name), { recursive: true, force: true })
    }
  }

  /** A folder of its own that is gone afterwards, on the disk of the stores. */
  #inScratch(run: (scratch: string) => Promise<SnapshotReport>): Promise<SnapshotReport> {
    return guarded(async () => {
      const root = (await this.#needs.folder.folder('restore')).path
      await this.#dropLeft(root)
      const name = `${unfinished}${randomBytes(8).toString('hex')}`
      this.#underWay.add(name)
      try {
        await mkdir(join(root, name), { mode: 0o700 })
        return await run(join(root, name))
      } finally {
        await rm(join(root, name), { recursive: true, force: true })
        this.#underWay.delete(name)
      }
    })
  }
}

function elsewhere(app: string): Error {
  return storageProblems.error('ERR_STORAGE_ELSEWHERE', `what ${app} stores is not on this node’s disk`)
}

function notWritten(path: string): (error: NodeJS.ErrnoException) => Promise<never> {
  return async (error) => {
    if (error.code === 'EEXIST') throw storageProblems.error('ERR_SNAPSHOT_FILE', `${path} is there already`)
    await rm(path, { force: true })
    throw error
  }
}
