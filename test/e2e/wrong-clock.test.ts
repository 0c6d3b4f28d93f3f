/** Power on with no network, nobody else and a wrong clock: what ran runs again, with its data, and waits for no time of day. */
import { createServer, type AddressInfo } from 'node:net'
import { resolve } from 'node:path'
import { expect, it } from 'vitest'
import {
  app,
  clockFrom,
  EventLedger,
  lightAndLed,
  openStage,
  publishApp,
  readLog,
  root,
  start,
  until,
} from './harness.ts'

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  const { port } = server.address() as AddressInfo
  await new Promise((done) => server.close(done))
  return port
}

it('apps, triggers and data are back in 2035 and in 1970, and logs go on', async () => {
  const stage = await openStage()
  const port = await freePort()
  const config = `${lightAndLed}\n[http]\nlisten = "127.0.0.1:${port}"\n`
  const count = async (): Promise<string> => {
    const answer = await fetch(`http://127.0.0.1:${port}/counter/boots`, { method: 'POST' }).catch(() => null)
    return answer?.status === 200 ? (await answer.text()).trim() : ''
  }
  let node = await start(stage, { name: 'lobby-1', config })
  await publishApp(stage, node)
  const counter = resolve(root, 'components/counter')
  await stage.mustRun(['publish', counter, '--no-build', '--data', node.data, '--wait'])
  const ledger = new EventLedger('lobby-1')
  await until('it counts', async () => (await count()) === '1')
  await until('an event was handled', async () => (await readLog(node, ledger)).events.length > 0)

  for (const [index, year] of [2035, 1970].entries()) {
    node.kill('SIGKILL')
    await node.exited
    const env = { NODE_OPTIONS: await clockFrom(stage, year) }
    node = await start(stage, { name: 'lobby-1', config, offline: true, env })
    ledger.restart()
    const before = ledger.events.length
    await until('events are handled', async () => (await readLog(node, ledger)).events.length > before)
    expect(new Date(ledger.events.at(-1)?.time ?? 0).getUTCFullYear(), 'the clock is wrong').toBe(year)
    await until('it goes on counting', async () => (await count()) === String(index + 2))
    const { nodes } = await node.client.status()
    expect(nodes[0]?.apps.map(({ app: name, state }) => `${name} ${state}`).sort()).toEqual([
      'counter running',
      'light-alarm running',
    ])
  }
  expect(ledger.faults, 'event ids never go back').toEqual([])
  // A log goes on in its own order, whatever its times say.
  const text = await stage.mustRun(['logs', app, '-n', '1000', '--json', '--data', node.data])
  const lines = text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { seq: number; time: number })
  const seqs = lines.map(({ seq }) => seq)
  expect(seqs).toEqual([...seqs].sort((a, b) => a - b))
  expect(new Date(lines.at(-1)?.time ?? 0).getUTCFullYear()).toBe(1970)
})
