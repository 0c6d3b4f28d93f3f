import { describe, expect, it } from 'vitest'
import { maxPinEdges } from '../../../../host/devices/contract.ts'
import type { PinEdge, PinState } from '../../../../host/devices/index.ts'
import { deviceLimits } from '../../../../host/devices/supervision/limits.ts'
import { openPin, type Bench } from './kit.ts'

/** One more than in a second: the bucket may be overdrawn once. */
const burst = deviceLimits.perSecond + 1

const stateOf = ({ devices }: Bench): PinState => devices.states()[0] as PinState

function watched(bench: Awaited<ReturnType<typeof openPin>>): boolean[] {
  const levels: boolean[] = []
  bench.led.watch(({ level }: PinEdge) => levels.push(level))
  return levels
}

describe('a supervised pin', () => {
  it('is set and read as the driver does it, and its changes are kept and told', async () => {
    const bench = await openPin()
    const told = watched(bench)
    for (const level of [true, false, false, true]) {
      await bench.led.write(level)
      expect(await bench.led.read()).toBe(level)
    }
    expect(told).toEqual([true, false, true])
    expect(bench.led.edges().map(({ level }) => level)).toEqual([true, false, true])
    await bench.devices.close()
  })

  it('that was unplugged refuses to be set, and who watches it still does when it is back', async () => {
    const bench = await openPin()
    const told = watched(bench)
    await bench.led.write(true)
    bench.hardware.unplug('ENODEV')
    await expect(bench.led.write(false)).rejects.toMatchObject({
      code: 'ERR_DEVICE_UNAVAILABLE',
      message: 'pin led (driver test) does not answer: ENODEV',
    })
    expect(stateOf(bench).health.state).toBe('missing')
    bench.hardware.plug()
    await bench.clock.advance(deviceLimits.reopenCapMs)
    await bench.led.write(false)
    expect(told).toEqual([true, false])
    expect(bench.led.edges()).toHaveLength(2)
    await bench.devices.close()
  })

  it('that was unplugged has the level again that it was set to, before anybody uses it', async () => {
    const bench = await openPin()
    await bench.led.write(true)
    bench.hardware.unplug('ENODEV')
    await expect(bench.led.write(false)).rejects.toMatchObject({ code: 'ERR_DEVICE_UNAVAILABLE' })
    // As a chip that was without power comes back.
    bench.hardware.level = false
    bench.hardware.plug()
    await bench.clock.advance(deviceLimits.reopenCapMs)
    expect(bench.hardware.level).toBe(true)
    expect(await bench.led.read()).toBe(true)
    await bench.devices.close()
  })

  it('tells of an input what changed while it was away', async () => {
    const bench = await openPin('in')
    const told = watched(bench)
    bench.hardware.change(true)
    bench.hardware.unplug()
    bench.hardware.level = false
    bench.hardware.plug()
    await bench.clock.advance(deviceLimits.reopenCapMs)
    expect(told).toEqual([true, false])
    await bench.devices.close()
  })

  it('is faulty while a use of it fails, and well again when one works', async () => {
    const bench = await openPin()
    bench.hardware.use = () => Promise.reject(new Error('EIO'))
    await expect(bench.led.write(true)).rejects.toMatchObject({ code: 'ERR_DEVICE_UNAVAILABLE' })
    expect(stateOf(bench).health).toMatchObject({ state: 'faulty', why: 'EIO' })
    bench.hardware.use = async () => {}
    await bench.led.write(true)
    expect(stateOf(bench).health.state).toBe('ok')
    await bench.devices.close()
  })

  it('that hangs fails each use after its bound, and takes no more than a bounded number of them', async () => {
    const bench = await openPin()
    bench.hardware.use = () => new Promise(() => {})
    const uses = Array.from({ length: deviceLimits.pinUses + 10 }, () => bench.led.write(true))
    const ended = Promise.allSettled(uses)
    await bench.clock.advance(deviceLimits.useMs)
    const reasons = (await ended).map((use) => (use.status === 'rejected' ? String(use.reason) : 'done'))
    expect(reasons.filter((reason) => reason.includes('no answer in 5 s'))).toHaveLength(deviceLimits.pinUses)
    expect(reasons.filter((reason) => reason.includes('have not come back'))).toHaveLength(10)
    await bench.devices.close()
  })

  it('that chatters is cut to a rate, and what is told last is how it is', async () => {
    const bench = await openPin('in')
    const told = watched(bench)
    for (let count = 0; count < 5_001; count += 1) bench.hardware.change(count % 2 === 0)
    expect(told).toHaveLength(burst)
    expect(stateOf(bench).health).toMatchObject({ state: 'faulty' })
    await bench.clock.advance(100)
    expect(told.at(-1)).toBe(bench.hardware.level)
    expect(bench.led.edges()).toHaveLength(maxPinEdges)
    await bench.devices.close()
  })

  it('knows its direction also while it is not there', async () => {
    const bench = await openPin('in')
    bench.hardware.unplug()
    expect(bench.led.direction).toBe('in')
    expect(stateOf(bench)).toMatchObject({ direction: 'in', health: { state: 'missing' } })
    await bench.devices.close()
  })
})
