import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { openFolder, silentLog, systemClock, systemRandom } from '../../../core/index.ts'
import { openMessaging } from '../../../host/messages/index.ts'
import { diskQueues } from '../../../host/queue/index.ts'
import { usualSettings } from './post.ts'

let path: string

beforeEach(async () => {
  path = await mkdtemp(join(tmpdir(), 'selvedge-journal-'))
})

afterEach(() => rm(path, { recursive: true, force: true }))

it('a journal that is no database keeps nobody from starting, acknowledges nothing, and is left as it is', async () => {
  const folder = await openFolder(path)
  const first = diskQueues(folder, systemClock)
  const limits = { bytes: 1e6, items: 10, itemBytes: 1_000, deadItems: 0, whenFull: 'refuse' } as const
  await (await first.open('messages-in', limits)).put([{ key: null, body: Uint8Array.of(1) }])
  await first.close()
  const file = join(path, 'messages-in.sqlite')
  const garbage = new Uint8Array(await readFile(file)).fill(0x5a)
  await writeFile(file, garbage)

  const queues = diskQueues(folder, systemClock)
  const messaging = await openMessaging({
    self: 'a',
    queues,
    folder,
    settings: usualSettings,
    directory: {
      scopeOf: () => 'mesh',
      receiversOf: () => [],
      onChange: () => () => {},
    } as never,
    carrier: {
      isConnected: () => false,
      onConnected: () => () => {},
      deliver: () => Promise.reject(new Error('nobody is there')),
    },
    clock: systemClock,
    random: systemRandom,
    log: silentLog,
    topicsChanged() {},
  })
  await messaging.start()
  expect(messaging.figures().journals.in.problem).toMatch(/messages-in/)
  expect(messaging.figures().journals.out.problem).toBeUndefined()
  await messaging.stop()
  await queues.close()
  expect(Buffer.compare(await readFile(file), Buffer.from(garbage))).toBe(0)
})
