/** wasi:i2c as a guest sees it: through the sandbox's half, the line and the node's half, on a model of a chip. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { NamedBus } from '../../../host/devices/index.ts'
import { deviceProblems, nameBuses } from '../../../host/devices/index.ts'
import { bindInterfaces, grantedInterfaces } from '../../../host/interfaces/index.ts'
import { addTransferProgram, busWith, Bh1750Model } from '../devices/bh1750-model.ts'
import { DeviceTree } from '../devices/device-tree.ts'
import { appContext } from './app-context.ts'
import { scriptRunner, type ScriptRunner } from './guest-script.ts'

let runner: ScriptRunner
beforeAll(async () => {
  runner = await scriptRunner()
})
afterAll(() => runner.close())

const prelude = `
  const { open, addresses, createDelay } = imports['selvedge:bus/i2c']
  const { I2c } = imports['wasi:i2c/i2c']
  const read = (val) => ({ tag: 'read', val })
  const write = (...bytes) => ({ tag: 'write', val: Uint8Array.from(bytes) })
`

/** A model of a chip at 0x23, as a bus of that name. */
function named(name: string, bus = busWith(new Bh1750Model())): ReadonlyMap<string, NamedBus> {
  return new Map([[name, { ...bus, name, bus: 1, addresses: [0x23] }]])
}

function asGuest(script: string, buses = named('light'), lines: string[] = []): Promise<unknown> {
  const context = appContext({
    buses,
    log: (level, from, text) => void lines.push(`${level} ${from}: ${text}`),
  })
  return runner.run(prelude + script, bindInterfaces(['i2c:light'], context))
}

const rejecting = (error: unknown) => async (): Promise<never> => {
  throw error
}

describe('wasi:i2c', () => {
  it('reads a BH1750 by commands of its data sheet', async () => {
    const chip = new Bh1750Model()
    chip.lux = 120
    expect(
      await asGuest(
        `const bus = open('light')
         const [at] = addresses('light')
         bus.write(at, Uint8Array.of(0x01))
         bus.transaction(at, [write(0x20)])
         createDelay().delayNs(1_000_000)
         const [high, low] = bus.read(at, 2n)
         const joined = bus.writeRead(at, Uint8Array.of(0x20), 2n)
         drop(bus)
         return [at, bus instanceof I2c, (high * 256 + low) / 1.2, joined.length]`,
        named('light', busWith(chip)),
      ),
    ).toEqual([0x23, true, expect.closeTo(120, 6), 2])
    expect(chip.commands).toEqual([0x01, 0x20, 0x20])
  })

  it('keeps the steps of a transaction in one', async () => {
    const bus = busWith(new Bh1750Model())
    expect(
      await asGuest(
        `return open('light').transaction(0x23, [write(1, 2), read(1n), read(0n)]).map((piece) => piece.length)`,
        named('light', bus),
      ),
    ).toEqual([1, 0])
    expect(bus.transactions).toEqual([
      [
        { kind: 'write', bytes: Uint8Array.of(1, 2) },
        { kind: 'read', length: 1 },
        { kind: 'read', length: 0 },
      ],
    ])
  })

  it('is not there at all without a grant, nor is a bus of another name', async () => {
    expect(grantedInterfaces(['pin:led']).filter((id) => id.includes('i2c'))).toEqual([])
    expect(
      await asGuest(
        `return ['other', '', 'light\\0', 'x'.repeat(10_000)].map((name) => [open(name), addresses(name).length])`,
      ),
    ).toEqual(Array.from({ length: 4 }, () => [undefined, 0]))
  })

  it('reaches the granted address and no other, whatever answers there', async () => {
    const tree = new DeviceTree()
    addTransferProgram(tree)
    const lines: string[] = []
    const buses = nameBuses({ light: { driver: 'i2ctransfer', bus: 1, addresses: [0x23] } }, tree)
    expect(
      await asGuest(
        `const bus = open('light')
         return [[...bus.read(0x23, 2n)], ...[0x24, 0x5c, 0x3ff, 0].map((at) => payload(() => bus.read(at, 1n)).err)]`,
        buses,
        lines,
      ),
    ).toEqual([[0x01, 0xe0], ...Array.from({ length: 4 }, () => ({ tag: 'no-acknowledge', val: 'address' }))])
    expect(tree.read('i2c-log')).toBe('r2@0x23\n')
    expect(lines[0]).toBe('warn i2c light: 0x24 is none of the addresses of the bus light')
    tree.close()
  })

  it('denies another bus also to a sandbox whose half was made to lie', async () => {
    const bound = bindInterfaces(['i2c:light'], appContext({ buses: named('light') }))
    const bus = bound.find(({ id }) => id === 'selvedge:bus/i2c@0.1.0')
    const transfer = bus?.functions['transfer']
    if (transfer?.mode !== 'call') throw new Error('there is no transfer')
    const call = (...args: unknown[]): Promise<unknown> =>
      Promise.resolve(transfer.run(args)).catch((error: { payload: unknown }) => error.payload)
    expect(await call('other', 0x23, [1])).toEqual({ tag: 'no-acknowledge', val: 'address' })
    for (const steps of ['x', [null], [-1], [0.5], [{}], Array.from({ length: 43 }, () => 1)]) {
      expect(await call('light', 0x23, steps)).toEqual({ tag: 'other' })
    }
  })

  it('tells each failure by the code that the draft has for it, and the rest in the app’s log', async () => {
    const lines: string[] = []
    const failing = (error: unknown): ReadonlyMap<string, NamedBus> =>
      named('light', { ...busWith(new Bh1750Model()), transfer: rejecting(error) })
    const codeOf = (error: unknown): Promise<unknown> =>
      asGuest(`return payload(() => open('light').read(0x23, 1n)).err`, failing(error), lines)
    const problem = (code: Parameters<typeof deviceProblems.error>[0], cause?: unknown): unknown =>
      deviceProblems.error(code, `it is ${code}`, { cause })
    expect(await codeOf(problem('ERR_I2C_SILENT', { code: 'ENXIO' }))).toEqual({
      tag: 'no-acknowledge',
      val: 'address',
    })
    expect(await codeOf(problem('ERR_I2C_SILENT'))).toEqual({ tag: 'no-acknowledge', val: 'unknown' })
    expect(await codeOf(problem('ERR_I2C_BUS'))).toEqual({ tag: 'bus' })
    expect(await codeOf(problem('ERR_I2C_ARBITRATION'))).toEqual({ tag: 'arbitration-loss' })
    expect(lines).toEqual([])
    expect(await codeOf(problem('ERR_DEVICE_UNAVAILABLE'))).toEqual({ tag: 'other' })
    expect(lines).toEqual(['warn i2c light: it is ERR_DEVICE_UNAVAILABLE'])
  })

  it('refuses what is more than a transaction takes, and the guest lives on', async () => {
    expect(
      await asGuest(`
        const bus = open('light')
        return [
          () => bus.read(0x23, 8_193n),
          () => bus.read(0x23, 2n ** 64n - 1n),
          () => bus.write(0x23, new Uint8Array(8_193)),
          () => bus.transaction(0x23, Array.from({ length: 43 }, () => read(1n))),
          () => bus.transaction(0x23, [read(8_192n), write(1)]),
        ].map((run) => payload(run).err.tag).concat(bus.read(0x23, 2n).length)`),
    ).toEqual(['overrun', 'overrun', 'overrun', 'overrun', 'overrun', 2])
  })

  it('gives the sandbox back a handle for each that is dropped', async () => {
    expect(
      await asGuest(`
        for (let n = 0; n < 3000; n += 1) { drop(open('light')); drop(createDelay()) }
        return 'done'`),
    ).toBe('done')
  })
})
