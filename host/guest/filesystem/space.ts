/**
 * How much a guest may still put into a folder whose space the node counts. The node lends room in pieces, so that
 * a write does not cross to it; what is freed goes back when it has become much.
 *
 * A file that is open and has lost its last name takes room until it is closed, and nobody who counts the folder finds
 * it. The node is told at once where the guest itself took the name, and else before the next word with it.
 */
import { fstatSync, type BigIntStats } from 'node:fs'
import type { HostLine } from '../line.ts'
import { WitError } from '../wit-error.ts'
import { FileError } from './errno.ts'
import { spaceInterface, spacePiece, type SpaceAmount } from './space-wire.ts'

/** So many pieces may lie unused in a sandbox. */
const idlePieces = 2

/** A file that the guest has open, to whatever end: also what is only read holds its room. */
interface OpenFile {
  /** All its descriptors; any of them tells its size. */
  readonly descriptors: Set<number>
  readonly id: string
  /** How much of it the node was told to be hidden. */
  hidden: number
}

export class Space {
  readonly #line: Pick<HostLine, 'call'>
  /** As the guest sees the folder. */
  readonly #folder: string
  readonly #open = new Map<string, OpenFile>()
  readonly #byDescriptor = new Map<number, OpenFile>()
  #bytes = 0
  #items = 0
  /** Bytes that were paid for as any, and went into hidden files since the node was told last. */
  #hiddenSince = 0
  /** Bytes of hidden files that were closed with an instance since then. */
  #shownSince = 0

  constructor(line: Pick<HostLine, 'call'>, folder: string) {
    this.#line = line
    this.#folder = folder
  }

  /** Lent and not used. */
  get room(): SpaceAmount {
    return { bytes: this.#bytes, items: this.#items }
  }

  /** @throws FileError EDQUOT, and takes nothing then */
  take(bytes: number, items: number): void {
    if (bytes > this.#bytes || items > this.#items) this.#borrow(bytes, items)
    this.#bytes -= bytes
    this.#items -= items
  }

  giveBack(bytes: number, items: number): void {
    this.#bytes += bytes
    this.#items += items
    const { bytes: pieceBytes, items: pieceItems } = spacePiece
    if (this.#bytes <= idlePieces * pieceBytes && this.#items <= idlePieces * pieceItems) return
    this.#tellHidden()
    const [spareBytes, spareItems] = [this.#bytes - pieceBytes, this.#items - pieceItems]
    this.#bytes = Math.min(this.#bytes, pieceBytes)
    this.#items = Math.min(this.#items, pieceItems)
    this.#line.call(spaceInterface, 'give-back', [
      this.#folder,
      Math.max(0, spareBytes),
      Math.max(0, spareItems),
    ])
  }

  /** Runs what adds one entry. */
  adding<Result>(run: () => Result): Result {
    this.take(0, 1)
    try {
      return run()
    } catch (error) {
      this.giveBack(0, 1)
      throw error
    }
  }

  /**
   * Runs a write that ends at most at `end` of the open file, and pays for as much as it made it longer.
   * @param write returns how many bytes of `length` it wrote
   */
  writing(fd: number, end: number, length: number, write: () => number): number {
    const { size, nlink } = fstatSync(fd)
    const growth = Math.max(0, end - size)
    if (growth === 0) return write()
    if (nlink === 0) this.#tellHidden()
    this.take(growth, 0)
    let written = 0
    try {
      written = write()
      return written
    } finally {
      const grown = written === 0 ? 0 : Math.max(0, growth - (length - written))
      if (nlink === 0) this.#hide(fd, grown)
      if (grown < growth) this.giveBack(growth - grown, 0)
    }
  }

  /** Runs what sets the size of the open file. */
  resizing(fd: number, size: number, resize: () => void): void {
    const { size: before, nlink } = fstatSync(fd)
    if (nlink === 0) this.#tellHidden()
    if (size > before) this.take(size - before, 0)
    try {
      resize()
    } catch (error) {
      if (size > before) this.giveBack(size - before, 0)
      throw error
    }
    if (nlink === 0) this.#hide(fd, size - before)
    if (size < before) this.giveBack(before - size, 0)
  }

  /** The guest holds it until `closing` of the same descriptor. */
  opened(fd: number, stat: BigIntStats): void {
    const id = idOf(stat)
    const file = this.#open.get(id) ?? { descriptors: new Set(), id, hidden: 0 }
    file.descriptors.add(fd)
    this.#open.set(id, file)
    this.#byDescriptor.set(fd, file)
  }

  /** An entry is gone, and with its last name what was in it, unless the guest has it open. @param stat from before */
  removed(stat: BigIntStats): void {
    const bytes = stat.isFile() && stat.nlink === 1n ? Number(stat.size) : 0
    const file = this.#open.get(idOf(stat))
    if (file === undefined || bytes === 0) return this.giveBack(bytes, 1)
    file.hidden += bytes
    this.#say(0, this.#hiddenSince + bytes)
    this.giveBack(0, 1)
  }

  /** Before it is closed. @param isGuestGone then nobody may be asked, and it is told with the next word */
  closing(fd: number, isGuestGone = false): void {
    const file = this.#byDescriptor.get(fd)
    this.#byDescriptor.delete(fd)
    if (file === undefined) return
    file.descriptors.delete(fd)
    if (file.descriptors.size > 0) return
    this.#open.delete(file.id)
    if (file.hidden === 0) return
    if (isGuestGone) this.#shownSince += file.hidden
    else this.#say(-file.hidden, this.#hiddenSince - file.hidden)
  }

  #borrow(bytes: number, items: number): void {
    this.#tellHidden()
    const wanted = [Math.max(0, bytes - this.#bytes), Math.max(0, items - this.#items)]
    try {
      const lent = this.#line.call(spaceInterface, 'take', [this.#folder, ...wanted]) as SpaceAmount
      this.#bytes += lent.bytes
      this.#items += lent.items
    } catch (error) {
      if (error instanceof WitError) throw new FileError('EDQUOT')
      throw error
    }
  }

  #hide(fd: number, bytes: number): void {
    const file = this.#byDescriptor.get(fd)
    if (file === undefined) return
    file.hidden += bytes
    this.#hiddenSince += bytes
  }

  #tellHidden(): void {
    let found = 0
    for (const file of this.#open.values()) {
      const [fd] = file.descriptors
      const { nlink, size } = fstatSync(fd!)
      if (nlink > 0) continue
      found += size - file.hidden
      file.hidden = size
    }
    const gone = this.#shownSince
    this.#shownSince = 0
    if (found !== gone || this.#hiddenSince !== 0) this.#say(found - gone, found - gone + this.#hiddenSince)
  }

  /** @param used to be counted as used, @param hidden of what is used that no look at the folder finds */
  #say(used: number, hidden: number): void {
    this.#hiddenSince = 0
    this.#line.call(spaceInterface, 'hide', [this.#folder, used, hidden])
  }
}

function idOf({ dev, ino }: BigIntStats): string {
  return `${dev}:${ino}`
}

/** By line, as an instance is made anew and its sandbox stays: what was lent to the last one is the next one's. */
const spaces = new WeakMap<object, Map<string, Space>>()

export function spaceOf(line: Pick<HostLine, 'call'>, folder: string): Space {
  const known = spaces.get(line) ?? new Map<string, Space>()
  spaces.set(line, known)
  const space = known.get(folder) ?? new Space(line, folder)
  known.set(folder, space)
  return space
}
