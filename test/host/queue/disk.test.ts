import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { openFolder, systemClock } from '../../../core/index.ts'
import { diskQueues } from '../../../host/queue/index.ts'

const limits = { bytes: 1e6, items: 10, itemBytes: 1_000, deadItems: 0, whenFull: 'refuse' } as const
let path: string

beforeEach(async () => {
  path = await mkdtemp(join(tmpdir(), 'selvedge-queues-'))
})

afterEach(() => rm(path, { recursive: true, force: true }))

it('a queue makes no file before something is put into it, and has all of it when it is opened again', async () => {
  const folder = await openFolder(path)
  const first = diskQueues(folder, systemClock)
  const queue = await first.open('events', limits)
  expect(await queue.take(5)).toEqual([])
  expect(await readdir(path)).toEqual([])
  await Promise.all([1, 2, 3].map((n) => queue.put([{ key: null, body: Uint8Array.of(n) }])))
  expect(await readdir(path)).toContain('events.sqlite')
  await first.close()

  const again = diskQueues(folder, systemClock)
  const taken = await (await again.open('events', limits)).take(5)
  expect(taken.map(({ body }) => [...body])).toEqual([[1], [2], [3]])
  await again.close()
})
