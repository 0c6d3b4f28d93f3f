import { execFileSync, spawn } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { acquireDataLock } from '../../../host/api/index.ts'

let folder: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'selvedge-lock-'))
})

afterEach(() => rm(folder, { recursive: true, force: true }))

const lockFile = (number = 1): string => join(folder, `daemon.lock.${number}`)
const inUse = { code: 'ERR_DATA_IN_USE' }

it('a live daemon’s folder is refused, naming its pid and how to talk to it', async () => {
  const lock = await acquireDataLock(folder)
  await expect(acquireDataLock(folder)).rejects.toMatchObject({
    ...inUse,
    message: expect.stringContaining(`pid ${process.pid}`) as string,
    hint: expect.stringContaining(`selvedge status --data ${folder}`) as string,
  })
  await lock.release()
})

it('a released folder can be taken again, and nothing piles up', async () => {
  const first = await acquireDataLock(folder)
  await first.release()
  await first.release()
  const second = await acquireDataLock(folder)
  expect(await readdir(folder)).toEqual(['daemon.lock.2', 'life.sock'])
  await second.release()
  expect(await readdir(folder)).toEqual(['daemon.lock.2'])
})

it('the lock of a daemon that was killed is taken over', async () => {
  const script = `
    import { acquireDataLock } from ${JSON.stringify(new URL('../../../host/api/data-lock.ts', import.meta.url).href)}
    await acquireDataLock(${JSON.stringify(folder)})
    console.log('held')
    setInterval(() => {}, 1000)`
  const { build } = await import('esbuild')
  const built = await build({
    stdin: { contents: script.replace('file://', ''), resolveDir: folder, loader: 'ts' },
    bundle: true,
    platform: 'node',
    format: 'esm',
    write: false,
  })
  const child = spawn(process.execPath, ['--input-type=module', '-e', built.outputFiles[0]?.text ?? ''], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  await new Promise((resolve) => child.stdout.once('data', resolve))
  await expect(acquireDataLock(folder)).rejects.toMatchObject(inUse)
  const ended = new Promise((resolve) => child.once('exit', resolve))
  child.kill('SIGKILL')
  await ended
  const lock = await acquireDataLock(folder)
  expect(JSON.parse(await readFile(lockFile(2), 'utf8'))).toMatchObject({ pid: process.pid })
  await lock.release()
})

it.skipIf(process.platform !== 'linux')(
  'a daemon that ended holds nothing, though its parent has not asked how (skipped where there is no /proc)',
  async () => {
    // A shell that has become a program which never asks for the end of its child.
    const parent = spawn('sh', ['-c', 'sleep 60 & echo $!; exec sleep 60'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    try {
      const pid = Number(await new Promise((resolve) => parent.stdout.once('data', resolve)))
      const statOf = async (): Promise<string[]> => {
        const text = await readFile(`/proc/${pid}/stat`, 'utf8')
        return text.slice(text.lastIndexOf(')') + 2).split(' ')
      }
      const isShell = async (): Promise<boolean> =>
        (await readFile(`/proc/${parent.pid}/comm`, 'utf8')).trim() !== 'sleep'
      while (await isShell()) await new Promise((resolve) => setTimeout(resolve, 5))
      process.kill(pid, 'SIGKILL')
      while ((await statOf())[0] !== 'Z') await new Promise((resolve) => setTimeout(resolve, 5))
      const boot = (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim()
      await writeFile(lockFile(), JSON.stringify({ pid, started: (await statOf())[19], boot }))
      const lock = await acquireDataLock(folder)
      await lock.release()
    } finally {
      parent.kill('SIGKILL')
    }
  },
)

it('a pid that another process has got since holds nothing', async () => {
  const lock = await acquireDataLock(folder)
  const holder = JSON.parse(await readFile(lockFile(), 'utf8')) as { pid: number; started: string }
  await writeFile(lockFile(), JSON.stringify({ ...holder, started: '1' }))
  const second = await acquireDataLock(folder)
  await expect(acquireDataLock(folder)).rejects.toMatchObject(inUse)
  // The first has lost the folder: its release must not take it from the second.
  await lock.release()
  await expect(acquireDataLock(folder)).rejects.toMatchObject(inUse)
  await second.release()
})

it.skipIf(process.platform !== 'linux')(
  'a daemon of another container holds its folder while it lives, whatever its pid means here (skipped where there is no /proc)',
  async () => {
    const lock = await acquireDataLock(folder)
    const holder = JSON.parse(await readFile(lockFile(), 'utf8')) as object
    const there = { ...holder, pid: 1, started: '1', space: 'pid:[1]' }
    await writeFile(lockFile(), JSON.stringify(there))
    await expect(acquireDataLock(folder)).rejects.toMatchObject({
      ...inUse,
      message: expect.stringContaining('another container') as string,
    })
    await lock.release()
    await writeFile(lockFile(), JSON.stringify(there))
    await (await acquireDataLock(folder)).release()
  },
)

it.skipIf(process.getuid?.() !== 0)(
  'a full disk keeps nobody from a folder that was held before, and lets nobody in beside who holds it (skipped without root, who mounts it)',
  async () => {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', folder])
    try {
      const fill = join(folder, 'fill')
      await expect(writeFile(fill, Buffer.alloc(65_536 + 1))).rejects.toMatchObject({ code: 'ENOSPC' })
      await expect(acquireDataLock(folder)).rejects.toMatchObject({ code: 'ERR_DISK_FULL' })
      await rm(fill)
      await (await acquireDataLock(folder)).release()
      await expect(writeFile(fill, Buffer.alloc(65_536 + 1))).rejects.toMatchObject({ code: 'ENOSPC' })
      const lock = await acquireDataLock(folder)
      await expect(acquireDataLock(folder)).rejects.toMatchObject(inUse)
      expect(JSON.parse(await readFile(lockFile(2), 'utf8'))).toMatchObject({ pid: process.pid })
      await lock.release()
      expect((await readdir(folder)).sort()).toEqual(['daemon.lock.2', 'fill'])
      await (await acquireDataLock(folder)).release()
    } finally {
      execFileSync('umount', [folder])
    }
  },
)

it('a lock from before the machine’s last boot holds nothing', async () => {
  const first = await acquireDataLock(folder)
  const holder = JSON.parse(await readFile(lockFile(), 'utf8')) as object
  await first.release()
  await writeFile(lockFile(), JSON.stringify({ ...holder, boot: 'another' }))
  await (await acquireDataLock(folder)).release()
})

it.each(['', '{', 'null', '{"pid":-1,"started":"","boot":""}', '{"pid":"x"}'])(
  'a lock file that says %j holds nothing',
  async (text) => {
    await writeFile(lockFile(), text)
    await (await acquireDataLock(folder)).release()
  },
)

it('of many that want a stale lock at once, one gets it', async () => {
  await writeFile(lockFile(), JSON.stringify({ pid: 2 ** 30, started: '1', boot: 'gone' }))
  const results = await Promise.allSettled(Array.from({ length: 8 }, () => acquireDataLock(folder)))
  const held = results.filter((result) => result.status === 'fulfilled')
  expect(held).toHaveLength(1)
  for (const result of results) if (result.status === 'rejected') expect(result.reason).toMatchObject(inUse)
})

it('a folder that is not there cannot be locked', async () => {
  await expect(acquireDataLock(join(folder, 'missing'))).rejects.toMatchObject({
    code: 'ERR_DATA_NOT_WRITABLE',
  })
})
