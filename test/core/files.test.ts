import type fs from 'node:fs'
import { chmod, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { exists, memoryFolder, openFolder, type DurableFolder } from '../../core/index.ts'

/** What the disk answers instead of writing. */
const disk = vi.hoisted(() => ({ failure: null as string | null }))

vi.mock('node:fs', async (original) => {
  const real = await original<typeof fs>()
  return {
    ...real,
    write(...args: unknown[]) {
      const { failure } = disk
      const answer = args.at(-1) as (error: Error) => void
      if (failure === null) Reflect.apply(real.write, real, args)
      else setImmediate(() => answer(Object.assign(new Error(failure), { code: failure })))
    },
  }
})

beforeEach(() => {
  disk.failure = null
})

const text = (value: string): Uint8Array => new TextEncoder().encode(value)

async function diskPath(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'selvedge-files-'))
  onTestFinished(() => rm(path, { recursive: true, force: true }))
  return path
}

describe.each<[string, () => Promise<DurableFolder>]>([
  ['on the disk', async () => openFolder(join(await diskPath(), 'a/b'))],
  ['in memory', async () => memoryFolder()],
])('a durable folder %s', (_where, make) => {
  it('gives back what was written last, and null for what is not there', async () => {
    const folder = await make()
    expect(await folder.read('x', 10)).toBeNull()
    await folder.write('x', text('one'))
    await folder.write('x', text('two'))
    expect(await folder.read('x', 3)).toEqual(text('two'))
  })

  it('refuses to read more than asked for', async () => {
    const folder = await make()
    await folder.write('x', text('three'))
    await expect(folder.read('x', 4)).rejects.toMatchObject({ code: 'ERR_FILE_TOO_LARGE' })
  })

  it('lists files sorted, without folders; a removed file is gone, removing it again does nothing', async () => {
    const folder = await make()
    for (const name of ['b', 'a', 'c']) await folder.write(name, text(name))
    await folder.folder('d')
    await folder.remove('b')
    await folder.remove('b')
    expect(await folder.list()).toEqual(['a', 'c'])
  })

  it('opens the same folder inside it each time', async () => {
    const folder = await make()
    await (await folder.folder('in')).write('x', text('kept'))
    expect(await (await folder.folder('in')).read('x', 10)).toEqual(text('kept'))
    expect(await folder.read('x', 10)).toBeNull()
  })

  it('keeps bytes of its own', async () => {
    const folder = await make()
    const bytes = text('mine')
    await folder.write('x', bytes)
    bytes.fill(0)
    expect(await folder.read('x', 10)).toEqual(text('mine'))
  })
})

describe('the disk', () => {
  it('shows files to their owner only', async () => {
    const folder = await openFolder(join(await diskPath(), 'data'))
    await folder.write('key', text('secret'))
    expect((await stat(folder.path)).mode & 0o777).toBe(0o700)
    expect((await stat(join(folder.path, 'key'))).mode & 0o777).toBe(0o600)
  })

  it('is freed of what a crash left half-written', async () => {
    const path = await diskPath()
    await writeFile(join(path, '.tmp-0a1b2c'), 'half')
    await writeFile(join(path, 'whole'), 'whole')
    const folder = await openFolder(path)
    expect(await readdir(path)).toEqual(['whole'])
    expect(await folder.list()).toEqual(['whole'])
  })

  it.each([
    ['ENOSPC', 'ERR_DISK_FULL'],
    ['EDQUOT', 'ERR_DISK_FULL'],
    ['EACCES', 'ERR_DATA_NOT_WRITABLE'],
    ['EROFS', 'ERR_DATA_NOT_WRITABLE'],
  ])('keeps the old file and no temporary when a write ends with %s', async (failure, code) => {
    const folder = await openFolder(await diskPath())
    await folder.write('x', text('old'))
    disk.failure = failure
    await expect(folder.write('x', text('new'))).rejects.toMatchObject({
      code,
      message: expect.stringContaining('x'),
    })
    expect(await folder.read('x', 10)).toEqual(text('old'))
    expect(await readdir(folder.path)).toEqual(['x'])
  })

  it('passes on what it has no words for', async () => {
    const folder = await openFolder(await diskPath())
    disk.failure = 'EIO'
    await expect(folder.write('x', text('new'))).rejects.toMatchObject({ code: 'EIO' })
  })

  it('says that a folder cannot be made where a file is in the way', async () => {
    const path = await diskPath()
    await writeFile(join(path, 'file'), '')
    for (const way of ['file', 'file/deeper']) {
      await expect(openFolder(join(path, way))).rejects.toMatchObject({ code: 'ERR_DATA_NOT_WRITABLE' })
    }
  })

  it.skipIf(process.getuid?.() === 0)(
    'says that a folder is not ours to write (root may write anywhere)',
    async () => {
      const path = await diskPath()
      await chmod(path, 0o500)
      await expect(openFolder(join(path, 'data'))).rejects.toMatchObject({ code: 'ERR_DATA_NOT_WRITABLE' })
    },
  )

  it.skipIf(process.platform !== 'linux')('gives up on a file system that makes no folders', async () => {
    await expect(openFolder('/proc/selvedge/data')).rejects.toMatchObject({ code: 'ERR_DATA_NOT_WRITABLE' })
  })

  it('makes the folders above it, and fails on a file in its way', async () => {
    const path = await diskPath()
    await (await openFolder(join(path, 'a', 'b', 'c'))).write('x', text('x'))
    await expect(openFolder(join(path, 'a', 'b', 'c', 'x', 'y'))).rejects.toMatchObject({
      code: 'ERR_DATA_NOT_WRITABLE',
    })
  })

  it('tells whether something exists', async () => {
    const path = await diskPath()
    expect(await exists(path)).toBe(true)
    expect(await exists(join(path, 'no'))).toBe(false)
  })
})
