/** Devices that vanish, lie and come back, while the node and its apps go on. */
import { spawn } from 'node:child_process'
import { readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join as joinPath } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { DevicesReport } from '../../host/api/index.ts'
import {
  EventLedger,
  openStage,
  publishApp,
  readLog,
  root,
  runningVersion,
  start,
  until,
  type Daemon,
} from './harness.ts'

/** The light of the app, and a second sensor whose value is in a file of the test. */
const config = (file: string): string => `
[sensors.light]
driver = "simulated"
shape = "steps"
values = [10, 900]
unit = "lx"
period = "1s"

[sensors.probe]
driver = "command"
command = ["cat", "${file}"]
unit = "Cel"
range = [-40, 85]
check = "100ms"
stale = "1s"

[sensors.absent]
driver = "replay"
file = "trace.csv"
sensor = "probe"
speed = 1000

[pins.led]
driver = "simulated"
`

type SensorReport = DevicesReport['sensors'][number]

async function sensorOf({ client }: Daemon, name: string): Promise<SensorReport | undefined> {
  return (await client.devices()).sensors.find((sensor) => sensor.name === name)
}

async function problemsOf({ client }: Daemon): Promise<readonly string[]> {
  return (await client.status()).problems.map(({ code, message }) => `${code} ${message}`)
}

const isNow = (node: Daemon, name: string, state: string) => async (): Promise<boolean> =>
  (await sensorOf(node, name))?.health?.state === state

/** Records while the probe goes from 22 to 23, and ends that with Ctrl-C. */
async function recordTwo(node: Daemon, file: string, trace: string): Promise<void> {
  const args = ['sensors', 'probe', '--record', trace, '--every', '50ms', '--data', node.data]
  const program = joinPath(root, 'dist/selvedge.mjs')
  const recording = spawn(process.execPath, [program, ...args], { stdio: 'ignore' })
  onTestFinished(() => void recording.kill('SIGKILL'))
  const exited = new Promise((resolve) => recording.once('exit', resolve))
  const recorded = async (value: number): Promise<boolean> =>
    (await readFile(trace, 'utf8').catch(() => '')).includes(`,probe,${value},Cel\n`)
  await until('22 was recorded', () => recorded(22))
  await writeFile(file, '23\n')
  await until('23 was recorded', () => recorded(23))
  recording.kill('SIGINT')
  expect(await exited).toBe(0)
}

describe('a node with devices that come and go', () => {
  it('starts without one, tells of one that falls silent or lies, records and plays it, while its app goes on', async () => {
    const stage = await openStage()
    const file = joinPath(stage.folder, 'probe')
    await writeFile(file, '21.5\n')
    const node = await start(stage, { name: 'lobby-1', config: config(file) })
    await publishApp(stage, node)
    await until('the probe was read', isNow(node, 'probe', 'ok'))
    expect(await sensorOf(node, 'probe')).toMatchObject({ value: 21.5, unit: 'Cel', health: { state: 'ok' } })
    expect(await problemsOf(node)).toMatchObject([
      expect.stringMatching(/^ERR_DEVICE_MISSING sensor absent: missing for \d+ s: ENOENT/),
    ])

    await rm(file)
    await until('the probe is stale', isNow(node, 'probe', 'stale'))
    expect((await problemsOf(node)).join('\n')).toMatch(
      /ERR_DEVICE_STALE sensor probe: stale for \d+ s, last 21\.5 Cel: cat ended with 1: .*No such file/,
    )
    expect(await stage.mustRun(['sensors', 'probe', '--data', node.data])).toMatch(
      /◐ +sensor probe +last 21\.5 Cel .*stale for/,
    )
    const told = async () =>
      (await node.client.status()).nodes[0]?.devices.find(({ name }) => name === 'probe')
    await until('all are told of it', async () => (await told())?.health === 'stale')
    expect(await told()).toMatchObject({ kind: 'sensor', driver: 'command', health: 'stale' })

    for (const [text, why] of [
      ['nan', 'it reads NaN'],
      ['851', 'it reads 851 Cel, out of its range from -40 to 85'],
    ]) {
      await writeFile(file, `${text}\n`)
      await until(`the probe is faulty: ${text}`, isNow(node, 'probe', 'faulty'))
      await until('it says why', async () => (await sensorOf(node, 'probe'))?.health?.why === why)
      expect((await sensorOf(node, 'probe'))?.value).toBe(21.5)
    }

    await writeFile(file, '22\n')
    await until('the probe is well', isNow(node, 'probe', 'ok'))
    const trace = joinPath(stage.folder, 'recorded.csv')
    await recordTwo(node, file, trace)
    // As a whole: the sensor takes what it finds.
    await rename(trace, joinPath(stage.folder, 'trace.csv'))
    await until('the trace was found and played', async () => (await sensorOf(node, 'absent'))?.value === 23)
    expect(await sensorOf(node, 'absent')).toMatchObject({ unit: 'Cel', range: { min: 22, max: 23 } })
    await until('nothing is wrong any more', async () => (await problemsOf(node)).length === 0)

    const ledger = new EventLedger('lobby-1')
    await readLog(node, ledger)
    const handled = ledger.events.length
    await until('events go on', async () => (await readLog(node, ledger)).events.length > handled)
    expect(ledger.faults).toEqual([])
    expect(await runningVersion(node)).toBe('1.0.0')
    expect((await node.client.apps())[0]?.restarts).toBe(0)
  })
})
