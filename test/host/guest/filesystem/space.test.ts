/** Folders whose space is counted: whatever a guest does with files, what it paid for is what is there. */
import { lstatSync, mkdirSync, mkdtempSync, readdirSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as fc from 'fast-check'
import { afterEach, describe, expect, it } from 'vitest'
import {
  createFileTree,
  type FileHandle,
  type FolderHandle,
} from '../../../../host/guest/filesystem/index.ts'
import { spaceOf } from '../../../../host/guest/filesystem/space.ts'
import { WitError, spacePiece } from '../../../../host/guest/index.ts'
import { creating, outcome, reading, writing } from './kit.ts'

/** The node's half, in one step: lends exactly what is asked for. */
class Counter {
  bytes = 0
  items = 0
  hidden = 0
  calls = 0
  readonly most: { readonly bytes: number; readonly items: number }

  constructor(most = { bytes: Infinity, items: Infinity }) {
    this.most = most
  }

  call(_id: string, name: string, args: readonly unknown[]): unknown {
    this.calls += 1
    const [, first = 0, second = 0] = args as [string, number, number]
    if (name === 'take') {
      if (this.bytes + first > this.most.bytes || this.items + second > this.most.items)
        throw new WitError('quota')
      this.bytes += first
      this.items += second
      return { bytes: first, items: second }
    }
    if (name === 'give-back') {
      this.bytes -= first
      this.items -= second
    } else {
      this.bytes += first
      this.hidden += second
    }
    return undefined
  }
}

/** Lends in pieces, as the node does. */
class Lending extends Counter {
  override call(id: string, name: string, args: readonly unknown[]): unknown {
    if (name !== 'take') return super.call(id, name, args)
    const [folder, bytes, items] = args as [string, number, number]
    const lent = {
      bytes: bytes === 0 ? 0 : Math.max(bytes, Math.min(spacePiece.bytes, this.most.bytes - this.bytes)),
      items: items === 0 ? 0 : Math.max(items, Math.min(spacePiece.items, this.most.items - this.items)),
    }
    return super.call(id, name, [folder, lent.bytes, lent.items])
  }
}

const bases: string[] = []
afterEach(() => {
  for (const base of bases.splice(0)) rmSync(base, { recursive: true, force: true })
})

interface Counted {
  readonly root: string
  readonly folder: FolderHandle
  readonly other: FolderHandle
  readonly counter: Counter
  /** What the guest has paid for. */
  paid(): { bytes: number; items: number }
}

function counted(of?: Counter['most'] | Counter): Counted {
  const counter = of instanceof Counter ? of : new Counter(of)
  const base = realpathSync(mkdtempSync(join(tmpdir(), 'selvedge-space-')))
  bases.push(base)
  const root = join(base, 'root')
  mkdirSync(root)
  mkdirSync(join(base, 'other'))
  const tree = createFileTree({
    line: counter,
    preopens: [
      { hostPath: root, guestPath: '/data', access: 'read-write', counted: true },
      { hostPath: join(base, 'other'), guestPath: '/other', access: 'read-write', counted: true },
    ],
  })
  const [first, second] = tree.openPreopens()
  const paid = (): { bytes: number; items: number } => {
    const { bytes, items } = spaceOf(counter, '/data').room
    return { bytes: counter.bytes - bytes, items: counter.items - items }
  }
  return { root, folder: first!.folder, other: second!.folder, counter, paid }
}

/** What is there, counted as the node does. */
function there(folder: string, seen = new Set<number>()): { bytes: number; items: number } {
  const sum = { bytes: 0, items: 0 }
  for (const name of readdirSync(folder)) {
    const path = join(folder, name)
    const stat = lstatSync(path)
    sum.items += 1
    if (stat.isDirectory()) {
      const inner = there(path, seen)
      sum.bytes += inner.bytes
      sum.items += inner.items
    } else if (stat.isFile() && !seen.has(stat.ino)) {
      seen.add(stat.ino)
      sum.bytes += stat.size
    }
  }
  return sum
}

const name = fc.constantFrom('a', 'b', 'c', 'd/a', 'd/b', 'd')
const size = fc.integer({ min: 0, max: 5_000 })
const step = fc.oneof(
  fc.record({ do: fc.constant('create' as const), name, truncate: fc.boolean(), exclusive: fc.boolean() }),
  fc.record({ do: fc.constant('read' as const), name }),
  fc.record({ do: fc.constant('write' as const), at: size, length: size }),
  fc.record({ do: fc.constant('append' as const), length: size }),
  fc.record({ do: fc.constant('resize' as const), size }),
  fc.record({ do: fc.constant('close' as const) }),
  fc.record({ do: fc.constantFrom('unlink' as const, 'mkdir' as const, 'rmdir' as const), name }),
  fc.record({ do: fc.constantFrom('rename' as const, 'link' as const, 'symlink' as const), name, to: name }),
)
type Step = typeof step extends fc.Arbitrary<infer Value> ? Value : never

function run(folder: FolderHandle, open: FileHandle[], step: Step): void {
  const file = open.at(-1)
  switch (step.do) {
    case 'create': {
      const { truncate, exclusive } = step
      const handle = folder.open(step.name, { ...creating, truncate, exclusive })
      if (handle.kind === 'file') open.push(handle)
      return
    }
    case 'read': {
      const handle = folder.open(step.name, reading)
      if (handle.kind === 'file') open.push(handle)
      return
    }
    case 'write':
      return void file?.write(new Uint8Array(step.length), BigInt(step.at))
    case 'append':
      return void file?.append(new Uint8Array(step.length))
    case 'resize':
      return file?.setSize(BigInt(step.size))
    case 'close':
      return open.pop()?.close()
    case 'unlink':
      return folder.unlink(step.name)
    case 'mkdir':
      return folder.makeFolder(step.name)
    case 'rmdir':
      return folder.removeFolder(step.name)
    case 'rename':
      return folder.rename(step.name, folder, step.to)
    case 'link':
      return folder.link(step.name, false, folder, step.to)
    case 'symlink':
      return folder.makeLink(step.name, step.to)
  }
}

describe('a counted folder', () => {
  it('holds what was paid for, whatever is done in it', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const { root, folder, paid, counter } = counted()
        const open: FileHandle[] = []
        for (const one of steps) outcome(() => run(folder, open, one))
        for (const file of open) file.close()
        expect(paid()).toEqual(there(root))
        expect(counter.hidden).toBe(0)
        folder.close()
      }),
      { numRuns: 300 },
    )
  })

  it('refuses what does not fit as POSIX has it, and takes again what fits after a deletion', () => {
    const { folder, paid } = counted({ bytes: 1_000, items: 3 })
    const file = folder.open('a', creating) as FileHandle
    file.write(new Uint8Array(900), 0n)
    expect(outcome(() => file.write(new Uint8Array(101), 900n))).toBe('EDQUOT')
    expect(outcome(() => file.append(new Uint8Array(101)))).toBe('EDQUOT')
    expect(outcome(() => file.setSize(1_001n))).toBe('EDQUOT')
    // Far behind the end: what lies between counts too.
    expect(outcome(() => file.write(new Uint8Array(1), 5_000n))).toBe('EDQUOT')
    expect(file.write(new Uint8Array(100), 900n)).toBe(100)
    // What makes it no longer is free.
    expect(file.write(new Uint8Array(1_000), 0n)).toBe(1_000)
    folder.makeFolder('d')
    folder.makeLink('a', 'l')
    for (const one of [
      () => folder.open('b', creating),
      () => folder.makeFolder('e'),
      () => folder.makeLink('a', 'm'),
      () => folder.link('a', false, folder, 'n'),
    ])
      expect(outcome(one)).toBe('EDQUOT')
    folder.open('a', { ...writing, truncate: true }).close()
    file.write(new Uint8Array(1_000), 0n)
    folder.removeFolder('d')
    folder.open('b', creating).close()
    expect(paid()).toEqual({ bytes: 1_000, items: 3 })
  })

  it('is not got around by files that are open and have no name any more', () => {
    const mebibytes = 1024 * 1024
    const { folder, root, counter } = counted({ bytes: 10 * mebibytes, items: 100 })
    const open: FileHandle[] = []
    const one = (n: number): void => {
      const file = folder.open(`f${n}`, creating) as FileHandle
      open.push(file)
      for (let at = 0; at < 4; at += 1) file.write(new Uint8Array(mebibytes), BigInt(at * mebibytes))
      folder.unlink(`f${n}`)
    }
    one(1)
    one(2)
    expect(outcome(() => one(3))).toBe('EDQUOT')
    expect(there(root).bytes).toBeLessThanOrEqual(2 * mebibytes)
    // A look at the folder finds nothing of them; the node knows of them all the same.
    expect(counter.hidden).toBe(8 * mebibytes)
    for (const file of open.splice(0)) file.close()
    expect(counter.hidden).toBe(0)
    one(4)
  })

  it('is not got around by small ones, of which each fits into room that was lent', () => {
    const lending = new Lending({ bytes: 10 * spacePiece.bytes, items: 10_000 })
    const { folder } = counted(lending)
    const open: FileHandle[] = []
    const one = (n: number): void => {
      const file = folder.open(`f${n}`, creating) as FileHandle
      open.push(file)
      file.write(new Uint8Array(spacePiece.bytes / 2), 0n)
      folder.unlink(`f${n}`)
    }
    const outcomes = Array.from({ length: 30 }, (_, n) => outcome(() => one(n)))
    const onDisk = open.reduce((sum, file) => sum + Number(file.stat().sizeBytes), 0)
    expect(outcomes).toContain('EDQUOT')
    expect(onDisk).toBeLessThanOrEqual(10 * spacePiece.bytes)
    for (const file of open) file.close()
    expect(lending.hidden).toBe(0)
    expect(outcome(() => one(31))).toBe('ok')
  })

  it.each(['an unlink', 'another file in its place'])(
    'is not got around by files that are open to be read only and lost their name to %s',
    (how) => {
      const { folder, counter } = counted({ bytes: 10_000, items: 100 })
      const open: FileHandle[] = []
      const one = (): void => {
        const file = folder.open('f', creating) as FileHandle
        try {
          file.write(new Uint8Array(4_000), 0n)
        } finally {
          file.close()
        }
        open.push(folder.open('f', reading) as FileHandle)
        if (how === 'an unlink') return folder.unlink('f')
        folder.open('g', creating).close()
        folder.rename('g', folder, 'f')
        folder.unlink('f')
      }
      one()
      one()
      expect(outcome(one)).toBe('EDQUOT')
      folder.unlink('f')
      expect(counter.hidden).toBe(8_000)
      for (const file of open.splice(0)) file.close()
      expect(counter.hidden).toBe(0)
      one()
    },
  )

  it('pays for a file without a name once, whoever has it open', () => {
    const { folder, counter, paid } = counted()
    const writer = folder.open('f', creating) as FileHandle
    const readers = [folder.open('f', reading), folder.open('f', reading)]
    writer.write(new Uint8Array(4_000), 0n)
    folder.unlink('f')
    folder.makeFolder('d')
    expect(counter.hidden).toBe(4_000)
    expect(paid().bytes).toBe(4_000)
    writer.close()
    folder.makeFolder('e')
    expect(counter.hidden).toBe(4_000)
    for (const reader of readers) reader.close()
    expect(counter.hidden).toBe(0)
    expect(paid()).toEqual({ bytes: 0, items: 2 })
  })

  it('is found to hold what another instance took the name from', () => {
    const { folder, root, counter } = counted()
    const file = folder.open('a', creating) as FileHandle
    file.write(new Uint8Array(5_000), 0n)
    rmSync(join(root, 'a'))
    counter.bytes -= 5_000
    folder.open('b', creating).close()
    expect(counter).toMatchObject({ hidden: 5_000 })
    file.write(new Uint8Array(3_000), 5_000n)
    file.setSize(1_000n)
    file.close()
    expect(counter.hidden).toBe(0)
  })

  it('is asked for seldom: most writes find room that was lent', () => {
    const lending = new (class extends Counter {
      override call(id: string, what: string, args: readonly unknown[]): unknown {
        if (what !== 'take') return super.call(id, what, args)
        this.calls += 1
        return { bytes: spacePiece.bytes, items: spacePiece.items }
      }
    })()
    const base = mkdtempSync(join(tmpdir(), 'selvedge-space-'))
    bases.push(base)
    const preopen = { hostPath: base, guestPath: '/data', access: 'read-write', counted: true } as const
    const { folder } = createFileTree({ line: lending, preopens: [preopen] }).openPreopens()[0]!
    for (let n = 0; n < 60; n += 1) {
      const file = folder.open(`f${n}`, creating) as FileHandle
      file.write(new Uint8Array(10_000), 0n)
      file.close()
    }
    // One word brought room for all of them.
    expect(lending.calls).toBe(1)
  })

  it('moves nothing to another counted folder: that would have to be counted through', () => {
    const { folder, other } = counted()
    folder.open('a', creating).close()
    expect(outcome(() => folder.rename('a', other, 'a'))).toBe('EXDEV')
    expect(outcome(() => folder.link('a', false, other, 'a'))).toBe('EXDEV')
  })

  it('that is full may be read and tidied', () => {
    const { folder, root } = counted({ bytes: 0, items: 0 })
    writeFileSync(join(root, 'old'), 'old')
    const buffer = new Uint8Array(3)
    const file = folder.open('old', reading) as FileHandle
    expect(file.read(buffer, 0n)).toBe(3)
    file.close()
    folder.rename('old', folder, 'older')
    folder.unlink('older')
    expect(readdirSync(root)).toEqual([])
  })
})
