/** Messages between apps of several nodes, of the built program: through an app and back, and over the death of a node. */
import { readFile } from 'node:fs/promises'
import { join as joinPath } from 'node:path'
import { expect, it } from 'vitest'
import type { MessageReport } from '../../host/api/index.ts'
import { join, openStage, publishFolder, start, until, type Daemon } from './harness.ts'
import { postman } from './postman.ts'
import { mustType } from './typed.ts'

const topics = `
[topics."shop/door"]
scope = "mesh"

[topics."shop/echo"]
scope = "mesh"

[placement]
groups = ["lobby"]
`

/** What the app has logged of messages, on this node and in this life of it. */
async function got(daemon: Daemon): Promise<string[]> {
  const lines = await daemon.client.logs({ app: 'postman', tail: 1_000 })
  return lines.flatMap(({ message }) => /^got (\S+) of shop\/door as text\/plain$/.exec(message)?.[1] ?? [])
}

/** Names of the other nodes that a message of this one goes to. */
async function nodesOf(daemon: Daemon, of: string): Promise<readonly string[]> {
  return (await daemon.client.topics()).topics.find(({ topic }) => topic === of)?.nodes ?? []
}

const waitingFor = (report: MessageReport, name: string): number =>
  report.waiting.find((one) => one.for === name)?.waiting ?? 0

it('messages reach an app on every node that runs it, also on one that was killed while they were published', async () => {
  const stage = await openStage()
  const config = ''
  const lobby1 = await start(stage, { name: 'lobby-1', config })
  const [lobby2, garage, folder] = await Promise.all([
    join(stage, lobby1, { name: 'lobby-2', config }),
    join(stage, lobby1, { name: 'garage-1', group: 'garage', config }),
    postman(stage, lobby1.data, topics),
  ])
  // By hand first, on no node at all: what it would send is shown instead.
  const file = joinPath(folder, 'build/postman.wasm')
  const byHand = (...more: string[]): readonly string[] =>
    ['run', '--topic', 'shop/door', '--type', 'text/plain'].concat(more, file, 'open')
  expect(await stage.mustRun(byHand('--publish', 'shop/echo'))).toBe('shop/echo: echo open\n')
  const whole = JSON.parse(await stage.mustRun(byHand('--publish', 'shop/echo', '--json'))) as unknown
  expect(whole).toMatchObject({
    schema: 'selvedge.run/1',
    topic: 'shop/door',
    outcome: 'handled',
    sent: [{ topic: 'shop/echo', metadata: [['key', 'echo']], body: 'ZWNobyBvcGVu' }],
  })
  await publishFolder(stage, lobby1, folder)

  // The app answers on a topic of its own, which a node hears while somebody listens there.
  const heard: string[] = []
  const ending = new AbortController()
  const listening = (async () => {
    for await (const { body, from } of garage.client.listen(['shop/echo'], ending.signal))
      heard.push(`${from}: ${Buffer.from(body, 'base64').toString()}`)
  })()
  for (const daemon of [lobby1, lobby2])
    await until('the lobby knows who listens', async () => (await nodesOf(daemon, 'shop/echo')).length === 1)
  await until('the garage knows who hears', async () => (await nodesOf(garage, 'shop/door')).length === 2)
  const sending = (text: string): readonly string[] => [
    'send',
    'shop/door',
    text,
    '--key',
    'k',
    '--type',
    'text/plain',
    '--data',
    garage.data,
  ]
  expect(await stage.mustRun(sending('1'))).toMatch(/ on its way to lobby-1, lobby-2\n$/)
  await until('both answers are there', () => heard.length >= 2)
  expect(heard.sort()).toEqual(['lobby-1: echo 1', 'lobby-2: echo 1'])
  ending.abort()
  await listening
  await until('nobody listens any more', async () => (await nodesOf(lobby1, 'shop/echo')).length === 0)
  expect(await readFile(`${garage.data}/messages/subscriptions.json`, 'utf8')).toBe(
    '{"v":1,"subscriptions":{}}',
  )

  lobby2.kill('SIGKILL')
  await lobby2.exited
  for (const text of ['2', '3', '4']) await mustType(stage, sending(text))
  await until('lobby-1 has them', async () => (await got(lobby1)).length === 4)
  await until('lobby-2 is waited for', async () => waitingFor(await garage.client.topics(), 'lobby-2') === 3)
  expect(await stage.mustRun(['topics', '--data', garage.data])).toMatch(/to lobby-2 +3 messages +oldest/)

  const again = await start(stage, { name: 'lobby-2', config })
  await until('lobby-2 has what was sent meanwhile', async () => (await got(again)).includes('4'))
  // At least once: that it had handled the first may not have been written down when it was killed.
  expect((await got(again)).filter((text) => text !== '1')).toEqual(['2', '3', '4'])
  expect(await got(lobby1)).toEqual(['1', '2', '3', '4'])
  await until('nothing waits', async () => waitingFor(await garage.client.topics(), 'lobby-2') === 0)
  const said = await again.client.logs({ app: 'postman', tail: 1_000 })
  expect(said.filter(({ context, level }) => context === 'postman' && level === 'error')).toEqual([])
}, 120_000)
