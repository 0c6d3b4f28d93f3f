/** Takes snapshots of what an app has on this disk, and puts them back, by way of folders beside the stores. */
import { randomBytes } from 'node:crypto'
import { link, mkdir, rename, rm, stat, unlink } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileProblems, shortDigest, type Clock, type DurableFolder } from '../../../core/index.ts'
import { flushFolder, guarded, isThere } from '../blobs/folder.ts'
import type {
  BlobStore,
  KeyValueStore,
  RestoreTerms,
  SharedPart,
  SharingGroup,
  SnapshotReport,
} from '../contract.ts'
import type { StorageBackend } from '../drivers/contract.ts'
import { storageProblems } from '../problems.ts'
import { lookInto, readArchive, writeArchive, type SnapshotTable } from './archive.ts'
import { decide, settle } from './placing.ts'
import { claimScratch, dropLeftScratch, dropScratch } from './scratch.ts'

export interface SnapshotNeeds {
  readonly folder: DurableFolder
  readonly clock: Clock
  readonly keyValue: StorageBackend<KeyValueStore>
  readonly blobs: StorageBackend<BlobStore>
}

export interface AppStores {
  readonly keyValue: KeyValueStore
  readonly blobs: BlobStore
  /** null where its group shares nothing. */
  readonly shared: SharedPart | null
}

const sharedFile = 'group.sqlite'

export class Snapshots {
  readonly #needs: SnapshotNeeds

  constructor(needs: SnapshotNeeds) {
    this.#needs = needs
    void dropLeftScratch(join(needs.folder.path, 'restore'))
  }

  take(app: string, path: string, stores: AppStores): Promise<SnapshotReport> {
    const { clock, keyValue, blobs } = this.#needs
    const [saveKeys, saveObjects] = [keyValue.save, blobs.save]
    if (saveKeys === undefined || saveObjects === undefined) throw elsewhere(app)
    return this.#inScratch(async (scratch) => {
      if (await isThere(path)) throw isThereAlready(path)
      const entries = await saveKeys(stores.keyValue, join(scratch, 'keyvalue.sqlite'))
      const objects = await saveObjects(stores.blobs, join(scratch, 'blobs'))
      const shared = (await stores.shared?.saveTo(join(scratch, sharedFile))) ?? 0
      const takenAtMs = Math.max(0, Math.floor(clock.now()))
      const beside = `${path}.${randomBytes(4).toString('hex')}.unfinished`
      try {
        const sharedBy = stores.shared?.of
        const { bytes } = await writeArchive(scratch, beside, {
          app,
          takenAtMs,
          ...(sharedBy && { sharedBy }),
        })
        await giveName(beside, path)
        return { app, path, takenAtMs, bytes, entries, objects, shared }
      } catch (error) {
        await rm(beside, { force: true }).catch(() => {})
        throw notWritten(error, path)
      }
    })
  }

  /** Before anything is stopped for it. @throws ERR_SNAPSHOT, ERR_SNAPSHOT_APP, ERR_SNAPSHOT_GROUP, as far as its table tells */
  check(app: string, path: string, terms: Pick<AppStores, 'shared'> & RestoreTerms): Promise<void> {
    const { keyValue, blobs } = this.#needs
    if (keyValue.adopt === undefined || blobs.adopt === undefined) throw elsewhere(app)
    return guarded(async () => {
      await stat(path).catch(unread(path))
      requireFit(await lookInto(path), app, path, terms)
    })
  }

  /** @param close closes the app's stores for good */
  putBack(
    app: string,
    path: string,
    stores: AppStores & RestoreTerms,
    close: () => Promise<void>,
  ): Promise<SnapshotReport> {
    const { folder, keyValue, blobs } = this.#needs
    const [adoptKeys, adoptObjects] = [keyValue.adopt, blobs.adopt]
    if (adoptKeys === undefined || adoptObjects === undefined) throw elsewhere(app)
    return this.#inScratch(async (scratch) => {
      const { size } = await stat(path).catch(unread(path))
      const unpacked = join(scratch, 'unpacked')
      await mkdir(unpacked, { mode: 0o700 })
      const table = await readArchive(path, unpacked)
      const isShared = requireFit(table, app, path, stores)
      const has = table.parts.some(({ name }) => name === 'keyvalue.sqlite')
      const entries = has ? await adoptKeys(stores.keyValue, join(unpacked, 'keyvalue.sqlite')) : 0
      const objects = await adoptObjects(stores.blobs, join(unpacked, 'blobs'))
      const shared = isShared ? ((await stores.shared?.joinFrom(join(unpacked, sharedFile))) ?? 0) : 0
      await close()
      await decide(folder.path, app, unpacked)
      await settle(folder.path, app)
      return { app, path, takenAtMs: table.takenAtMs, bytes: size, entries, objects, shared }
    })
  }

  /** A folder of its own that is gone afterwards, on the disk of the stores. */
  #inScratch(run: (scratch: string) => Promise<SnapshotReport>): Promise<SnapshotReport> {
    return guarded(async () => {
      const root = (await this.#needs.folder.folder('restore')).path
      await dropLeftScratch(root)
      const scratch = claimScratch(root)
      try {
        await mkdir(scratch, { mode: 0o700 })
        return await run(scratch)
      } finally {
        await dropScratch(scratch)
      }
    })
  }
}

function unread(path: string): (cause: unknown) => never {
  return (cause) => {
    throw storageProblems.error('ERR_SNAPSHOT', `${path} cannot be read`, { cause })
  }
}

function requireApp(table: SnapshotTable, app: string, path: string): void {
  if (table.app === app) return
  throw storageProblems.error('ERR_SNAPSHOT_APP', `${path} is a snapshot of ${table.app}, not of ${app}`)
}

/** @returns whether it has what a group shares */
function requireFit(
  table: SnapshotTable,
  app: string,
  path: string,
  terms: Pick<AppStores, 'shared'> & RestoreTerms,
): boolean {
  requireApp(table, app, path)
  const isShared = table.parts.some(({ name }) => name === sharedFile)
  if (isShared) requireGroup(table, path, terms)
  return isShared
}

function elsewhere(app: string): Error {
  return storageProblems.error('ERR_STORAGE_ELSEWHERE', `what ${app} stores is not on this node’s disk`)
}

/** @throws ERR_SNAPSHOT, ERR_SNAPSHOT_GROUP where what a group shared is not for the app's group here */
function requireGroup(
  { app, sharedBy }: SnapshotTable,
  path: string,
  { shared, anyGroup = false }: Pick<AppStores, 'shared'> & RestoreTerms,
): void {
  if (shared === null) throw sharesNothing(app, path)
  const { of: here } = shared
  const isSame = sharedBy?.mesh === here.mesh && sharedBy.group === here.group
  if (anyGroup || isSame) return
  const isOfMesh = sharedBy === undefined || sharedBy.mesh === here.mesh
  const named = ({ mesh, group }: SharingGroup): string =>
    `${group === '' ? 'the nodes of no group' : `group ${group}`}${isOfMesh ? '' : ` of mesh ${shortDigest(mesh)}`}`
  const whose = sharedBy === undefined ? 'a group shared and does not say which' : `${named(sharedBy)} shared`
  throw storageProblems.error(
    'ERR_SNAPSHOT_GROUP',
    `${path} has what ${whose}, and here ${app} is shared by ${named(here)}`,
  )
}

function sharesNothing(app: string, path: string): Error {
  return storageProblems.error(
    'ERR_SNAPSHOT',
    `${path} has what a group shares, and no bucket of ${app} is shared here`,
    {
      hint: 'publish a release of it with `scope = "group"`, or restore on a node of its group; nothing was restored',
    },
  )
}

function isThereAlready(path: string): Error {
  return storageProblems.error('ERR_SNAPSHOT_FILE', `${path} is there already`)
}

/** Writes over nothing: another name for the file fails where there is one, and a rename does not. */
async function giveName(beside: string, path: string): Promise<void> {
  const hasLinks = await link(beside, path).then(
    () => true,
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'EEXIST') throw error
      return false
    },
  )
  if (hasLinks) await unlink(beside)
  // As on a memory stick.
  else if (await isThere(path)) throw isThereAlready(path)
  else await rename(beside, path)
  // A folder that may be written and not read cannot be opened for it.
  await flushFolder(dirname(path)).catch(() => {})
}

function notWritten(error: unknown, path: string): unknown {
  const { code } = error as NodeJS.ErrnoException
  if (code === 'EEXIST') return isThereAlready(path)
  if (code === 'ENOSPC' || code === 'EDQUOT')
    return fileProblems.error('ERR_DISK_FULL', `no space left for ${path}`, { cause: error })
  return error
}
