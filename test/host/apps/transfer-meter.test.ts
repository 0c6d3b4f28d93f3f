import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { TransferMeter } from '../../../host/apps/transfer-meter.ts'
import { FakeClock } from '../fake-clock.ts'

const megabyte = 1_000_000

describe('the transfer of a component', () => {
  it('says how much is here, how much came, and how fast in the last moments', async () => {
    const clock = new FakeClock()
    const meter = new TransferMeter(2 * megabyte, clock)
    meter.begin()
    for (let step = 1; step <= 50; step += 1) {
      await clock.advance(100)
      meter.take({ share: step / 100, fetchedBytes: step * 20_000 })
    }
    expect(meter.report()).toEqual({
      haveBytes: megabyte,
      totalBytes: 2 * megabyte,
      fetchedBytes: megabyte,
      via: 'peers',
      ms: 5_000,
      bytesPerSecond: 200_000,
    })
    // Nothing comes any more.
    await clock.advance(1_500)
    expect(meter.report().bytesPerSecond).toBeLessThan(200_000)
    await clock.advance(3_000)
    expect(meter.report().bytesPerSecond).toBe(0)
  })

  it('has no rate once it is here, and no bytes where the disk had it all', async () => {
    const clock = new FakeClock()
    const meter = new TransferMeter(500, clock)
    meter.begin()
    await clock.advance(30)
    meter.end()
    await clock.advance(60_000)
    expect(meter.report()).toEqual({
      haveBytes: 500,
      totalBytes: 500,
      fetchedBytes: 0,
      via: 'disk',
      ms: 30,
    })
  })

  it('has no rate while it waits for room, and has one again when it goes on', async () => {
    const clock = new FakeClock()
    const meter = new TransferMeter(1_000, clock)
    meter.begin()
    await clock.advance(1_000)
    meter.take({ share: 0.5, fetchedBytes: 500 })
    expect(meter.report()).toMatchObject({ bytesPerSecond: 500 })
    const paused = { code: 'ERR_BLOB_QUOTA', message: 'no room', hint: 'make some' }
    meter.take({ share: 0.5, fetchedBytes: 500, paused })
    expect(meter.report()).not.toHaveProperty('bytesPerSecond')
    meter.take({ share: 0.6, fetchedBytes: 600, paused: null })
    expect(meter.report()).toHaveProperty('bytesPerSecond')
  })

  it('came as a patch where any of it did', () => {
    const meter = new TransferMeter(1_100_000, new FakeClock())
    meter.begin()
    meter.take({ share: 1, fetchedBytes: 3_800, patchBytes: 3_700 })
    meter.end()
    expect(meter.report()).toMatchObject({ via: 'patch', fetchedBytes: 3_800 })
  })

  it('counts what earlier attempts took too', () => {
    const meter = new TransferMeter(1_000, new FakeClock())
    meter.begin()
    meter.take({ share: 0.3, fetchedBytes: 300 })
    meter.begin()
    meter.take({ share: 1, fetchedBytes: 700 })
    expect(meter.report().fetchedBytes).toBe(1_000)
  })

  it('is told at most twenty times, however small the chunks', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 1_000 }), { minLength: 1, maxLength: 2_000 }),
        (parts) => {
          const total = parts.reduce((sum, part) => sum + part, 0)
          const meter = new TransferMeter(total, new FakeClock())
          meter.begin()
          let have = 0
          const told = parts.filter((part) => {
            have += part
            return meter.take({ share: have / total, fetchedBytes: have })
          })
          return told.length <= 20 && meter.report().haveBytes === total
        },
      ),
    )
  })
})
