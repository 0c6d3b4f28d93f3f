/** What the kernel wrote for this node, and over which time. */
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { WriteMeter, writtenBytes } from '../../../host/node/disk-writes.ts'
import { VirtualClock } from '../../sim/index.ts'

const minuteMs = 60_000

it('the last hour is told, or the time since the start where that is shorter', async () => {
  const clock = new VirtualClock()
  let bytes = 1_000
  const meter = new WriteMeter(clock, async () => bytes)
  await meter.start()
  expect(await meter.writes()).toEqual({ totalBytes: 1_000, bytes: 0, overMs: 0 })
  bytes += 500
  await clock.run(20 * minuteMs)
  expect(await meter.writes()).toEqual({ totalBytes: 1_500, bytes: 500, overMs: 20 * minuteMs })
  await clock.run(5 * 60 * minuteMs)
  bytes += 70
  expect(await meter.writes()).toEqual({ totalBytes: 1_570, bytes: 70, overMs: 60 * minuteMs })
  await clock.run(30 * minuteMs)
  expect((await meter.writes()).bytes).toBe(70)
  await clock.run(60 * minuteMs)
  expect((await meter.writes()).bytes).toBe(0)
  meter.stop()
})

const canCount = existsSync('/proc/self/io')

it.skipIf(!canCount)(
  `bytes of a child count while it runs and after${canCount ? '' : ': needs /proc'}`,
  async () => {
    // Not in a temporary folder, which may be in memory: only disks count.
    const folder = await mkdtemp(join(resolve(import.meta.dirname, '../../..'), 'build', 'writes-'))
    onTestFinished(() => rm(folder, { recursive: true, force: true }))
    const before = await writtenBytes()
    await writeFile(join(folder, 'own'), Buffer.alloc(200_000, 1))
    const own = await writtenBytes()
    if (own === before) return // the file system keeps no such count
    expect(own - before).toBeGreaterThanOrEqual(196_608)
    spawnSync(process.execPath, [
      '-e',
      `require('fs').writeFileSync(${JSON.stringify(join(folder, 'child'))}, Buffer.alloc(400_000))`,
    ])
    expect((await writtenBytes()) - own).toBeGreaterThanOrEqual(393_216)
  },
)
