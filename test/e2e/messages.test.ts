/** Messages between apps of several nodes, of the built program: over the death of a node, and through an app and back. */
import { expect, it } from 'vitest'
import { readFile } from 'node:fs/promises'
import type { MessageReport } from '../../host/api/index.ts'
import { join, openStage, start, until, type Daemon } from './harness.ts'
import { postman } from './postman.ts'

const meshWide = `
[topics."shop/door"]
scope = "mesh"

[topics."shop/echo"]
scope = "mesh"
`

/** What the app has logged of messages, on this node and in this life of its. */
async function got(daemon: Daemon): Promise<string[]> {
  const lines = await daemon.client.logs({ app: 'postman', tail: 1_000 })
  return lines.flatMap(({ message }) => /^got (\S+) of shop\/door as text\/plain$/.exec(message)?.[1] ?? [])
}

const waitingFor = (report: MessageReport, name: string): number =>
  report.waiting.find((one) => one.for === name)?.waiting ?? 0

it('a message that is published while a node is killed is handed to its app after its restart, once and in order', async () => {
  const stage = await openStage()
  const config = ''
  const lobby1 = await start(stage, { name: 'lobby-1', config })
  let lobby2 = await join(stage, lobby1, { name: 'lobby-2', config })
  const folder = await postman(stage, lobby1.data, meshWide)
  await stage.mustRun(['publish', folder, '--no-build', '--data', lobby1.data, '--wait'])
  const hears = async (): Promise<readonly string[]> =>
    (await lobby1.client.topics()).topics.find(({ topic }) => topic === 'shop/door')?.nodes ?? []
  await until('lobby-1 knows that lobby-2 hears the topic', async () => (await hears()).includes('lobby-2'))

  const send = (text: string): Promise<string> =>
    stage.mustRun(['send', 'shop/door', text, '--key', 'k', '--type', 'text/plain', '--data', lobby1.data])
  expect(await send('1')).toMatch(/on its way to 1 subscription here and lobby-2/)
  await until('both have the first', async () =>
    (await Promise.all([got(lobby1), got(lobby2)])).every((texts) => texts.includes('1')),
  )

  lobby2.kill('SIGKILL')
  await lobby2.exited
  for (const text of ['2', '3', '4']) await send(text)
  await until('the app here has them', async () => (await got(lobby1)).length === 4)
  await until('the others wait', async () => waitingFor(await lobby1.client.topics(), 'lobby-2') >= 3)
  expect(await stage.mustRun(['topics', '--data', lobby1.data])).toMatch(/to lobby-2 +\d+ messages +oldest/)

  lobby2 = await start(stage, { name: 'lobby-2', config })
  await until('lobby-2 has what was sent meanwhile', async () => (await got(lobby2)).includes('4'))
  // Its log is of this life; the first message was of the one before.
  expect((await got(lobby2)).filter((text) => text !== '1')).toEqual(['2', '3', '4'])
  expect(await got(lobby1)).toEqual(['1', '2', '3', '4'])
  await until('nothing waits', async () => waitingFor(await lobby1.client.topics(), 'lobby-2') === 0)
  const errors = (await lobby2.client.logs({ app: 'postman', tail: 1_000 })).filter(
    ({ level }) => level === 'error',
  )
  expect(errors).toEqual([])
}, 120_000)

it('an app answers on a topic of its own, which is heard on another node while somebody listens', async () => {
  const stage = await openStage()
  const lobby1 = await start(stage, { name: 'lobby-1', config: '' })
  const garage = await join(stage, lobby1, { name: 'garage-1', group: 'garage', config: '' })
  const folder = await postman(stage, lobby1.data, `${meshWide}\n[placement]\ngroups = ["lobby"]\n`)
  await stage.mustRun(['publish', folder, '--no-build', '--data', lobby1.data, '--wait'])
  const heard: string[] = []
  const ending = new AbortController()
  const listening = (async () => {
    for await (const { body, from } of garage.client.listen(['shop/echo'], ending.signal))
      heard.push(`${from}: ${Buffer.from(body, 'base64').toString()}`)
  })()
  const nodesOf = async (daemon: Daemon, of: string): Promise<readonly string[]> =>
    (await daemon.client.topics()).topics.find(({ topic }) => topic === of)?.nodes ?? []
  await until('the lobby knows who listens', async () =>
    (await nodesOf(lobby1, 'shop/echo')).includes('garage-1'),
  )
  await until('the garage knows who hears', async () =>
    (await nodesOf(garage, 'shop/door')).includes('lobby-1'),
  )
  await stage.mustRun(['send', 'shop/door', 'hello', '--data', garage.data])
  await until('the answer is there', () => heard.length > 0)
  expect(heard).toEqual(['lobby-1: echo hello'])
  ending.abort()
  await listening
  await until('nobody listens any more', async () => (await nodesOf(lobby1, 'shop/echo')).length === 0)
  expect(await readFile(`${garage.data}/messages/subscriptions.json`, 'utf8')).toBe(
    '{"v":1,"subscriptions":{}}',
  )
}, 120_000)
