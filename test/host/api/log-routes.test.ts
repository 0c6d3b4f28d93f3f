/** Logs of several nodes over the control API. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { silentLog, systemClock } from '../../../core/index.ts'
import {
  acquireDataLock,
  apiLimits,
  connect,
  ControlServer,
  type ControlClient,
  type DataLock,
  type LogIntent,
} from '../../../host/api/index.ts'
import { FakeNode } from './fake-node.ts'

let folder: string
let lock: DataLock
let node: FakeNode
let server: ControlServer
let client: ControlClient

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'selvedge-logs-'))
  node = new FakeNode()
  lock = await acquireDataLock(folder)
  server = new ControlServer({ node, lock, clock: systemClock, log: silentLog })
  await server.start()
  client = connect({ data: folder })
})

afterEach(async () => {
  await server.stop()
  await lock.release()
  await rm(folder, { recursive: true, force: true })
})

const never = new AbortController().signal

it('what is asked for arrives as it was asked, and lines and notices come as the node gave them', async () => {
  const intent: LogIntent = {
    app: 'light-alarm',
    node: 'n1',
    tail: 7,
    sinceMs: 60_000,
    level: 'warn',
    text: 'a b&c',
    follow: false,
  }
  node.logs.add('light-alarm', 'lit')
  node.logNotices = [{ node: 'n2', name: 'garage-1', notice: 'away', at: 5, why: 'silent' }]
  const events = []
  for await (const event of client.appLogs(intent, never)) events.push(event)
  expect(node.logIntents).toEqual([intent])
  expect(events).toMatchObject([
    { name: 'garage-1', notice: 'away', why: 'silent' },
    { name: 'lobby-1', message: 'lit' },
  ])
})

it('following goes on until the client leaves', async () => {
  const ending = new AbortController()
  node.logs.add('light-alarm', 'lit')
  const seen: unknown[] = []
  for await (const event of client.appLogs({ app: 'light-alarm', follow: true }, ending.signal)) {
    seen.push(event)
    ending.abort()
  }
  expect(seen).toHaveLength(1)
})

it.each([
  [{ app: '' }, 'app is missing'],
  [{ app: 'x'.repeat(200) }, 'app has 200 characters'],
  [{ tail: apiLimits.logLines + 1 }, 'tail is over'],
  [{ sinceMs: apiLimits.logSinceMs + 1 }, 'since is longer'],
  [{ text: 'x'.repeat(apiLimits.logTextChars + 1) }, 'text is longer'],
  [{ level: 'loud' as 'warn' }, 'level is none of debug, info, warn, error'],
] satisfies [Partial<LogIntent>, string][])('%j is refused', async (changes, message) => {
  const stream = client.appLogs({ app: 'a', follow: false, ...changes }, never)
  await expect(stream.next()).rejects.toMatchObject({
    code: 'ERR_API_REQUEST',
    message: expect.stringContaining(message),
  })
  expect(node.logIntents).toEqual([])
})
