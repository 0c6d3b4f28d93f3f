import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, onTestFinished } from 'vitest'
import { openFolder } from '../../../core/index.ts'
import { diskQueues, memoryQueues, type Queues } from '../../../host/queue/index.ts'
import { QueueSqliteFiles } from '../../../host/queue/sqlite/files.ts'
import type { QueueThread } from '../../../host/queue/sqlite/thread.ts'
import { loadBuiltIn } from '../../../host/storage/sqlite/connection.ts'
import { durableQueueSuite, type OpenQueue } from '../../contract/durable-queue.ts'
import { FakeClock, settle } from '../fake-clock.ts'

const root = mkdtempSync(join(tmpdir(), 'selvedge-queue-'))
afterAll(() => rmSync(root, { recursive: true, force: true }))
let folders = 0

async function opened(
  queues: Queues,
  clock: FakeClock,
  limits: Parameters<Queues['open']>[1],
): Promise<OpenQueue> {
  const queue = await queues.open('events.app', limits)
  return {
    queue,
    clock,
    settle,
    async reopen() {
      await queue.close()
      return queues.open('events.app', limits)
    },
  }
}

durableQueueSuite('in memory', (limits) => {
  const clock = new FakeClock()
  return opened(memoryQueues(clock), clock, limits)
})

/** The files without their thread: one request at a time. */
function inline(kind: 'node:sqlite' | 'wasm'): QueueThread {
  const files = new QueueSqliteFiles(kind)
  let last: Promise<unknown> = Promise.resolve()
  const request = (path: string, method: 'open', ...args: unknown[]): Promise<unknown> =>
    (last = last.catch(() => {}).then(() => files.run(path, method, args)))
  return { request, close: async () => {} } as unknown as QueueThread
}

const kinds = (await loadBuiltIn()) === null ? (['wasm'] as const) : (['node:sqlite', 'wasm'] as const)
for (const kind of kinds) {
  durableQueueSuite(`SQLite (${kind})`, async (limits) => {
    const clock = new FakeClock()
    folders += 1
    const folder = await openFolder(join(root, String(folders)))
    return opened(diskQueues(folder, clock, inline(kind)), clock, limits)
  })
}

durableQueueSuite('on its thread', async (limits) => {
  const clock = new FakeClock()
  folders += 1
  const queues = diskQueues(await openFolder(join(root, String(folders))), clock)
  onTestFinished(() => queues.close())
  return opened(queues, clock, limits)
})
