import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { acquireDataLock, ControlServer, type DataLock, type HeardMessage } from '../../../host/api/index.ts'
import { silentLog, systemClock } from '../../../core/index.ts'
import { messageProblems } from '../../../host/messages/index.ts'
import { FakeNode } from '../api/fake-node.ts'
import { run, type RunOptions } from './fake-world.ts'

let data: string
let node: FakeNode
let lock: DataLock
let server: ControlServer

beforeEach(async () => {
  data = await mkdtemp(join(tmpdir(), 'selvedge-topics-'))
  node = new FakeNode()
  lock = await acquireDataLock(data)
  server = new ControlServer({ node, lock, clock: systemClock, log: silentLog })
  await server.start()
})

afterEach(async () => {
  await server.stop()
  await lock.release()
  await rm(data, { recursive: true, force: true })
})

const here = (line: string, options: RunOptions = {}): ReturnType<typeof run> =>
  run(line, { data, ...options })

it('`topics` says what waits for whom, since when, and which releases disagree', async () => {
  const { code, stdout } = await here('topics')
  expect(code).toBe(0)
  await expect(stdout).toMatchFileSnapshot('goldens/topics.txt')
  const document = JSON.parse((await here('topics --json')).stdout) as object
  await expect(`${JSON.stringify(document, null, 2)}\n`).toMatchFileSnapshot('goldens/topics.json.txt')
})

it('`topics` of a node without any says how there come to be some', async () => {
  node.messageReport = { ...node.messageReport, topics: [], waiting: [] }
  expect((await here('topics')).stdout).toMatch(/nobody publishes or hears a topic here/)
})

it('`send` sends a body with key and type, and says whom it goes to', async () => {
  const { code, stdout } = await here('send shop/door open --key door-1 --type text/plain')
  expect({ code, stdout }).toEqual({ code: 0, stdout: 'a1 on its way to 1 subscription here and lobby-2\n' })
  expect(node.messages).toEqual([
    {
      topic: 'shop/door',
      body: new Uint8Array(Buffer.from('open')),
      key: 'door-1',
      contentType: 'text/plain',
    },
  ])
  expect(JSON.parse((await here('send shop/door open --json')).stdout)).toMatchObject({
    schema: 'selvedge.sent/1',
    id: 'a1',
    nodes: ['lobby-2'],
  })
})

it('`send` of what the node refuses is an error with what to do', async () => {
  node.failure = messageProblems.error('ERR_MESSAGES_FULL', 'the journal of messages for other nodes is full')
  const { code, stderr } = await here('send shop/door open')
  expect(code).toBe(1)
  expect(stderr).toMatch(/error\[ERR_MESSAGES_FULL\].*\nhint: .*selvedge topics/)
})

it('`listen` shows messages as they come: text as text, and of the rest its size', async () => {
  const heard: HeardMessage = {
    id: '1',
    topic: 'shop/door',
    key: 'door-1',
    contentType: null,
    metadata: [],
    body: Buffer.from('open\u001b[2J').toString('base64'),
    bodyBytes: 8,
    from: 'lobby-2',
    timeMs: Date.UTC(2026, 0, 1, 12, 3, 7, 120),
  }
  const binary = Buffer.from([0xff, 0xfe]).toString('base64')
  node.heard = [
    heard,
    { ...heard, key: null, body: binary, bodyBytes: 2 },
    { ...heard, key: null, body: Buffer.from('abc').toString('base64'), bodyBytes: 200_000 },
  ]
  const ending = new AbortController()
  let told = ''
  const onAnswer = (text: string): void => {
    told += text
    if (told.split('\n').length > 3) ending.abort()
  }
  const { stdout } = await here('listen shop/door', { signal: ending.signal, onAnswer } as RunOptions)
  const lines = stdout.trimEnd().split('\n')
  expect(lines).toHaveLength(3)
  expect(lines[0]).toMatch(/^12:03:07\.120 lobby-2 shop\/door \[door-1\] open/)
  expect(lines[0]).not.toContain('\u001b')
  expect(lines[1]).toBe('12:03:07.120 lobby-2 shop/door (2 B that are no text)')
  expect(lines[2]).toBe('12:03:07.120 lobby-2 shop/door abc … (200.0 KB)')
})

it('`listen` takes a message whose metadata is as long as it may be, whatever its characters', async () => {
  const metadata = [['m', '\u0001'.repeat(8_191)]] as const
  const body = Buffer.alloc(24 * 1024).toString('base64')
  node.heard = [
    {
      id: '1',
      topic: 'shop/door',
      key: null,
      contentType: null,
      metadata,
      body,
      bodyBytes: 1,
      from: 'x',
      timeMs: 1,
    },
  ]
  const ending = new AbortController()
  const { code, stdout } = await here('listen shop/door', {
    signal: ending.signal,
    onAnswer: () => ending.abort(),
  })
  expect({ code, lines: stdout.split('\n').length }).toEqual({ code: 0, lines: 2 })
})
