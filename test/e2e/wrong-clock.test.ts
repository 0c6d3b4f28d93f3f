/** Power on with no network, nobody else and a wrong clock: what ran runs again, with its data, and waits for no time of day. */
import { writeFile } from 'node:fs/promises'
import { createServer, type AddressInfo } from 'node:net'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { expect, it } from 'vitest'
import {
  app,
  EventLedger,
  lightAndLed,
  openStage,
  publishApp,
  publishFolder,
  readLog,
  root,
  start,
  until,
  type Daemon,
  type Stage,
} from './harness.ts'
import { buildTicker, tickerCalled } from './ticker.ts'

const yearMs = 365.25 * 86_400_000

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  const { port } = server.address() as AddressInfo
  await new Promise((done) => server.close(done))
  return port
}

/** What a Node.js loads first, so that its time of day begins there. @returns the option for it */
async function clockFrom(stage: Stage, year: number): Promise<string> {
  const file = join(stage.folder, `clock-${year}.mjs`)
  const shiftMs = Math.round((year - 1970) * yearMs + 60_000 - Date.now())
  await writeFile(
    file,
    `const now = () => Real.now() + ${shiftMs}
const Real = Date
globalThis.Date = new Proxy(Real, {
  construct: (target, args, made) => Reflect.construct(target, args.length === 0 ? [now()] : args, made),
  apply: () => new Real(now()).toString(),
  get: (target, key) => (key === 'now' ? now : Reflect.get(target, key)),
})\n`,
  )
  return `--import=${pathToFileURL(file)}`
}

async function firstWaiting(daemon: Daemon): Promise<{ readonly attempts: number } | undefined> {
  return (await daemon.client.events('ticker')).waiting.find(({ id }) => id === 1)
}

it('apps, triggers and data are back in 2035 and in 1970, and what waited half an hour is tried at once', async () => {
  const stage = await openStage()
  const port = await freePort()
  const config = `${lightAndLed}\n[http]\nlisten = "127.0.0.1:${port}"\n`
  const count = async (): Promise<string> => {
    const answer = await fetch(`http://127.0.0.1:${port}/counter/boots`, { method: 'POST' }).catch(() => null)
    return answer?.status === 200 ? (await answer.text()).trim() : ''
  }
  const release = {
    version: '1.0.0',
    mode: 'fail',
    trigger: 'kind = "timer"\nevery = "1s"\ndelivery = "at-least-once"\nattempts = 100\nbackoff = "30min"',
  } as const
  const ticker = await tickerCalled('ticker', await buildTicker(stage), release)
  let node = await start(stage, { name: 'lobby-1', config })
  await publishApp(stage, node)
  await publishFolder(stage, node, resolve(root, 'components/counter'))
  await publishFolder(stage, node, ticker)
  const ledger = new EventLedger('lobby-1')
  await until('an event was handled', async () => (await readLog(node, ledger)).events.length > 0)
  await until('it counts', async () => (await count()) === '1')
  await until('an event waits', async () => (await firstWaiting(node)) !== undefined)

  for (const [index, year] of [2035, 1970].entries()) {
    const { attempts = 0 } = (await firstWaiting(node)) ?? {}
    node.kill('SIGKILL')
    await node.exited
    node = await start(stage, {
      name: 'lobby-1',
      config,
      offline: true,
      env: { NODE_OPTIONS: await clockFrom(stage, year) },
    })
    ledger.restart()
    const before = ledger.events.length
    await until('events are handled', async () => (await readLog(node, ledger)).events.length > before)
    expect(new Date(ledger.events.at(-1)?.time ?? 0).getUTCFullYear(), 'the clock is wrong').toBe(year)
    await until('it goes on counting', async () => (await count()) === String(index + 2))
    await until(
      'what waited is tried again',
      async () => ((await firstWaiting(node))?.attempts ?? 0) > attempts,
    )
    const status = await node.client.status()
    expect(status.nodes).toMatchObject([{ name: 'lobby-1', recordAgeMs: null }])
    expect(status.nodes[0]?.apps.map(({ app: name, state }) => `${name} ${state}`).sort()).toEqual([
      'counter running',
      'light-alarm running',
      'ticker running',
    ])
    // A log goes on in its own order, whatever its times say.
    const lines = (await stage.mustRun(['logs', app, '-n', '1000', '--json', '--data', node.data]))
      .trim()
      .split('\n')
    const seqs = lines.map((line) => (JSON.parse(line) as { seq: number }).seq)
    expect(seqs).toEqual([...seqs].sort((a, b) => a - b))
  }
  expect(ledger.faults, 'event ids never go back').toEqual([])
})
