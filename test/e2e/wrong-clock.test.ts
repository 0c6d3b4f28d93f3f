/** Power on with no network, nobody else and a wrong clock: what ran runs again, with its data, and waits for no time of day. */
import { resolve } from 'node:path'
import { expect, it } from 'vitest'
import {
  app,
  clockFrom,
  EventLedger,
  freePort,
  lightAndLed,
  openStage,
  publishApp,
  publishFolder,
  readLog,
  root,
  start,
  until,
} from './harness.ts'

it('apps, triggers and data are back in 2035 and in 1970, and logs go on', async () => {
  const stage = await openStage()
  const port = await freePort()
  const config = `${lightAndLed}\n[http]\nlisten = "127.0.0.1:${port}"\n`
  /** Counts once more. @returns how far it is; null where nobody answers */
  const count = async (): Promise<number | null> => {
    const answer = await fetch(`http://127.0.0.1:${port}/counter/boots`, { method: 'POST' }).catch(() => null)
    return answer?.status === 200 ? Number(await answer.text()) : null
  }
  let node = await start(stage, { name: 'lobby-1', config })
  await publishApp(stage, node)
  await publishFolder(stage, node, resolve(root, 'components/counter'))
  const ledger = new EventLedger('lobby-1')
  let counted: number | null = null
  await until('it counts', async () => (counted = await count()) !== null)
  await until('an event was handled', async () => (await readLog(node, ledger)).events.length > 0)

  for (const year of [2035, 1970]) {
    node.kill('SIGKILL')
    await node.exited
    const env = { NODE_OPTIONS: await clockFrom(stage, year) }
    node = await start(stage, { name: 'lobby-1', config, offline: true, env })
    ledger.restart()
    const before = ledger.events.length
    await until('events are handled', async () => (await readLog(node, ledger)).events.length > before)
    expect(new Date(ledger.events.at(-1)?.time ?? 0).getUTCFullYear(), 'the clock is wrong').toBe(year)
    const sofar = counted
    await until('it goes on counting', async () => (counted = await count()) !== null)
    // Whose answer was lost on the way may have counted, too.
    expect(counted).toBeGreaterThan(sofar ?? 0)
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
