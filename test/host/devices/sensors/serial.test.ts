/** A serial line through a pair of pseudo-terminals, one end of which is the device. Wants `socat` and `stty`. */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { closeSync, existsSync, openSync, writeSync } from 'node:fs'
import { afterEach, describe, expect, it } from 'vitest'
import { delay, systemClock } from '../../../../core/index.ts'
import type { Sensor } from '../../../../host/devices/index.ts'
import { serialSensor } from '../../../../host/devices/sensors/serial.ts'
import { DeviceTree } from '../device-tree.ts'
import { openSensor } from '../open-device.ts'

const missing = ['socat', 'stty'].filter((name) => spawnSync('which', [name]).status !== 0)
const title = missing.length === 0 ? 'serial' : `serial (skipped: install ${missing.join(' and ')})`

interface Line {
  readonly tree: DeviceTree
  /** As the device writes. */
  say(text: string): void
  unplug(): Promise<void>
}

const ends: (() => void)[] = []
afterEach(() => {
  for (const end of ends.splice(0)) end()
})

async function plugIn(tree = new DeviceTree()): Promise<Line> {
  if (!existsSync(tree.path('usr/bin/stty')))
    tree.link('usr/bin/stty', spawnSync('which', ['stty']).stdout.toString().trim())
  tree.write('dev/x', '')
  const [near, far] = [tree.path('dev/ttyUSB0'), tree.path('dev/far')]
  const socat: ChildProcess = spawn('socat', [`pty,raw,echo=0,link=${near}`, `pty,raw,echo=0,link=${far}`])
  while (!existsSync(near) || !existsSync(far)) await delay(systemClock, 5)
  const fd = openSync(far, 'r+')
  const gone = new Promise<void>((resolve) => void socat.once('exit', () => resolve()))
  ends.push(() => {
    socat.kill()
    tree.close()
  })
  return {
    tree,
    say: (text) => void writeSync(fd, text),
    async unplug() {
      closeSync(fd)
      socat.kill()
      await gone
      tree.remove('dev/ttyUSB0')
      tree.remove('dev/far')
    },
  }
}

const open = (tree: DeviceTree, options: object = {}): Promise<Sensor> =>
  openSensor(serialSensor, { path: '/dev/ttyUSB0', unit: 'Cel', ...options }, tree)

describe.skipIf(missing.length > 0)(title, () => {
  it('reads numbers from lines, and tells each as it comes', async () => {
    const { tree, say } = await plugIn()
    const sensor = await open(tree, {
      baud: 115_200,
      pattern: 'T=([-\\d.]+)',
      resolution: 0.5,
    })
    expect(sensor).toMatchObject({ unit: 'Cel', resolution: 0.5 })
    const seen: number[] = []
    sensor.watch?.(({ value }) => seen.push(value))
    const first = sensor.read()
    say('hello\r\nT=21.5 H=40\r\nT=-3\r\n')
    expect((await first).value).toBe(21.5)
    await expect.poll(() => seen).toEqual([21.5, -3])
    expect((await sensor.read()).value).toBe(-3)
    await sensor.close()
    await sensor.close()
  })

  it('gives up a wait when nobody wants it any more', async () => {
    const { tree } = await plugIn()
    const sensor = await open(tree)
    const giveUp = new AbortController()
    const reading = sensor.read(giveUp.signal)
    giveUp.abort(new Error('enough'))
    await expect(reading).rejects.toThrow('enough')
    await sensor.close()
  })

  it('says that it was unplugged, and can be opened again when it is back', async () => {
    const line = await plugIn()
    const sensor = await open(line.tree, { pointer: '/t' })
    const why = new Promise<string>((resolve) => void sensor.onGone?.(resolve))
    const waiting = sensor.read()
    waiting.catch(() => {})
    await line.unplug()
    expect(await why).toBeTruthy()
    await expect(waiting).rejects.toMatchObject({ code: 'ERR_DEVICE_UNAVAILABLE' })
    await expect(sensor.read()).rejects.toMatchObject({ code: 'ERR_DEVICE_UNAVAILABLE' })
    await sensor.close()
    await expect(open(line.tree)).rejects.toMatchObject({
      message: '/dev/ttyUSB0: it is not there',
      hint: expect.stringContaining('/dev/serial/by-id'),
    })
    const again = await plugIn(line.tree)
    const back = await open(line.tree, { pointer: '/t' })
    const reading = back.read()
    again.say('{"t":7}\n')
    expect((await reading).value).toBe(7)
    await back.close()
  })

  it('refuses what is no serial line', async () => {
    const { tree } = await plugIn()
    tree.write('dev/file', '21\n')
    await expect(open(tree, { path: '/dev/file' })).rejects.toThrow('/dev/file is no serial line')
    expect(() => open(tree, { path: '/dev/../etc/passwd' })).toThrow('without ".."')
    expect(() => open(tree, { pattern: '(' })).toThrow('regular expression')
  })
})
