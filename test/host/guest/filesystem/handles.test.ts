/** What files and folders do once they are open, and what POSIX says of odd paths. */
import { mkdirSync, readFileSync, statSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createFileTree, fileLimits, type FileHandle } from '../../../../host/guest/filesystem/index.ts'
import { creating, ground, outcome, reading, writing, type Ground } from './kit.ts'

let on: Ground
beforeEach(() => {
  on = ground({ now: () => 1_700_000_000_000 })
})
afterEach(() => on.remove())

function file(path: string, request: Parameters<Ground['folder']['open']>[1] = creating): FileHandle {
  const handle = on.folder.open(path, request)
  if (handle.kind !== 'file') throw new Error('not a file')
  return handle
}
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)

describe('paths', () => {
  beforeEach(() => {
    mkdirSync(join(on.root, 'folder'))
    writeFileSync(join(on.root, 'file'), 'x')
    symlinkSync('folder', join(on.root, 'link'))
    symlinkSync('nowhere', join(on.root, 'dangling'))
  })

  it.each([
    ['', 'ENOENT'],
    ['file/', 'ENOTDIR'],
    ['file/.', 'ENOTDIR'],
    ['file/..', 'ENOTDIR'],
    ['folder/', 'ok'],
    ['folder//..//file', 'ok'],
    ['link/', 'ok'],
    ['dangling', 'ENOENT'],
    ['dangling/', 'ENOENT'],
    ['file\0', 'EINVAL'],
    ['.', 'ok'],
    ['..', 'EPERM'],
  ])('%j opens with %s', (path, expected) => {
    expect(outcome(() => on.folder.open(path, reading).close())).toBe(expected)
  })

  it('a name or a path that is too long is refused', () => {
    for (const path of ['x'.repeat(256), `${'./'.repeat(2_100)}file`, 'folder/../'.repeat(2_000)]) {
      expect(outcome(() => on.folder.open(path, reading))).toBe('ENAMETOOLONG')
    }
  })

  it('a link is an entry of its own unless it is followed', () => {
    expect(outcome(() => on.folder.open('link', { ...reading, follow: false }))).toBe('ELOOP')
    expect(on.folder.statAt('link', false).type).toBe('symbolic-link')
    expect(on.folder.statAt('link', true).type).toBe('directory')
    expect(on.folder.statAt('link/', false).type).toBe('directory')
    expect(on.folder.readLink('link')).toBe('folder')
    expect(outcome(() => on.folder.readLink('file'))).toBe('EINVAL')
    expect(outcome(() => on.folder.removeFolder('link'))).toBe('ENOTDIR')
    on.folder.unlink('link')
    expect(on.folder.statAt('folder', false).type).toBe('directory')
  })

  it('creating through a dangling link makes what it names, unless it must be new', () => {
    expect(outcome(() => on.folder.open('dangling', { ...creating, exclusive: true }))).toBe('EEXIST')
    file('dangling').close()
    expect(on.folder.statAt('nowhere', false).type).toBe('regular-file')
  })

  it('a trailing slash asks for a folder wherever an entry is made, moved or removed', () => {
    on.folder.makeFolder('new/')
    on.folder.removeFolder('new/')
    expect(outcome(() => on.folder.unlink('file/'))).toBe('ENOTDIR')
    expect(outcome(() => on.folder.unlink('folder/'))).toBe('EISDIR')
    expect(outcome(() => on.folder.rename('file', on.folder, 'other/'))).toBe('ENOTDIR')
    expect(outcome(() => on.folder.rename('file/', on.folder, 'other'))).toBe('ENOTDIR')
    expect(outcome(() => on.folder.link('file', false, on.folder, 'other/'))).toBe('ENOENT')
    expect(outcome(() => on.folder.makeLink('x', 'other/'))).toBe('ENOENT')
    expect(outcome(() => on.folder.open('other/', creating))).toBe('EISDIR')
    on.folder.rename('folder/', on.folder, 'renamed/')
    expect(on.folder.statAt('renamed', false).type).toBe('directory')
  })

  it('the folder itself cannot be removed, moved or replaced through itself', () => {
    expect(outcome(() => on.folder.removeFolder('.'))).toBe('EINVAL')
    expect(outcome(() => on.folder.makeFolder('.'))).toBe('EEXIST')
    expect(outcome(() => on.folder.unlink('.'))).toBe('EISDIR')
    expect(outcome(() => on.folder.rename('.', on.folder, 'x'))).toBe('EBUSY')
    expect(outcome(() => on.folder.makeLink('x', '.'))).toBe('EEXIST')
    expect(outcome(() => on.folder.link('folder', false, on.folder, 'x'))).toBe('EPERM')
  })

  it('a folder is opened neither to write nor to be created', () => {
    expect(outcome(() => on.folder.open('folder', writing))).toBe('EISDIR')
    expect(outcome(() => on.folder.open('folder', { ...writing, directory: true }))).toBe('EISDIR')
    expect(outcome(() => on.folder.open('file', { ...reading, directory: true }))).toBe('ENOTDIR')
    expect(outcome(() => on.folder.open('new', { ...creating, directory: true }))).toBe('EINVAL')
  })

  it('a FIFO without its other end keeps nobody waiting', () => {
    execFileSync('mkfifo', [join(on.root, 'pipe')])
    expect(outcome(() => on.folder.open('pipe', { ...writing, read: false }))).toBe('ENXIO')
    const pipe = on.folder.open('pipe', reading)
    expect(pipe.stat().type).toBe('fifo')
    expect(pipe.kind === 'file' && pipe.read(new Uint8Array(4), 0n)).toBe(0)
    pipe.close()
  })
})

describe('a file', () => {
  it('is read and written at offsets, and ends where it ends', () => {
    const handle = file('f')
    expect(handle.write(bytes('hello'), 2n)).toBe(5)
    const buffer = new Uint8Array(16)
    expect(handle.read(buffer, 0n)).toBe(7)
    expect(buffer.subarray(0, 7)).toEqual(bytes('\0\0hello'))
    expect(handle.read(buffer, 7n)).toBe(0)
    expect(outcome(() => handle.read(buffer, 1n << 60n))).toBe('EFBIG')
    handle.setSize(3n)
    expect(handle.stat().sizeBytes).toBe(3n)
    expect(outcome(() => handle.setSize(1n << 60n))).toBe('EFBIG')
    handle.sync()
    handle.syncData()
    handle.close()
    expect(outcome(() => handle.stat())).toBe('EBADF')
  })

  it('is only read or written as it was opened', () => {
    file('f').close()
    const reader = file('f', reading)
    expect(outcome(() => reader.write(bytes('x'), 0n))).toBe('EBADF')
    expect(outcome(() => reader.append(bytes('x')))).toBe('EBADF')
    expect(outcome(() => reader.setSize(0n))).toBe('EBADF')
    reader.close()
    const writer = file('f', { ...writing, read: false })
    expect(outcome(() => writer.read(new Uint8Array(1), 0n))).toBe('EBADF')
    writer.close()
  })

  it('is appended to wherever its end is by then', () => {
    const one = file('f')
    const two = file('f', writing)
    one.append(bytes('a'))
    two.append(bytes('b'))
    one.append(bytes('c'))
    one.close()
    two.close()
    expect(readFileSync(join(on.root, 'f'), 'utf8')).toBe('abc')
  })

  it('stays open for a handle that outlives the first one', () => {
    const first = file('f')
    const second = first.duplicate()
    first.close()
    first.close()
    second.write(bytes('on'), 0n)
    expect(on.tree.held).toBe(2)
    second.close()
    expect(on.tree.held).toBe(1)
    expect(readFileSync(join(on.root, 'f'), 'utf8')).toBe('on')
  })

  it('keeps its times to the nanosecond as the guest set them, until somebody sets them anew', () => {
    const handle = file('f')
    handle.setTimes(1_600_000_000_123_456_789n, 1_500_000_000_987_654_321n)
    expect(handle.stat()).toMatchObject({
      accessedNs: 1_600_000_000_123_456_789n,
      modifiedNs: 1_500_000_000_987_654_321n,
    })
    expect(statSync(join(on.root, 'f')).mtimeMs).toBeCloseTo(1_500_000_000_987.654, 2)
    handle.setTimes('keep', 'now')
    expect(on.folder.statAt('f', false)).toMatchObject({
      accessedNs: 1_600_000_000_123_456_789n,
      modifiedNs: 1_700_000_000_000_000_000n,
    })
    utimesSync(join(on.root, 'f'), 5, 6)
    expect(handle.stat()).toMatchObject({ accessedNs: 5_000_000_000n, modifiedNs: 6_000_000_000n })
    expect(outcome(() => handle.setTimes(1n << 64n, 'keep'))).toBe('EOVERFLOW')
    handle.close()
  })

  it('has the times of a link set without those of what it names', () => {
    file('f').close()
    on.folder.makeLink('f', 'l')
    on.folder.setTimesAt('l', false, 1_000_000_000n, 2_000_000_000n)
    expect(on.folder.statAt('l', false).modifiedNs).toBe(2_000_000_000n)
    expect(on.folder.statAt('f', false).modifiedNs).not.toBe(2_000_000_000n)
    on.folder.setTimesAt('l', true, 3_000_000_000n, 4_000_000_000n)
    expect(on.folder.statAt('f', false).modifiedNs).toBe(4_000_000_000n)
  })
})

describe('a folder', () => {
  it('gives each of more entries than a page once', () => {
    const names = Array.from({ length: fileLimits.pageEntries * 2 + 3 }, (_, index) => `f${index}`)
    for (const name of names) writeFileSync(join(on.root, name), '')
    const pages = on.folder.entries()
    const seen = names.map((_, position) => pages.at(position)?.name)
    expect([...seen].sort()).toEqual([...names].sort())
    expect(pages.at(names.length)).toBeUndefined()
    expect(pages.at(7)?.name).toBe(seen[7])
    pages.close()
  })

  it('shows from its start what has changed meanwhile', () => {
    const pages = on.folder.entries()
    expect(pages.at(0)).toBeUndefined()
    writeFileSync(join(on.root, 'new'), '')
    expect(pages.at(0)).toEqual({ name: 'new', type: 'regular-file' })
    pages.close()
  })

  it('says so of a name that is not UTF-8, and goes on', () => {
    writeFileSync(Buffer.concat([Buffer.from(`${on.root}/`), Buffer.from([0xff, 0x41])]), '')
    writeFileSync(join(on.root, 'a\ufffdb'), '')
    const pages = on.folder.entries()
    const all = [0, 1].map((position) => outcome(() => pages.at(position)))
    expect(all.sort()).toEqual(['EILSEQ', 'ok'])
    pages.close()
  })

  it('is listed on after its own handle was closed', () => {
    mkdirSync(join(on.root, 'sub/one'), { recursive: true })
    const sub = on.folder.open('sub', reading)
    const pages = sub.kind === 'folder' ? sub.entries() : null
    sub.close()
    expect(pages?.at(0)?.name).toBe('one')
    pages?.close()
    expect(on.tree.held).toBe(1)
  })
})

describe('a tree', () => {
  it('that may only be read refuses every change with EROFS', () => {
    writeFileSync(join(on.root, 'f'), 'x')
    mkdirSync(join(on.root, 'd'))
    const tree = createFileTree({ preopens: [{ hostPath: on.root, guestPath: '/', access: 'read' }] })
    const folder = tree.openPreopens()[0]!.folder
    const changes: (() => unknown)[] = [
      () => folder.open('f', writing),
      () => folder.open('new', creating),
      () => folder.open('f', { ...reading, truncate: true }),
      () => folder.makeFolder('new'),
      () => folder.removeFolder('d'),
      () => folder.unlink('f'),
      () => folder.rename('f', folder, 'g'),
      () => folder.link('f', false, folder, 'g'),
      () => folder.makeLink('f', 'g'),
      () => folder.setTimesAt('f', true, 'now', 'now'),
      () => folder.rename('f', on.folder, 'g'),
      () => on.folder.rename('f', folder, 'g'),
      () => folder.link('f', false, on.folder, 'g'),
    ]
    expect(changes.map(outcome)).toEqual(changes.map(() => 'EROFS'))
    const handle = folder.open('f', reading)
    expect(outcome(() => handle.setTimes('now', 'now'))).toBe('EROFS')
    expect(handle.kind === 'file' && handle.read(new Uint8Array(4), 0n)).toBe(1)
    handle.close()
    folder.close()
    expect(readFileSync(join(on.root, 'f'), 'utf8')).toBe('x')
  })

  it('opens no more descriptors than its limit, and again after some were closed', () => {
    writeFileSync(join(on.root, 'f'), '')
    const open = Array.from({ length: fileLimits.descriptors - 1 }, () => on.folder.open('f', reading))
    expect(outcome(() => on.folder.open('f', reading))).toBe('EMFILE')
    expect(outcome(() => on.folder.entries())).toBe('EMFILE')
    open.pop()?.close()
    on.folder.entries().close()
    for (const handle of open) handle.close()
    expect(on.tree.held).toBe(1)
  })

  it('names the folder and the reason where a preopen cannot be opened', () => {
    const tree = createFileTree({
      preopens: [
        { hostPath: on.root, guestPath: '/', access: 'read' },
        { hostPath: join(on.root, 'missing'), guestPath: '/x', access: 'read' },
      ],
    })
    expect(() => tree.openPreopens()).toThrow(
      /missing, given to the guest as \/x, cannot be opened \(ENOENT\)/,
    )
    expect(tree.held).toBe(0)
  })
})
