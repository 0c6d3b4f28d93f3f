/** Log files on a real disk. */
import { chmod, mkdir, mkdtemp, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { logFolder } from '../../../host/logs/index.ts'

async function temporary(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'selvedge-logs-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  return folder
}

it('grow, are found again by app and name, and go', async () => {
  const folder = await temporary()
  const disk = logFolder(folder)
  expect(await disk.list()).toEqual(new Map())
  await disk.append('pump', '2.log', Buffer.from('one\n'))
  await disk.append('pump', '2.log', Buffer.from('two\n'))
  await disk.append('pump', '1.log', Buffer.from('zero\n'))
  expect([await disk.size('pump', '2.log'), await disk.size('pump', '3.log')]).toEqual([8, 0])
  expect(await disk.list()).toEqual(
    new Map([
      [
        'pump',
        [
          { name: '1.log', bytes: 5 },
          { name: '2.log', bytes: 8 },
        ],
      ],
    ]),
  )
  expect(Buffer.from((await disk.read('pump', '2.log', 100)) ?? []).toString()).toBe('one\ntwo\n')
  expect(await disk.read('pump', '2.log', 3)).toHaveLength(3)
  expect((await stat(join(folder, 'pump', '2.log'))).mode & 0o777).toBe(0o600)
  await disk.remove('pump', '2.log')
  await disk.remove('pump', '2.log')
  expect(await disk.read('pump', '2.log', 100)).toBeNull()
})

it('of others, and what is no file, keep nobody from the rest', async () => {
  const folder = await temporary()
  const disk = logFolder(folder)
  await disk.append('mine', '1.log', Buffer.from('x\n'))
  await writeFile(join(folder, 'notes.txt'), 'not ours')
  await mkdir(join(folder, 'mine', 'folder'))
  await mkdir(join(folder, 'theirs'))
  await chmod(join(folder, 'theirs'), 0)
  const found = await disk.list()
  await chmod(join(folder, 'theirs'), 0o700)
  expect(found).toEqual(
    new Map([
      ['mine', [{ name: '1.log', bytes: 2 }]],
      ['theirs', []],
    ]),
  )
})
