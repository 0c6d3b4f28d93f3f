/**
 * A blob store in a folder: one folder for each container, one file for each object, named after the digest of its
 * name, since any text may be a name. An object is written beside, flushed and renamed, as everything here that is
 * acknowledged. What a crash left half-written is removed when the store is opened.
 */
import { randomBytes } from 'node:crypto'
import { mkdir, open, readFile, rename, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Cancel, Clock } from '../../../core/index.ts'
import type {
  BlobReader,
  BlobStore,
  BlobWriter,
  ContainerInfo,
  Durability,
  MeteredStore,
  NamePage,
  ObjectChange,
  ObjectFeed,
  ObjectId,
  ObjectInfo,
  StoreAmount,
} from '../contract.ts'
import type { BlobLimits } from '../limits.ts'
import { Listeners } from '../listeners.ts'
import { storageProblems } from '../problems.ts'
import {
  containerFile,
  fileOf,
  flushFolder,
  guarded,
  heldIn,
  isThere,
  missing,
  objectFiles,
  writeFlushed,
} from './folder.ts'
import { BlobLedger, containerExists, containerMissing, objectMissing, partOf } from './ledger.ts'
import { openObject, readPieces, type OpenObject } from './object-file.ts'
import { deletion, guardedPieces, highestNumber, nameIn, putsIn } from './disk-changes.ts'
import { Numbering } from './numbering.ts'
import { maxContainerFileBytes, readContainer, writeContainer } from './container-file.ts'
import { copyObject } from './copy.ts'
import { linkFolder } from './copying.ts'
import { DiskUpload } from './upload.ts'

const scratchFolder = 'unfinished'

/** @throws ERR_STORAGE_FAILED */
export async function openDiskBlobs(
  folder: string,
  clock: Clock,
  limits: BlobLimits,
  durability: Durability = 'full',
): Promise<DiskBlobs> {
  return guarded(async () => {
    const scratch = join(folder, scratchFolder)
    await rm(scratch, { recursive: true, force: true })
    await mkdir(scratch, { recursive: true, mode: 0o700 })
    await flushFolder(dirname(folder))
    const ledger = new BlobLedger(limits, await heldIn(folder))
    const numbering = await Numbering.open(folder, () => highestNumber(folder))
    return new DiskBlobs(folder, clock, limits, { ledger, numbering, durability })
  })
}

interface DiskState {
  readonly ledger: BlobLedger
  readonly numbering: Numbering
  readonly durability: Durability
}

export class DiskBlobs implements BlobStore, MeteredStore {
  readonly #folder: string
  readonly #clock: Clock
  readonly #limits: BlobLimits
  readonly #ledger: BlobLedger
  readonly #numbering: Numbering
  readonly #isRelaxed: boolean
  readonly #listeners = new Listeners<ObjectChange>()
  /** What changes files goes one after the other, so that the ledger and the disk agree. */
  #last: Promise<unknown> = Promise.resolve()
  #isClosed = false

  constructor(
    folder: string,
    clock: Clock,
    limits: BlobLimits,
    { ledger, numbering, durability }: DiskState,
  ) {
    this.#isRelaxed = durability === 'normal'
    this.#numbering = numbering
    this.#folder = folder
    this.#clock = clock
    this.#limits = limits
    this.#ledger = ledger
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

  readonly feed: ObjectFeed = {
    position: () => this.#open(async () => this.#numbering.last),
    puts: (container, after) => this.#open(() => putsIn(this.#pathOf(container), container, after)),
  }

  createContainer(name: string): Promise<void> {
    return this.#inTurn(async () => {
      this.#ledger.checkName(name)
      if (await isThere(this.#pathOf(name))) throw containerExists(name)
      this.#ledger.addObject()
      try {
        const scratch = this.#scratch()
        await mkdir(scratch, { mode: 0o700 })
        await writeFlushed(join(scratch, containerFile), writeContainer({ name, createdAt: this.#seconds() }))
        await rename(scratch, this.#pathOf(name))
        await flushFolder(this.#folder)
      } catch (error) {
        this.#ledger.removeObject()
        throw error
      }
    })
  }

  container(name: string): Promise<ContainerInfo> {
    return this.#open(async () => {
      const path = join(this.#pathOf(name), containerFile)
      const { size } = await stat(path).catch(missing(containerMissing(name)))
      const text = size > maxContainerFileBytes ? '' : await readFile(path, 'utf8')
      return { name, createdAt: readContainer(text, name, path).createdAt }
    })
  }

  hasContainer(name: string): Promise<boolean> {
    return this.#open(() => isThere(this.#pathOf(name)))
  }

  deleteContainer(name: string): Promise<void> {
    return this.#inTurn(async () => {
      const path = this.#pathOf(name)
      if (!(await isThere(path))) return
      await this.#deleteFiles(name, await objectFiles(path))
      // Renamed first: a folder that is half removed would be a container that is half there.
      const scratch = this.#scratch()
      await rename(path, scratch)
      await flushFolder(this.#folder)
      this.#ledger.removeObject()
      await rm(scratch, { recursive: true, force: true })
    })
  }

  read(container: string, name: string, start: bigint, end: bigint): Promise<BlobReader> {
    return this.#open(async () => {
      const ended = this.#ledger.beginDownload()
      let opened: OpenObject | null = null
      try {
        opened = await this.#openObject(container, name)
        const { file, sizeBytes } = opened
        const part = partOf(sizeBytes, start, end)
        const bytes = guardedPieces(readPieces(opened, part.start, part.length))
        const close = async (): Promise<void> => {
          ended()
          await file.close()
        }
        return { sizeBytes: part.length, bytes, close }
      } catch (error) {
        ended()
        await opened?.file.close()
        throw error
      }
    })
  }

  create(): Promise<BlobWriter> {
    return this.#open(async () => {
      const ended = this.#ledger.beginUpload()
      const path = this.#scratch()
      try {
        return new DiskUpload(path, await open(path, 'wx', 0o600), ended, {
          ledger: this.#ledger,
          open: (run) => this.#open(run),
          inTurn: (run) => this.#inTurn(run),
          checkContainer: (name) => this.#checkContainer(name),
          place: (container, name) => this.#place(path, container, name),
          placed: (change) => this.#placed(change),
          isRelaxed: this.#isRelaxed,
          describe: async (name) => ({
            name,
            createdAt: this.#seconds(),
            number: await this.#numbering.next(),
          }),
        })
      } catch (error) {
        ended()
        throw error
      }
    })
  }

  objects(container: string, cursor: string | null): Promise<NamePage> {
    return this.#open(async () => {
      const { pageNames } = this.#limits
      const path = this.#pathOf(container)
      const files = (await objectFiles(path).catch(missing(containerMissing(container)))).sort()
      const rest = cursor === null ? files : files.filter((file) => file > cursor)
      const page = rest.slice(0, pageNames)
      const names: string[] = []
      for (const file of page) {
        const opened = await openObject(join(path, file))
        if (opened !== null) names.push(opened.trailer.name)
        await opened?.file.close()
      }
      return { names, cursor: rest.length > pageNames ? (page.at(-1) ?? null) : null }
    })
  }

  hasObject(container: string, name: string): Promise<boolean> {
    return this.#open(async () => {
      await this.#checkContainer(container)
      return isThere(this.#pathOf(container, name))
    })
  }

  object(container: string, name: string): Promise<ObjectInfo> {
    return this.#open(async () => {
      const { file, sizeBytes, trailer } = await this.#openObject(container, name)
      await file.close()
      return { name, container, createdAt: trailer.createdAt, sizeBytes, digest: trailer.digest }
    })
  }

  deleteObjects(container: string, names: readonly string[]): Promise<void> {
    return this.#inTurn(async () => {
      await this.#checkContainer(container)
      await this.#deleteFiles(container, names.map(fileOf), names)
    })
  }

  clear(container: string): Promise<void> {
    return this.#inTurn(async () => {
      const path = this.#pathOf(container)
      const files = await objectFiles(path).catch(missing(containerMissing(container)))
      await this.#deleteFiles(container, files)
    })
  }

  async copy(from: ObjectId, to: ObjectId): Promise<void> {
    await this.#open(() => this.#checkContainer(to.container))
    await copyObject(this, from, to)
  }

  async move(from: ObjectId, to: ObjectId): Promise<void> {
    await this.copy(from, to)
    if (from.container === to.container && from.object === to.object) return
    await this.deleteObjects(from.container, [from.object])
  }

  /** What is there now, at a path that is not there yet. @returns how many objects */
  saveTo(target: string): Promise<number> {
    return this.#inTurn(() => linkFolder(this.#folder, target))
  }

  /** Waits for what is being written; afterwards nothing is. */
  async close(): Promise<void> {
    this.#isClosed = true
    await this.#last
  }

  /** The upload's bytes are in the ledger already. */
  async #place(scratch: string, container: string, name: string): Promise<void> {
    const path = this.#pathOf(container, name)
    const before = await stat(path).catch(() => null)
    if (before === null) this.#ledger.addObject()
    try {
      await rename(scratch, path)
    } catch (error) {
      if (before === null) this.#ledger.removeObject()
      throw error
    }
    if (before !== null) this.#ledger.removeBytes(before.size)
  }

  async #placed(change: ObjectChange): Promise<void> {
    if (!this.#isRelaxed) await flushFolder(this.#pathOf(change.container))
    this.#listeners.tell([change])
  }

  /** @param names of the files, where they are known; else they are read where somebody is to be told */
  async #deleteFiles(container: string, files: readonly string[], names?: readonly string[]): Promise<void> {
    const folder = this.#pathOf(container)
    const gone: ObjectChange[] = []
    for (const [index, file] of files.entries()) {
      const path = join(folder, file)
      const before = await stat(path).catch(() => null)
      if (before === null) continue
      const name = names?.[index] ?? (this.#listeners.isEmpty ? null : await nameIn(path))
      await rm(path, { force: true })
      this.#ledger.removeBytes(before.size)
      this.#ledger.removeObject()
      if (name !== null) gone.push(deletion(container, name, await this.#numbering.next()))
    }
    if (!this.#isRelaxed) await flushFolder(folder)
    this.#listeners.tell(gone)
  }

  async #openObject(container: string, name: string): Promise<OpenObject> {
    await this.#checkContainer(container)
    const opened = await openObject(this.#pathOf(container, name))
    if (opened === null) throw objectMissing(container, name)
    return opened
  }

  async #checkContainer(name: string): Promise<void> {
    if (!(await isThere(this.#pathOf(name)))) throw containerMissing(name)
  }

  #pathOf(container: string, object?: string): string {
    const folder = join(this.#folder, fileOf(container))
    return object === undefined ? folder : join(folder, fileOf(object))
  }

  #scratch(): string {
    return join(this.#folder, scratchFolder, randomBytes(12).toString('hex'))
  }

  #seconds(): number {
    return Math.floor(this.#clock.now() / 1_000)
  }

  async #open<Result>(run: () => Promise<Result>): Promise<Result> {
    if (this.#isClosed) throw storageProblems.error('ERR_STORAGE_CLOSED', 'the store is closed')
    return guarded(run)
  }

  #inTurn<Result>(run: () => Promise<Result>): Promise<Result> {
    const turn = this.#last.then(() => this.#open(run))
    this.#last = turn.catch(() => {})
    return turn
  }
}
