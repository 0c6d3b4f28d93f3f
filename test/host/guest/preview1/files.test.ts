/** Descriptors, rights, paths and directories, call by call over real files. */
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createFileTree } from '../../../../host/guest/filesystem/index.ts'
import { ground, type Ground } from '../filesystem/kit.ts'
import { errno, Guest } from './kit.ts'

const right = {
  read: 1n << 1n,
  seek: 1n << 2n,
  tell: 1n << 5n,
  write: 1n << 6n,
  readdir: 1n << 14n,
  pathOpen: 1n << 13n,
  filestatGet: 1n << 21n,
  setSize: 1n << 22n,
}
const all = (1n << 30n) - 1n
const preopen = 3

let on: Ground
let guest: Guest
beforeEach(() => {
  on = ground()
  guest = new Guest({ files: on.tree })
})
afterEach(() => {
  guest.preview1.close()
  on.remove()
  expect(on.tree.held).toBe(0)
})

interface Opening {
  readonly in?: number
  readonly lookup?: number
  readonly oflags?: number
  readonly rights?: bigint
  readonly inheriting?: bigint
  readonly flags?: number
}
const usual = right.read | right.write | right.seek | right.tell | right.filestatGet | right.setSize

function tryOpen(
  path: string | Uint8Array,
  opening: Opening = {},
): { readonly result: unknown; readonly fd: number } {
  const { in: fd = preopen, lookup = 1, oflags = 0, rights = usual, inheriting = 0n, flags = 0 } = opening
  const out = guest.room(4)
  const result = guest.call(
    'path_open',
    fd,
    lookup,
    ...guest.text(path),
    oflags,
    rights,
    inheriting,
    flags,
    out,
  )
  return { result, fd: guest.u32(out) }
}
function open(path: string, opening: Opening = {}): number {
  const { result, fd } = tryOpen(path, opening)
  expect(result).toBe(errno.success)
  return fd
}
function write(fd: number, ...texts: string[]): unknown {
  return guest.call('fd_write', fd, ...guest.pieces(...texts.map((text) => guest.text(text))), guest.room(4))
}
function readAll(fd: number, offset?: bigint): string {
  const [buffer, done] = [guest.room(64), guest.room(4)]
  const pieces = guest.pieces([buffer, 3], [buffer + 3, 61])
  const result =
    offset === undefined
      ? guest.call('fd_read', fd, ...pieces, done)
      : guest.call('fd_pread', fd, ...pieces, offset, done)
  expect(result).toBe(errno.success)
  return guest.read(buffer, guest.u32(done))
}

describe('files', () => {
  it('are written, sought in and read', () => {
    const fd = open('f', { oflags: 1 })
    expect(fd).toBe(4)
    expect(write(fd, 'hello ', 'world')).toBe(errno.success)
    const at = guest.room(8)
    expect(guest.call('fd_seek', fd, -5n, 1, at)).toBe(errno.success)
    expect(guest.u64(at)).toBe(6n)
    expect(readAll(fd)).toBe('world')
    expect(readAll(fd, 2n)).toBe('llo world')
    expect(guest.call('fd_tell', fd, at)).toBe(errno.success)
    expect(guest.u64(at)).toBe(11n)
    expect(guest.call('fd_seek', fd, -12n, 2, at)).toBe(errno.inval)
    expect(guest.call('fd_seek', fd, 0n, 3, at)).toBe(errno.inval)
    expect(guest.call('fd_seek', fd, 1n << 62n, 0, at)).toBe(errno.success)
    expect(readFileSync(join(on.root, 'f'), 'utf8')).toBe('hello world')
  })

  it('are appended to while the flag is set', () => {
    const fd = open('f', { oflags: 1, rights: usual | (1n << 3n), flags: 1 })
    write(fd, 'ab')
    guest.call('fd_seek', fd, 0n, 0, guest.room(8))
    write(fd, 'cd')
    expect(readFileSync(join(on.root, 'f'), 'utf8')).toBe('abcd')
    expect(guest.call('fd_fdstat_set_flags', fd, 0)).toBe(errno.success)
    guest.call('fd_seek', fd, 0n, 0, guest.room(8))
    write(fd, 'x')
    expect(readFileSync(join(on.root, 'f'), 'utf8')).toBe('xbcd')
    expect(guest.call('fd_fdstat_set_flags', fd, 16)).toBe(errno.notsup)
    expect(guest.call('fd_fdstat_set_flags', fd, 32)).toBe(errno.inval)
  })

  it('get the size, the length and the times they are given', () => {
    const fd = open('f', { oflags: 1, rights: all & ~right.readdir })
    expect(guest.call('fd_filestat_set_size', fd, 10n)).toBe(errno.success)
    expect(guest.call('fd_allocate', fd, 5n, 20n)).toBe(errno.success)
    expect(guest.call('fd_allocate', fd, 0n, 0n)).toBe(errno.inval)
    expect(guest.call('fd_filestat_set_times', fd, 1_000_000_001n, 2_000_000_002n, 5)).toBe(errno.success)
    expect(guest.call('fd_filestat_set_times', fd, 0n, 0n, 3)).toBe(errno.inval)
    expect(guest.call('fd_advise', fd, 0n, 0n, 1)).toBe(errno.success)
    expect(guest.call('fd_advise', fd, 0n, 0n, 6)).toBe(errno.inval)
    expect([guest.call('fd_sync', fd), guest.call('fd_datasync', fd)]).toEqual([0, 0])
    const stat = guest.room(64)
    expect(guest.call('fd_filestat_get', fd, stat)).toBe(errno.success)
    expect(guest.view.getUint8(stat + 16)).toBe(4)
    expect([guest.u64(stat + 32), guest.u64(stat + 40), guest.u64(stat + 48)]).toEqual([
      25n,
      1_000_000_001n,
      2_000_000_002n,
    ])
  })
})

describe('rights', () => {
  it('to read and to write are those that were asked for', () => {
    writeFileSync(join(on.root, 'f'), 'x')
    const forReading = open('f', { rights: right.read })
    expect(write(forReading, 'y')).toBe(errno.badf)
    expect(guest.call('fd_filestat_set_size', forReading, 9n)).toBe(errno.inval)
    expect(readAll(forReading)).toBe('x')
    const forWriting = open('f', { rights: right.write })
    const read = guest.call('fd_read', forWriting, ...guest.pieces(guest.text('xx')), guest.room(4))
    expect(read).toBe(errno.badf)
  })

  // wasi-libc asks for all, wasmtime's own programs for none.
  it('are otherwise all that the folder hands on, also where none was asked for', () => {
    mkdirSync(join(on.root, 'd'))
    const folder = open('d', { oflags: 2, rights: 0n, inheriting: 0n })
    const fd = open('x', { in: folder, oflags: 1, rights: right.write })
    expect(write(fd, 'y')).toBe(errno.success)
    expect(guest.call('fd_seek', fd, 0n, 0, guest.room(8))).toBe(errno.success)
    expect(guest.call('fd_filestat_get', fd, guest.room(64))).toBe(errno.success)
  })

  it('can be given up, and not be had again', () => {
    const fd = open('f', { oflags: 1, rights: right.read | right.write })
    expect(guest.call('fd_fdstat_set_rights', fd, right.write, 0n)).toBe(errno.success)
    expect(guest.call('fd_read', fd, ...guest.pieces(guest.text('xx')), guest.room(4))).toBe(errno.badf)
    expect(guest.call('fd_filestat_get', fd, guest.room(64))).toBe(errno.notcapable)
    expect(guest.call('fd_fdstat_set_rights', fd, right.write | right.read, 0n)).toBe(errno.notcapable)
    const stat = guest.room(24)
    expect(guest.call('fd_fdstat_get', fd, stat)).toBe(errno.success)
    expect(guest.u64(stat + 8)).toBe(right.write)
  })

  it('that a folder has given up are not had through it', () => {
    mkdirSync(join(on.root, 'd'))
    writeFileSync(join(on.root, 'd/f'), 'x')
    const folder = open('d', { oflags: 2, rights: right.pathOpen })
    expect(guest.call('fd_fdstat_set_rights', folder, right.pathOpen, right.read)).toBe(errno.success)
    expect(tryOpen('x', { in: folder, oflags: 1, rights: right.read }).result).toBe(errno.notcapable)
    expect(tryOpen('f', { in: folder, rights: right.read | right.write }).result).toBe(errno.notcapable)
    expect(tryOpen('f', { in: folder, rights: right.read }).result).toBe(errno.success)
  })

  it('that no folder has are missed as of a descriptor of another kind', () => {
    mkdirSync(join(on.root, 'd'))
    const folder = open('d', { oflags: 2, rights: right.pathOpen })
    expect(guest.call('fd_seek', folder, 0n, 1, guest.room(8))).toBe(errno.badf)
    expect(guest.call('fd_advise', folder, 0n, 0n, 0)).toBe(errno.badf)
    expect(guest.call('fd_allocate', folder, 0n, 1n)).toBe(errno.badf)
    expect(write(folder, 'x')).toBe(errno.badf)
  })
})

describe('descriptors', () => {
  it('get the lowest free number, and a closed one is closed', () => {
    const [a, b] = [open('a', { oflags: 1 }), open('b', { oflags: 1 })]
    expect(guest.call('fd_close', a)).toBe(errno.success)
    expect(guest.call('fd_close', a)).toBe(errno.badf)
    expect(open('c', { oflags: 1 })).toBe(a)
    expect(guest.call('fd_renumber', b, a)).toBe(errno.success)
    write(a, 'to b')
    expect(readFileSync(join(on.root, 'b'), 'utf8')).toBe('to b')
    expect(guest.call('fd_renumber', a, b)).toBe(errno.badf)
    expect(guest.call('fd_renumber', a, a)).toBe(errno.success)
  })

  it('are limited', () => {
    writeFileSync(join(on.root, 'f'), '')
    const path = guest.text('f')
    const out = guest.room(4)
    let result: unknown = errno.success
    let opened = 0
    while (result === errno.success) {
      result = guest.call('path_open', preopen, 0, ...path, 0, right.read, 0n, 0, out)
      opened += 1
    }
    expect(result).toBe(errno.mfile)
    expect(opened).toBe(1_024 - 4 + 1)
  })

  it('tell the name of a preopen, and of nothing else', () => {
    const stat = guest.room(8)
    expect(guest.call('fd_prestat_get', preopen, stat)).toBe(errno.success)
    const length = guest.u32(stat + 4)
    const name = guest.room(length)
    expect(guest.call('fd_prestat_dir_name', preopen, name, length)).toBe(errno.success)
    expect(guest.read(name, length)).toBe('/data')
    expect(guest.call('fd_prestat_dir_name', preopen, name, length - 1)).toBe(errno.nametoolong)
    expect(guest.call('fd_prestat_get', 1, stat)).toBe(errno.badf)
    expect(guest.call('fd_prestat_get', preopen + 1, stat)).toBe(errno.badf)
  })
})

describe('paths', () => {
  it('never lead out', () => {
    symlinkSync('../outside', join(on.root, 'up'))
    for (const path of ['../outside/secret', '/etc/passwd', 'up/secret']) {
      expect([path, tryOpen(path).result]).toEqual([path, errno.perm])
    }
    expect(guest.call('path_symlink', ...guest.text('/etc'), preopen, ...guest.text('l'))).toBe(errno.perm)
  })

  it('are UTF-8 without NUL, of the flags that there are, in a folder', () => {
    expect(tryOpen(new Uint8Array([0xff, 0x41])).result).toBe(errno.ilseq)
    expect(tryOpen('a\0').result).toBe(errno.inval)
    expect(tryOpen('f', { lookup: 2 }).result).toBe(errno.inval)
    expect(tryOpen('f', { oflags: 16 }).result).toBe(errno.inval)
    expect(tryOpen('f', { flags: 32 }).result).toBe(errno.inval)
    const fd = open('f', { oflags: 1 })
    expect(tryOpen('g', { in: fd }).result).toBe(errno.notdir)
    expect(tryOpen('f', { oflags: 5 }).result).toBe(errno.exist)
    expect(guest.call('path_open', preopen, 0, 65_530, 100, 0, 0n, 0n, 0, guest.room(4))).toBe(errno.fault)
  })

  it('make, move, link, read and remove entries', () => {
    const at = (path: string): [number, number, number] => [preopen, ...guest.text(path)]
    expect(guest.call('path_create_directory', ...at('d'))).toBe(errno.success)
    guest.call('fd_close', open('d/f', { oflags: 1 }))
    expect(guest.call('path_rename', ...at('d/f'), ...at('d/g'))).toBe(errno.success)
    expect(guest.call('path_link', preopen, 0, ...guest.text('d/g'), ...at('hard'))).toBe(errno.success)
    expect(guest.call('path_symlink', ...guest.text('d/g'), ...at('soft'))).toBe(errno.success)
    const [target, used, stat] = [guest.room(8), guest.room(4), guest.room(64)]
    expect(guest.call('path_readlink', ...at('soft'), target, 2, used)).toBe(errno.success)
    expect(guest.read(target, guest.u32(used))).toBe('d/')
    expect(guest.call('path_filestat_get', preopen, 1, ...guest.text('soft'), stat)).toBe(errno.success)
    expect([guest.view.getUint8(stat + 16), guest.u64(stat + 24)]).toEqual([4, 2n])
    expect(guest.call('path_filestat_get', preopen, 0, ...guest.text('soft'), stat)).toBe(errno.success)
    expect(guest.view.getUint8(stat + 16)).toBe(7)
    expect(
      guest.call('path_filestat_set_times', preopen, 1, ...guest.text('soft'), 7n, 8_000_000_001n, 4),
    ).toBe(errno.success)
    expect(guest.call('path_unlink_file', ...at('d'))).toBe(errno.isdir)
    expect(guest.call('path_remove_directory', ...at('hard'))).toBe(errno.notdir)
    for (const path of ['d/g', 'soft', 'hard'])
      expect(guest.call('path_unlink_file', ...at(path))).toBe(errno.success)
    expect(guest.call('path_remove_directory', ...at('d'))).toBe(errno.success)
  })

  it('of a folder that may only be read change nothing', () => {
    writeFileSync(join(on.root, 'f'), 'x')
    const files = createFileTree({ preopens: [{ hostPath: on.root, guestPath: '/', access: 'read' }] })
    const reader = new Guest({ files })
    const out = reader.room(4)
    const path = reader.text('f')
    expect(reader.call('path_open', preopen, 0, ...path, 0, right.write, 0n, 0, out)).toBe(errno.rofs)
    expect(reader.call('path_unlink_file', preopen, ...path)).toBe(errno.rofs)
    expect(reader.call('path_open', preopen, 0, ...path, 0, right.read, 0n, 0, out)).toBe(errno.success)
    reader.preview1.close()
    expect(files.held).toBe(0)
  })
})

describe('fd_readdir', () => {
  function list(length: number): string[] {
    const [buffer, used] = [guest.room(length), guest.room(4)]
    const names: string[] = []
    for (let cookie = 0n; ;) {
      expect(guest.call('fd_readdir', preopen, buffer, length, cookie, used)).toBe(errno.success)
      const bytes = guest.u32(used)
      let seen = 0
      for (let at = 0; at + 24 <= bytes;) {
        const size = guest.u32(buffer + at + 16)
        if (at + 24 + size > bytes) break
        names.push(guest.read(buffer + at + 24, size))
        cookie = guest.u64(buffer + at)
        at += 24 + size
        seen += 1
      }
      if (bytes < length) return names
      expect(seen).toBeGreaterThan(0)
    }
  }

  it('gives every entry once, whatever the buffer cuts off', () => {
    const names = Array.from({ length: 300 }, (_, index) => `entry-${index}`)
    for (const name of names) writeFileSync(join(on.root, name), '')
    for (const length of [40, 256, 5_000]) expect(list(length).sort()).toEqual(['.', '..', ...names].sort())
  })

  it('goes on where it was while the entries it has given are removed', () => {
    for (let index = 0; index < 300; index += 1) writeFileSync(join(on.root, `e${index}`), '')
    const [buffer, used] = [guest.room(2_000), guest.room(4)]
    let removed = 0
    for (let cookie = 0n; ;) {
      expect(guest.call('fd_readdir', preopen, buffer, 2_000, cookie, used)).toBe(errno.success)
      for (let at = 0; at + 24 <= guest.u32(used);) {
        const size = guest.u32(buffer + at + 16)
        if (at + 24 + size > guest.u32(used)) break
        const name = guest.read(buffer + at + 24, size)
        if (!name.startsWith('.')) {
          expect(guest.call('path_unlink_file', preopen, ...guest.text(name))).toBe(errno.success)
          removed += 1
        }
        cookie = guest.u64(buffer + at)
        at += 24 + size
      }
      if (guest.u32(used) < 2_000) break
    }
    expect(removed).toBe(300)
  })
})
