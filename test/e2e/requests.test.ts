/** Apps that ask each other over a topic, of the built program: on one node, from node to node, and where nobody answers. */
import { expect, it } from 'vitest'
import { market } from './clerks.ts'
import { join, openStage, publishFolder, start, until, type Daemon } from './harness.ts'
import { mustType } from './typed.ts'

/** What the app has logged on this node. */
async function said(daemon: Daemon, app: string): Promise<string[]> {
  const lines = await daemon.client.logs({ app, tail: 1_000 })
  return lines.filter(({ context }) => context === app).map(({ message }) => message)
}

it('an app is answered by another on its node and on another node, in time or not at all', async () => {
  const stage = await openStage()
  const config = ''
  const lobby = await start(stage, { name: 'lobby-1', config })
  const [garage, { clerk, buyer, file }] = await Promise.all([
    join(stage, lobby, { name: 'garage-1', group: 'garage', config }),
    market(stage, lobby.data),
  ])
  // By hand: what it replies is shown, and what it refuses is told.
  const handed = ['run', '--topic', 'shop/price', file, 'pair']
  expect(await stage.mustRun(handed)).toBe('reply: 12 for pair\nreply: 12 for pair\n')
  await publishFolder(stage, lobby, buyer)

  /** Has the buyer of a node ask for something. @returns what came of it */
  const wish = async (daemon: Daemon, thing: string): Promise<string> => {
    const before = (await said(daemon, 'buyer')).length
    await mustType(stage, ['send', 'shop/wish', thing, '--data', daemon.data])
    await until(`the buyer says what came of ${thing}`, async () => {
      return (await said(daemon, 'buyer')).length > before
    })
    return (await said(daemon, 'buyer')).at(-1) ?? ''
  }
  expect(await wish(garage, 'hat')).toBe('hat failed: connection: nobody takes requests of shop/price')

  await publishFolder(stage, lobby, clerk)
  await until('the garage knows who hears', async () => {
    const { topics } = await garage.client.topics()
    return topics.some(({ topic, nodes }) => topic === 'shop/price' && nodes.length === 1)
  })
  expect(await wish(lobby, 'hat')).toBe('hat told; 12 for hat')
  expect(await wish(garage, 'coat')).toBe('coat told; 12 for coat')
  expect(await wish(garage, 'pair')).toBe('pair told; 12 for pair; 12 for pair')
  expect(await wish(garage, 'secret')).toBe('secret failed: timeout')
  expect(await wish(garage, 'safe')).toBe('safe failed: denied')
  const asked = await said(lobby, 'clerk')
  expect([...new Set(asked)]).toEqual(['hat', 'coat', 'pair', 'secret'].map((thing) => `asked ${thing}`))
  // A wish comes again where a busy machine ended its buyer; what was asked was heard once each time, but for the first.
  const [here, there] = [(await lobby.client.topics()).counts, (await garage.client.topics()).counts]
  expect(asked).toHaveLength(here.requests + there.requests - 1)
  // Nothing of it was kept for anybody.
  expect(there.delivered).toBe(0)
  expect(there.unanswered).toBeGreaterThanOrEqual(2)

  lobby.kill('SIGKILL')
  await lobby.exited
  expect(await wish(garage, 'glove')).toMatch(/^glove failed: connection: nobody .*shop\/price/)
}, 120_000)
