/** One node, as a newcomer meets it: up, publish, look, stop, up again. */
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join as joinPath } from 'node:path'
import { describe, expect, it } from 'vitest'
import {
  app,
  appCalled,
  appFile,
  EventLedger,
  isOver,
  publishApp,
  publishFolder,
  readLog,
  runningVersion,
  share,
  start,
  until,
  type Daemon,
  type Stage,
} from './harness.ts'

describe('one node', () => {
  const scene = share(async (stage) => ({ stage, node: await start(stage, { name: 'lobby-1' }) }))

  it('makes a mesh of its own, runs a published app on its sensor, and lights its LED', async () => {
    const { stage, node } = scene()
    const receipt = await stage.mustRun([
      'publish',
      await appCalled(stage, 'first'),
      '--no-build',
      '--wait',
      '--data',
      node.data,
    ])
    expect(receipt).toContain('first 1.0.0')

    const ledger = new EventLedger('lobby-1')
    await until('the LED was on in the dark and off in the light', async () => {
      const { events } = await readLog(node, ledger, 'first')
      return events.some(({ led }) => led) && events.some(({ led }) => !led)
    })
    expect(ledger.faults).toEqual([])
    for (const { led, value } of ledger.events) expect(led).toBe(value < 300)
    const { pins } = await node.client.devices()
    expect(pins[0]?.edges.length).toBeGreaterThan(0)
  })

  it('shows the same in status, apps, releases, logs and sensors, for people and as JSON', async () => {
    const { stage, node } = scene()
    await publishApp(stage, node)
    await until(
      'an event was handled',
      async () => (await readLog(node, new EventLedger('lobby-1'))).events.length > 0,
    )

    const data = ['--data', node.data]
    const status = JSON.parse(await stage.mustRun(['status', '--json', ...data])) as {
      nodes: { apps: unknown[] }[]
    }
    expect(status).toMatchObject({
      schema: 'selvedge.status/1',
      self: { name: 'lobby-1' },
      nodes: [{ name: 'lobby-1', groups: ['lobby'], state: 'alive', rttMs: null }],
    })
    expect(status.nodes[0]?.apps).toContainEqual(
      expect.objectContaining({ app, version: '1.0.0', seq: 1, state: 'running' }),
    )
    expect(await stage.mustRun(['status', ...data])).toMatch(/lobby-1.*light-alarm 1\.0\.0/s)
    expect(await stage.mustRun(['apps', ...data])).toContain(app)
    expect(await stage.mustRun(['releases', app, ...data])).toContain('1.0.0')
    expect(await stage.mustRun(['logs', app, ...data])).toMatch(/event \d+: (10|900) lx, led (on|off)/)
    expect(await stage.mustRun(['sensors', ...data])).toMatch(/light.*lx/s)
  })

  it('publishes a bare .wasm with grants and triggers from the command line', async () => {
    const { stage, node } = scene()
    const grants = ['--grant', 'sensor:light', '--grant', 'pin:led', '--trigger', 'sensor:light:50ms']
    await stage.mustRun(['publish', appFile, '--app', 'bare', ...grants, '--data', node.data, '--wait'])
    const local = (await node.client.apps()).find((one) => one.app === 'bare')
    expect(local).toMatchObject({ app: 'bare', version: '0.0.1', state: 'running' })
  })

  it('swaps to a new release between two events: none lost, none handled twice', async () => {
    const { stage, node } = scene()
    const name = 'swapped'
    const folder = await appCalled(stage, name)
    await publishFolder(stage, node, folder)
    const ledger = new EventLedger('lobby-1')
    for (const version of ['1.0.1', '1.0.2', '1.0.3']) {
      await publishFolder(stage, node, folder, '--version', version)
      await until(
        `${version} handles events`,
        async () => (await readLog(node, ledger, name)).of(version).length > 2,
      )
    }
    expect(ledger.faults).toEqual([])
    expect(ledger.events.map(({ id }) => id)).toEqual(ledger.events.map((_, index) => index + 1))
  })

  it('waits for a sensor that its TOML does not have, and says which lines would add it', async () => {
    const { stage, node } = scene()
    const folder = await appCalled(stage, 'dusk', (manifest) => manifest.replaceAll('"light"', '"dusk"'))
    const line = ['publish', folder, '--no-build', '--data', node.data, '--wait', '--timeout', '2']
    expect((await stage.run(line)).code).toBe(3)
    const found = async () => (await node.client.apps()).find((one) => one.app === 'dusk')
    await until('it waits', async () => (await found())?.state === 'waiting')
    const local = await found()
    expect(local).toMatchObject({ state: 'waiting', reason: { code: 'ERR_SENSOR_MISSING' } })
    expect(local?.reason?.hint).toContain('[sensors.dusk]')
  })
})

describe('one node that ends', () => {
  interface Scene {
    readonly stage: Stage
    node: Daemon
  }
  const scene = share<Scene>(async (stage) => {
    const node = await start(stage, { name: 'lobby-1' })
    await publishApp(stage, node)
    return { stage, node }
  })
  const again = async (): Promise<Daemon> => (scene().node = await start(scene().stage, { name: 'lobby-1' }))
  /** It runs, whatever became of the test before. */
  async function running(): Promise<Daemon> {
    return (await isOver(scene().node)) ? again() : scene().node
  }

  it('is back with its app after a clean stop, without being told anything again', async () => {
    const { stage } = scene()
    const node = await running()
    const ledger = new EventLedger('lobby-1')
    await until('some events were handled', async () => (await readLog(node, ledger)).events.length >= 3)
    await stage.mustRun(['stop', '--data', node.data])
    expect(await node.exited).toBe(0)

    const second = await again()
    ledger.restart()
    const before = ledger.events.length
    await until(
      'events are handled again',
      async () => (await readLog(second, ledger)).events.length > before,
    )
    expect(ledger.faults, 'event ids never go back').toEqual([])
  })

  it('comes back after SIGKILL at once, and takes over its own lock', async () => {
    const node = await running()
    node.kill('SIGKILL')
    await node.exited
    const second = await again()
    await until('1.0.0 runs again', async () => (await runningVersion(second)) === '1.0.0')
  })

  it('rebuilds a prepared component that was damaged on disk', async () => {
    const node = await running()
    node.kill('SIGTERM')
    await node.exited
    const prepared = joinPath(node.data, 'prepared')
    const names = await readdir(prepared)
    expect(names.length).toBeGreaterThan(0)
    for (const name of names) {
      const bytes = await readFile(joinPath(prepared, name))
      bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] ?? 0) ^ 0xff
      await writeFile(joinPath(prepared, name), bytes)
    }
    const second = await again()
    await until('1.0.0 runs', async () => (await runningVersion(second)) === '1.0.0')
  })
})
