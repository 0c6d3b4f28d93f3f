/**
 * A disk that fails, fills up and loses power, under the daemon's own durable files (core/files.ts).
 *
 * What the file system shows and what would survive a power cut are two trees. A write changes the first; a flush of
 * the file carries its bytes over, a flush of the folder its names. What is pending when the power is cut is lost,
 * kept, or kept in part and in any order that a file system may choose: only operations on one name, and on one file's
 * bytes, stay in order (Pillai et al., "All File Systems Are Not Created Equal", OSDI 2014).
 */
import { basename, dirname } from 'node:path'
import { openFolder, type Disk, type DurableFolder } from '../../core/index.ts'
import type { SeededRandom } from './random.ts'

/** What becomes of what was not flushed: nothing of it, all of it, or each piece by chance. */
export type Unsynced = 'lost' | 'kept' | 'reordered'

/** A point at which the power can fail: before the step, so that the last one is "after everything". */
export type DiskStep =
  | 'make-folder'
  | 'create'
  | 'write'
  | 'sync'
  | 'rename'
  | 'link'
  | 'remove'
  | 'sync-folder'
  | 'read'

/** Every call on a disk without power throws it. */
export class PowerCut extends Error {
  constructor() {
    super('the power is cut')
  }
}

interface FileNode {
  readonly type: 'file'
  bytes: Uint8Array
  /** What a power cut leaves for sure; null where nothing was ever flushed. */
  synced: Uint8Array | null
}

interface FolderNode {
  readonly type: 'folder'
  names: Map<string, FileNode | FolderNode>
  synced: Map<string, FileNode | FolderNode>
  /** Changes of names that were not flushed, oldest first. `to` null: the name was taken away. */
  pending: NameChange[]
}

interface NameChange {
  readonly name: string
  readonly to: FileNode | FolderNode | null
  /** A rename is one step: the new name never comes without the old one's going. */
  readonly from: string | null
}

const newFolder = (): FolderNode => ({ type: 'folder', names: new Map(), synced: new Map(), pending: [] })

export class SimDisk implements Disk {
  readonly #random: SeededRandom
  #root = newFolder()
  #isOff = false
  #usedBytes = 0
  /** Steps done since the disk was made or last restarted; reads are no steps. */
  steps = 0
  /** The power fails before this step; null never. Counts as {@link steps} does, from 0. */
  cutAtStep: number | null = null
  /** Chance that a step answers EIO: before it was done, or after. */
  faults = 0
  /** ENOSPC above it. */
  capacityBytes = Number.POSITIVE_INFINITY
  /** Sees each step before it is done. */
  onStep: (step: DiskStep, path: string) => void = () => {}

  /** @param random decides which faults strike, and what a cut keeps */
  constructor(random: SeededRandom) {
    this.#random = random
  }

  /** The daemon's own folder on this disk. @param path absolute */
  folder(path = '/data'): Promise<DurableFolder> {
    return openFolder(path, this)
  }

  get usedBytes(): number {
    return this.#usedBytes
  }

  get isOff(): boolean {
    return this.#isOff
  }

  cutPower(): void {
    this.#isOff = true
  }

  /** Brings the power back: what was not flushed is dealt with as told. Folders of before answer with PowerCut for ever. */
  restart(unsynced: Unsynced): SimDisk {
    this.#isOff = true
    const disk = new SimDisk(this.#random)
    disk.capacityBytes = this.capacityBytes
    disk.#root = this.#survivor(this.#root, unsynced)
    disk.#usedBytes = sizeOf(disk.#root)
    return disk
  }

  /** Changes one bit of a file that is there, as a worn-out card does. @returns false where there is no such file, or nothing in it */
  flipBit(path: string): boolean {
    const node = this.#find(path)
    if (node?.type !== 'file' || node.bytes.length === 0) return false
    const at = this.#random.below(node.bytes.length)
    const bytes = node.bytes.slice()
    bytes[at] = (bytes[at] as number) ^ (1 << this.#random.below(8))
    node.bytes = bytes
    node.synced = bytes
    return true
  }

  /** Paths of all files that are there, sorted. */
  files(): string[] {
    const walk = (folder: FolderNode, path: string): string[] =>
      [...folder.names].flatMap(([name, node]) =>
        node.type === 'file' ? [`${path}/${name}`] : walk(node, `${path}/${name}`),
      )
    return walk(this.#root, '').sort()
  }

  makeFolder(path: string): Promise<void> {
    return this.#step('make-folder', path, () => {
      const parent = this.#parent(path)
      if (parent.names.has(basename(path))) throw failure('EEXIST', path)
      this.#change(parent, { name: basename(path), to: newFolder(), from: null })
    })
  }

  isFolder(path: string): Promise<boolean> {
    return this.#read(path, () => this.#require(path).type === 'folder')
  }

  entries(path: string): Promise<{ name: string; isFile: boolean }[]> {
    return this.#read(path, () =>
      [...this.#requireFolder(path).names].map(([name, { type }]) => ({ name, isFile: type === 'file' })),
    )
  }

  async createSynced(path: string, bytes: Uint8Array): Promise<void> {
    const file: FileNode = { type: 'file', bytes: new Uint8Array(), synced: null }
    await this.#step('create', path, () => {
      const parent = this.#parent(path)
      if (parent.names.has(basename(path))) throw failure('EEXIST', path)
      this.#change(parent, { name: basename(path), to: file, from: null })
    })
    await this.#step('write', path, () => {
      if (this.#usedBytes + bytes.length > this.capacityBytes) {
        // What fits is written before the error, as on a real disk.
        file.bytes = bytes.slice(0, this.capacityBytes - this.#usedBytes)
        this.#usedBytes += file.bytes.length
        throw failure('ENOSPC', path)
      }
      file.bytes = bytes.slice()
      this.#usedBytes += bytes.length
    })
    await this.#step('sync', path, () => {
      file.synced = file.bytes
    })
  }

  readWhole(path: string, judge: (sizeBytes: number) => void): Promise<Uint8Array> {
    return this.#read(path, () => {
      const node = this.#require(path)
      if (node.type !== 'file') throw failure('EISDIR', path)
      judge(node.bytes.length)
      return node.bytes.slice()
    })
  }

  sizeOf(path: string): Promise<number> {
    return this.#read(path, () => {
      const node = this.#require(path)
      if (node.type !== 'file') throw failure('EISDIR', path)
      return node.bytes.length
    })
  }

  rename(from: string, to: string): Promise<void> {
    return this.#step('rename', to, () => {
      const folder = this.#parent(from)
      const node = folder.names.get(basename(from))
      if (node === undefined) throw failure('ENOENT', from)
      if (dirname(from) !== dirname(to)) throw failure('EXDEV', to)
      this.#forget(folder.names.get(basename(to)))
      this.#change(folder, { name: basename(to), to: node, from: basename(from) })
    })
  }

  link(from: string, to: string): Promise<void> {
    return this.#step('link', to, () => {
      const folder = this.#parent(from)
      const node = folder.names.get(basename(from))
      if (node === undefined) throw failure('ENOENT', from)
      if (dirname(from) !== dirname(to)) throw failure('EXDEV', to)
      if (folder.names.has(basename(to))) throw failure('EEXIST', to)
      this.#change(folder, { name: basename(to), to: node, from: null })
    })
  }

  remove(path: string): Promise<void> {
    return this.#step('remove', path, () => {
      const parent = this.#parent(path)
      const node = parent.names.get(basename(path))
      if (node === undefined) return
      if (node.type === 'folder') throw failure('EISDIR', path)
      // Its bytes go with its last name.
      if ([...parent.names.values()].filter((other) => other === node).length === 1) this.#forget(node)
      this.#change(parent, { name: basename(path), to: null, from: null })
    })
  }

  syncFolder(path: string): Promise<void> {
    return this.#step('sync-folder', path, () => {
      const folder = this.#requireFolder(path)
      folder.synced = new Map(folder.names)
      folder.pending = []
    })
  }

  /** Settles a microtask later, as no real disk answers at once. */
  async #step(step: DiskStep, path: string, run: () => void): Promise<void> {
    await Promise.resolve()
    if (this.#isOff) throw new PowerCut()
    this.onStep(step, path)
    if (this.cutAtStep === this.steps) this.cutPower()
    if (this.#isOff) throw new PowerCut()
    this.steps++
    const fails = this.faults > 0 && this.#random.chance(this.faults)
    if (fails && this.#random.chance(0.5)) throw failure('EIO', path)
    run()
    if (fails) throw failure('EIO', path)
  }

  async #read<T>(path: string, run: () => T): Promise<T> {
    await Promise.resolve()
    if (this.#isOff) throw new PowerCut()
    this.onStep('read', path)
    if (this.faults > 0 && this.#random.chance(this.faults)) throw failure('EIO', path)
    return run()
  }

  #change(folder: FolderNode, change: NameChange): void {
    apply(folder.names, change)
    folder.pending.push(change)
  }

  #forget(node: FileNode | FolderNode | undefined): void {
    if (node?.type === 'file') this.#usedBytes -= node.bytes.length
  }

  #survivor(folder: FolderNode, unsynced: Unsynced): FolderNode {
    const names = new Map(folder.synced)
    const lostNames = new Set<string>()
    for (const change of folder.pending) {
      // What came after a lost change of the same name is lost with it; another name's may be kept.
      const touched = [change.name, ...(change.from === null ? [] : [change.from])]
      const isKept =
        unsynced === 'kept' ||
        (unsynced === 'reordered' && !lostNames.has(change.name) && this.#random.chance(0.5))
      if (isKept) apply(names, change)
      else for (const name of touched) lostNames.add(name)
    }
    const kept = newFolder()
    for (const [name, node] of names) {
      const next =
        node.type === 'folder' ? this.#survivor(node, unsynced) : this.#survivingFile(node, unsynced)
      kept.names.set(name, next)
      kept.synced.set(name, next)
    }
    return kept
  }

  #survivingFile(file: FileNode, unsynced: Unsynced): FileNode {
    const bytes = this.#survivingBytes(file, unsynced)
    return { type: 'file', bytes, synced: bytes }
  }

  /** Bytes never flushed: none, all, the first of them, or zeros where the length came before the bytes. */
  #survivingBytes({ bytes, synced }: FileNode, unsynced: Unsynced): Uint8Array {
    if (synced === bytes || unsynced === 'kept') return bytes
    if (unsynced === 'lost') return synced ?? new Uint8Array()
    switch (this.#random.below(4)) {
      case 0:
        return synced ?? new Uint8Array()
      case 1:
        return bytes
      case 2:
        return bytes.slice(0, this.#random.below(bytes.length + 1))
      default:
        return new Uint8Array(bytes.length)
    }
  }

  #find(path: string): FileNode | FolderNode | null {
    let node: FileNode | FolderNode = this.#root
    for (const name of path.split('/').filter((part) => part !== '')) {
      if (node.type !== 'folder') return null
      const next = node.names.get(name)
      if (next === undefined) return null
      node = next
    }
    return node
  }

  #require(path: string): FileNode | FolderNode {
    const node = this.#find(path)
    if (node === null) throw failure('ENOENT', path)
    return node
  }

  #requireFolder(path: string): FolderNode {
    const node = this.#require(path)
    if (node.type !== 'folder') throw failure('ENOTDIR', path)
    return node
  }

  #parent(path: string): FolderNode {
    return this.#requireFolder(dirname(path))
  }
}

function apply(names: Map<string, FileNode | FolderNode>, { name, to, from }: NameChange): void {
  if (from !== null) names.delete(from)
  if (to === null) names.delete(name)
  else names.set(name, to)
}

function sizeOf(node: FileNode | FolderNode): number {
  if (node.type === 'file') return node.bytes.length
  return [...node.names.values()].reduce((sum, child) => sum + sizeOf(child), 0)
}

function failure(code: string, path: string): NodeJS.ErrnoException {
  const error: NodeJS.ErrnoException = new Error(`${code}: ${path}`)
  error.code = code
  return error
}
