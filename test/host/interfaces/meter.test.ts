/** A component that a person would write, in AssemblyScript, drives a chip by wasi:i2c and a pin by wasi:gpio. */
import { cp, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import * as v from 'valibot'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { digestOf, systemClock, systemRandom } from '../../../core/index.ts'
import { buildApp } from '../../../host/build/index.ts'
import { nameBuses } from '../../../host/devices/index.ts'
import { simulatedPin } from '../../../host/devices/pins/simulated.ts'
import type { Engine, Prepared, Sandbox } from '../../../host/engine/index.ts'
import { bindInterfaces, grantedInterfaces, interfaceOffers } from '../../../host/interfaces/index.ts'
import { addTransferProgram } from '../devices/bh1750-model.ts'
import { DeviceTree } from '../devices/device-tree.ts'
import { makeEngine } from '../engine/kit.ts'
import { appContext } from './app-context.ts'

const memoryBytes = 4 * 1024 * 1024
const grants = ['i2c:light', 'pin:led']
const tree = new DeviceTree()
let folder: string
let engine: Engine
let bytes: Uint8Array

beforeAll(async () => {
  addTransferProgram(tree)
  folder = await mkdtemp(join(tmpdir(), 'selvedge-meter-'))
  const source = fileURLToPath(new URL('meter', import.meta.url))
  for (const file of ['selvedge.toml', 'asconfig.json', 'wit']) {
    await cp(join(source, file), join(folder, file), { recursive: true })
  }
  // Under another name than here, where it would be taken for TypeScript.
  await cp(join(source, 'index.as'), join(folder, 'assembly', 'index.ts'))
  bytes = new Uint8Array(await readFile((await buildApp(folder)).file))
  engine = makeEngine()
})

afterAll(async () => {
  await engine.stop()
  tree.close()
  await rm(folder, { recursive: true, force: true })
})

function prepare(granted: readonly string[]): Promise<Prepared> {
  return engine.prepare({
    bytes,
    digest: digestOf(bytes),
    granted: grantedInterfaces(granted),
    offered: interfaceOffers,
    requiredExports: [],
    memoryBytes,
  })
}

async function start(): Promise<Sandbox> {
  const led = await simulatedPin.open('led', v.parse(simulatedPin.options, {}), {
    clock: systemClock,
    random: systemRandom,
    root: '/',
  })
  const context = appContext({
    buses: nameBuses({ light: { driver: 'i2ctransfer', bus: 1, addresses: [0x23] } }, tree),
    pins: new Map([['led', led]]),
  })
  return engine.start({
    app: 'meter',
    prepared: await prepare(grants),
    imports: bindInterfaces(grants, context),
    deadlineMs: 20_000,
    memoryBytes,
  })
}

describe('a component of wasi:i2c and wasi:gpio', () => {
  it('reads the chip, reaches no other, and sets the pin', async () => {
    const meter = await start()
    expect(await meter.call('lux', [])).toBe(400)
    await expect(meter.call('trespass', [])).rejects.toMatchObject({ payload: 'nobody answers' })
    expect([await meter.call('light', [true]), await meter.call('light', [false])]).toEqual([true, false])
    tree.write('silent', '')
    await expect(meter.call('lux', [])).rejects.toMatchObject({ payload: 'the chip takes no command' })
    tree.remove('silent')
    expect(await meter.call('lux', [])).toBe(400)
    await meter.stop()
    expect(tree.read('i2c-log')).not.toContain('@0x50')
  })

  it('is refused without the grants, in words that name them', async () => {
    await expect(prepare(['pin:led'])).rejects.toMatchObject({
      hint: expect.stringContaining('i2c = ["NAME"]'),
    })
    await expect(prepare(['i2c:light'])).rejects.toMatchObject({
      hint: expect.stringContaining('pins = ["NAME"]'),
    })
  })
})
