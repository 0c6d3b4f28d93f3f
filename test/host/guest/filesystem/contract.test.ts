/**
 * wasi:filesystem 0.2 as its WIT says it, run against ours and against preview2-shim's for Node.js. Where the shim
 * does otherwise the case runs against ours alone, and says what the shim does.
 */
import * as shim from '@bytecodealliance/preview2-shim/filesystem'
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createFilesystem } from '../../../../host/guest/filesystem/index.ts'
import { createIo, dispose } from '../../../../host/guest/io/index.ts'
import type { HostLine } from '../../../../host/guest/line.ts'
import { ground, secret, type Ground } from './kit.ts'

type Args = readonly unknown[]
/** Methods of the WIT by their camelCase names; both implementations are called alike. */
type Resource = Readonly<Record<string, (...args: Args) => unknown>> & object

interface Subject {
  readonly name: string
  root(on: Ground): Resource
  held(): number
}

let held = 0
const line = { wait: () => {}, poll: () => {} } as unknown as HostLine
const hold = (): (() => void) => {
  held += 1
  return () => {
    held -= 1
  }
}
const ours: Subject = {
  name: 'ours',
  root({ tree }) {
    const imports = createFilesystem(tree, { io: createIo(line, hold), hold })
    const { getDirectories } = imports['wasi:filesystem/preopens'] as {
      getDirectories: () => [Resource, string][]
    }
    const [first] = getDirectories()
    expect(first![1]).toBe('/data')
    return first![0]
  },
  held: () => held,
}
interface ShimSetup {
  _clearPreopens(): void
  _addPreopen(guestPath: string, hostPath: string): void
  readonly preopens: { getDirectories(): [Resource, string][] }
}
const theirs: Subject = {
  name: 'preview2-shim',
  root({ root }) {
    const setup = shim as unknown as ShimSetup
    setup._clearPreopens() // oxlint-disable-line no-underscore-dangle -- the shim's own name
    setup._addPreopen('/data', root) // oxlint-disable-line no-underscore-dangle -- the shim's own name
    const folder = setup.preopens.getDirectories()[0]![0]
    // As it was: jco reads WIT through the same shim, in the other tests of this process.
    setup._clearPreopens() // oxlint-disable-line no-underscore-dangle -- the shim's own name
    setup._addPreopen('/', '/') // oxlint-disable-line no-underscore-dangle -- the shim's own name
    return folder
  },
  held: () => 0,
}

function code(run: () => unknown): unknown {
  try {
    run()
    return 'ok'
  } catch (error) {
    return typeof error === 'object' && error !== null && 'payload' in error ? error.payload : error
  }
}
const text = (bytes: unknown): string => new TextDecoder().decode(bytes as Uint8Array)
const bytes = (value: string): Uint8Array => new TextEncoder().encode(value)

describe.each([ours, theirs])('wasi:filesystem of $name', (subject) => {
  const only = it.skipIf(subject !== ours)
  let on: Ground
  let root: Resource
  const opened: Resource[] = []
  const open = (path: string, openFlags: object = {}, flags: object = { read: true }): Resource => {
    const resource = root['openAt']!({ symlinkFollow: true }, path, openFlags, flags) as Resource
    opened.push(resource)
    return resource
  }
  const entries = (folder: Resource): string[] => {
    const stream = folder['readDirectory']!() as Resource
    const names: string[] = []
    for (;;) {
      const entry = stream['readDirectoryEntry']!() as { readonly name: string } | undefined | null
      if (entry === undefined || entry === null) break
      names.push(entry.name)
    }
    drop(stream)
    return names.sort()
  }
  const drop = (resource: Resource): void => (resource as unknown as Record<symbol, () => void>)[dispose]?.()

  beforeEach(() => {
    on = ground()
    root = subject.root(on)
  })
  afterEach(() => {
    for (const resource of opened.splice(0)) drop(resource)
    drop(root)
    on.remove()
    expect(subject.held()).toBe(0)
  })

  it('creates, writes, reads and says what a file is', () => {
    const file = open('f', { create: true }, { read: true, write: true })
    expect(file['write']!(bytes('hello'), 0n)).toBe(5n)
    const [read, isAtEnd] = file['read']!(3n, 1n) as [Uint8Array, boolean]
    expect([text(read), isAtEnd]).toEqual(['ell', false])
    expect((file['read']!(3n, 5n) as [Uint8Array, boolean])[1]).toBe(true)
    expect(file['getType']!()).toBe('regular-file')
    expect(file['getFlags']!()).toMatchObject({ read: true, write: true })
    expect(file['stat']!()).toMatchObject({ type: 'regular-file', size: 5n, linkCount: 1n })
    file['setSize']!(2n)
    file['syncData']!()
    file['sync']!()
    expect(readFileSync(join(on.root, 'f'), 'utf8')).toBe('he')
  })

  it('reads and writes by streams from an offset', () => {
    const file = open('f', { create: true }, { read: true, write: true })
    const writer = file['writeViaStream']!(2n) as Resource
    expect(writer['checkWrite']!()).toBeGreaterThan(0n)
    writer['write']!(bytes('abc'))
    writer['blockingFlush']!()
    writer['blockingWriteAndFlush']!(bytes('def'))
    drop(writer)
    const reader = file['readViaStream']!(4n) as Resource
    let all = ''
    const end = code(() => {
      for (;;) all += text(reader['blockingRead']!(10n))
    })
    expect([all, end]).toMatchObject(['cdef', { tag: 'closed' }])
    drop(reader)
  })

  it('appends by a stream', () => {
    writeFileSync(join(on.root, 'f'), 'one ')
    const file = open('f', {}, { write: true })
    const stream = file['appendViaStream']!() as Resource
    stream['blockingWriteAndFlush']!(bytes('two'))
    drop(stream)
    expect(readFileSync(join(on.root, 'f'), 'utf8')).toBe('one two')
  })

  it('makes, lists, moves and removes', () => {
    root['createDirectoryAt']!('d')
    open('d/f', { create: true }, { write: true })
    root['linkAt']!({}, 'd/f', root, 'hard')
    root['symlinkAt']!('d/f', 'soft')
    expect(entries(open('.'))).toEqual(['d', 'hard', 'soft'])
    expect(entries(open('d', { directory: true }))).toEqual(['f'])
    expect(root['readlinkAt']!('soft')).toBe('d/f')
    expect(root['statAt']!({}, 'soft')).toMatchObject({ type: 'symbolic-link' })
    expect(root['statAt']!({ symlinkFollow: true }, 'soft')).toMatchObject({ linkCount: 2n })
    root['renameAt']!('hard', root, 'moved')
    expect(code(() => root['removeDirectoryAt']!('d'))).toBe('not-empty')
    for (const path of ['d/f', 'soft', 'moved']) root['unlinkFileAt']!(path)
    root['removeDirectoryAt']!('d')
    expect(entries(open('.'))).toEqual([])
  })

  only('knows the same object by another name (to the shim only a descriptor is its own like)', () => {
    writeFileSync(join(on.root, 'f'), '')
    writeFileSync(join(on.root, 'g'), '')
    root['linkAt']!({}, 'f', root, 'h')
    const [f, g, h] = [open('f'), open('g'), open('h')]
    expect([f['isSameObject']!(h), f['isSameObject']!(g)]).toEqual([true, false])
  })

  it('knows an object by its hash', () => {
    writeFileSync(join(on.root, 'f'), '')
    writeFileSync(join(on.root, 'g'), '')
    root['linkAt']!({}, 'f', root, 'h')
    const [f, g, h] = [open('f'), open('g'), open('h')]
    expect(f['metadataHash']!()).toEqual(h['metadataHash']!())
    expect(f['metadataHash']!()).toEqual(root['metadataHashAt']!({}, 'h'))
    expect(f['metadataHash']!()).not.toEqual(g['metadataHash']!())
  })

  it('refuses with the code that the case has', () => {
    writeFileSync(join(on.root, 'f'), '')
    mkdirSync(join(on.root, 'd'))
    symlinkSync('self', join(on.root, 'self'))
    expect(code(() => open('missing'))).toBe('no-entry')
    expect(code(() => open('f', { create: true, exclusive: true }, { write: true }))).toBe('exist')
    expect(code(() => open('f', { directory: true }))).toBe('not-directory')
    expect(code(() => open('f/x'))).toBe('not-directory')
    expect(code(() => open('d', {}, { write: true }))).toBe('is-directory')
    expect(code(() => open('self'))).toBe('loop')
    expect(code(() => root['createDirectoryAt']!('d'))).toBe('exist')
    expect(code(() => root['unlinkFileAt']!('missing'))).toBe('no-entry')
    expect(code(() => root['removeDirectoryAt']!('f'))).toBe('not-directory')
    expect(code(() => root['readlinkAt']!('f'))).toBe('invalid')
    expect(code(() => root['openAt']!({}, 'self', {}, { read: true }))).toBe('loop')
  })

  it('refuses what begins above its folder', () => {
    expect(code(() => open('../outside/secret'))).toBe('not-permitted')
    expect(code(() => open('/etc/passwd'))).toBe('not-permitted')
    expect(code(() => root['statAt']!({}, '..'))).toBe('not-permitted')
  })

  only('follows no link out of its folder (the shim reads the file outside)', () => {
    symlinkSync('../outside', join(on.root, 'up'))
    symlinkSync(join(on.outside, 'secret'), join(on.root, 'absolute'))
    expect(code(() => open('up/secret'))).toBe('not-permitted')
    expect(code(() => open('absolute'))).toBe('not-permitted')
    expect(code(() => root['readlinkAt']!('absolute'))).toBe('not-permitted')
    expect(code(() => root['symlinkAt']!('/etc', 'l'))).toBe('not-permitted')
    expect(readFileSync(join(on.outside, 'secret'), 'utf8')).toBe(secret)
  })

  only('stats the folder it was given (the shim answers invalid)', () => {
    expect(root['stat']!()).toMatchObject({ type: 'directory' })
    expect(root['getType']!()).toBe('directory')
    expect(root['getFlags']!()).toEqual({ read: true, mutateDirectory: true })
    expect(root['isSameObject']!(open('.'))).toBe(true)
    root['sync']!()
  })

  only('says of a folder whether it was opened to change what is in it (the shim does not know)', () => {
    root['createDirectoryAt']!('d')
    const flags = (asked: object): unknown => open('d', { directory: true }, asked)['getFlags']!()
    expect(flags({ read: true })).toEqual({ read: true, mutateDirectory: false })
    expect(flags({ read: true, mutateDirectory: true })).toEqual({ read: true, mutateDirectory: true })
  })

  only('sets times to the nanosecond, one alone or to the present (the shim mixes units)', () => {
    const file = open('f', { create: true }, { write: true })
    const at = { seconds: 1_600_000_000n, nanoseconds: 123_456_789 }
    file['setTimes']!({ tag: 'timestamp', val: at }, { tag: 'timestamp', val: at })
    expect(file['stat']!()).toMatchObject({ dataAccessTimestamp: at, dataModificationTimestamp: at })
    root['setTimesAt']!({}, 'f', { tag: 'no-change' }, { tag: 'now' })
    const after = file['stat']!() as { dataAccessTimestamp: object; dataModificationTimestamp: typeof at }
    expect(after.dataAccessTimestamp).toEqual(at)
    expect(after.dataModificationTimestamp.seconds).toBeGreaterThan(1_700_000_000n)
    const wrong = { tag: 'timestamp', val: { seconds: 0n, nanoseconds: 1_000_000_000 } }
    expect(code(() => file['setTimes']!(wrong, { tag: 'no-change' }))).toBe('invalid')
  })

  only('does nothing with a file that it was not opened for (the shim hands out the stream)', () => {
    writeFileSync(join(on.root, 'f'), 'x')
    const reader = open('f')
    for (const name of ['writeViaStream', 'appendViaStream']) {
      expect(code(() => reader[name]!(0n))).toBe('bad-descriptor')
    }
    expect(code(() => reader['write']!(bytes('y'), 0n))).toBe('bad-descriptor')
    const writer = open('f', {}, { write: true })
    expect(code(() => writer['readViaStream']!(0n))).toBe('bad-descriptor')
    expect(code(() => writer['read']!(1n, 0n))).toBe('bad-descriptor')
    expect(code(() => writer['readDirectory']!())).toBe('not-directory')
    expect(code(() => writer['statAt']!({}, 'f'))).toBe('not-directory')
    expect(code(() => root['read']!(1n, 0n))).toBe('is-directory')
    expect(code(() => root['renameAt']!('f', writer, 'g'))).toBe('not-directory')
    expect(code(() => root['advise']!(0n, 0n, 'normal'))).toBe('bad-descriptor')
    expect(code(() => writer['advise']!(0n, 0n, 'will-need'))).toBe('ok')
  })

  it('keeps a file open for the stream that outlives its descriptor', () => {
    writeFileSync(join(on.root, 'f'), 'still here')
    const file = root['openAt']!({}, 'f', {}, { read: true }) as Resource
    const stream = file['readViaStream']!(0n) as Resource
    drop(file)
    expect(text(stream['blockingRead']!(20n))).toBe('still here')
    drop(stream)
  })
})

describe('filesystem-error-code', () => {
  it('gives the code of a stream that failed on a file, and none of any other', () => {
    const on = ground()
    const io = createIo(line, hold)
    const failures = new Map<object, unknown>([
      [{}, 'insufficient-space'],
      [{}, { tag: 'DNS-timeout' }],
      [{}, 'made-up'],
      [{}, undefined],
    ])
    const { filesystemErrorCode } = createFilesystem(on.tree, {
      io: { ...io, failureOf: (error) => failures.get(error as object) },
      hold,
    })['wasi:filesystem/types'] as unknown as { filesystemErrorCode: (error: object) => unknown }
    expect([...failures.keys()].map(filesystemErrorCode)).toEqual([
      'insufficient-space',
      undefined,
      undefined,
      undefined,
    ])
    on.remove()
  })
})
