import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { silentLog, systemClock } from '../../../core/index.ts'
import { acquireDataLock, ControlServer, type DataLock, type DevicesReport } from '../../../host/api/index.ts'
import { deviceChanges, renderDevices } from '../../../host/cli/render-devices.ts'
import { sparkline } from '../../../host/cli/sparkline.ts'
import { readTrace } from '../../../host/devices/trace.ts'
import { FakeNode } from '../api/fake-node.ts'
import { sampleNow, sampleStatus } from '../api/sample-status.ts'
import { run, type RunOptions } from './fake-world.ts'

let data: string
let node: FakeNode
let lock: DataLock
let server: ControlServer

beforeEach(async () => {
  data = await mkdtemp(join(tmpdir(), 'selvedge-sensors-'))
  node = new FakeNode()
  lock = await acquireDataLock(data)
  server = new ControlServer({ node, lock, clock: systemClock, log: silentLog })
  await server.start()
})

afterEach(async () => {
  await server.stop()
  await lock.release()
  await rm(data, { recursive: true, force: true })
})

const here = (line: string, options: RunOptions = {}): ReturnType<typeof run> =>
  run(line, { data, cwd: data, ...options })

const report = (): Promise<DevicesReport> => node.devices()
const view = { now: sampleNow, utcOffset: 0, colour: false }

describe('`selvedge sensors`', () => {
  it('shows those that are named, sensors and pins alike', async () => {
    const { stdout } = await here('sensors led light')
    expect(stdout).toContain('sensor light')
    expect(stdout).toContain('pin led')
    expect(stdout).not.toContain('heat')
  })

  it('says that there is none of a name, and which was meant', async () => {
    const { code, stdout, stderr } = await here('sensors lihgt')
    expect([code, stdout]).toEqual([1, ''])
    expect(stderr).toBe(
      'error[ERR_UNKNOWN_DEVICE]: this node has no sensor or pin called lihgt\nhint: did you mean light?\n',
    )
  })

  it.each([
    ['sensors --record - --watch', '--record goes with neither --watch'],
    ['sensors --every 1s', '--every is for --record'],
    ['sensors --record - --every 1', 'is no time from 50ms to 1h'],
    ['sensors --record - --every 1ms', 'is no time from 50ms to 1h'],
    ['sensors light --node lobby-2', '--node goes with neither names'],
  ])('refuses `%s`', async (line, why) => {
    const { code, stderr } = await here(line)
    expect(code).toBe(2)
    expect(stderr).toContain(why)
  })

  it('shows of another node which devices it has and how they are, by its record', async () => {
    const devices = [
      { kind: 'sensor' as const, name: 'light', driver: 'iio', health: 'stale' },
      { kind: 'pin' as const, name: 'led', driver: 'sysfs' },
      { kind: 'folder' as const, name: 'photos', driver: 'read' },
    ]
    const nodes = sampleStatus.nodes
      .filter(({ name }) => name === 'lobby-1' || name === 'lobby-2')
      .map((each) => (each.name === 'lobby-2' ? { ...each, devices } : each))
    node.report = { ...sampleStatus, nodes }
    const { stdout } = await here('sensors --node lobby-2')
    expect(stdout).toBe(
      '◐  sensor light  stale  iio\n●  pin led       well   sysfs\n' +
        'by the record of lobby-2, 0.4 s old; what they read is known on that node\n',
    )
    expect((await here('sensors --node lobby-9')).stderr).toContain('ERR_UNKNOWN_NODE')
    const { stdout: status } = await here('status')
    expect(status).toContain('sensor light is stale on lobby-2')
    expect(status).toContain('◐ sensor light stale')
  })

  it('goes on with a line for each change where it is no terminal', async () => {
    const ending = new AbortController()
    let looks = 0
    const devices = await report()
    node.devices = async () => {
      looks += 1
      const [light, ...others] = devices.sensors
      const timeMs = sampleNow + looks * 1_000
      return { ...devices, sensors: [{ ...light!, value: looks, timeMs }, ...others] }
    }
    const { stdout } = await here('sensors --watch', {
      signal: ending.signal,
      onAnswer: (text) => text.includes('  2 lx') && ending.abort(),
    })
    const lines = stdout.trim().split('\n')
    expect(lines).toHaveLength(4)
    expect(lines[3]).toMatch(/^\d\d:\d\d:\d\d {2}● sensor light {2}2 lx$/)
  })
})

describe('what is new of the devices', () => {
  it('is nothing where nothing is', async () => {
    expect(deviceChanges(await report(), await report(), view)).toEqual([])
  })

  it('is a pin that changed, a sensor that became unwell, and one that is well again', async () => {
    const before = await report()
    const [light, heat] = before.sensors
    const [led] = before.pins
    const after: DevicesReport = {
      sensors: [
        { ...light!, problem: 'gone', health: { state: 'missing', forMs: 500, why: 'unplugged' } },
        { ...heat!, health: { state: 'ok', forMs: 0, why: '' } },
      ],
      pins: [{ ...led!, level: false, edges: [{ level: false, timeMs: sampleNow }] }],
    }
    expect(deviceChanges(before, after, view).map((line) => line.slice('22:14:20  '.length))).toEqual([
      '✗ sensor light  last 312.4 lx  missing for 0.5 s: unplugged',
      '◐ sensor heat  last 21.5 Cel  sensor heat (driver iio) does not answer: ENODEV',
      '○ pin led  off',
    ])
  })

  it('moves no cursor and forges no line, whatever a driver wrote', async () => {
    const before = await report()
    const why = 'bad\n\u001b[2Jnews'
    const sensors = before.sensors.map((sensor) => ({
      ...sensor,
      unit: '\u001b[31m',
      health: { state: 'faulty' as const, forMs: 0, why },
    }))
    const text = renderDevices({ ...before, sensors }, view)
    expect(text.split('\n')).toHaveLength(4)
    expect(text).not.toContain('\u001b')
  })
})

describe('`selvedge sensors --record`', () => {
  it('writes a trace of each new reading that `replay` reads, until Ctrl-C, and says how many', async () => {
    const ending = new AbortController()
    const devices = await report()
    let looks = 0
    node.devices = async () => {
      looks += 1
      if (looks === 6) ending.abort()
      const [light, heat] = devices.sensors
      // Every other time it has not been read anew.
      const timeMs = 1_000 * Math.floor(looks / 2)
      return { ...devices, sensors: [{ ...light!, value: Math.floor(looks / 2), timeMs }, heat!] }
    }
    const { code, stdout, stderr } = await here('sensors --record light.csv --every 50ms', {
      signal: ending.signal,
    })
    expect([code, stdout]).toEqual([0, ''])
    expect(stderr).toMatch(/^recorded 4 readings in [\d.]+ s to light\.csv\n$/)
    const { values, unit, times } = readTrace(await readFile(join(data, 'light.csv'), 'utf8'), 'light')
    expect([[...values], unit]).toEqual([[0, 1, 2, 3], 'lx'])
    expect([...times]).toEqual([...times].sort((a, b) => a - b))
  })

  it('writes to standard output for -, and nothing else there', async () => {
    const ending = new AbortController()
    const { stdout } = await here('sensors light --record -', {
      signal: ending.signal,
      onAnswer: (text) => text.includes('light') && ending.abort(),
    })
    expect(stdout).toMatch(/^time,sensor,value,unit\n\d{4}-\d\d-\d\dT[\d:.]+Z,light,312\.4,lx\n$/)
  })

  it('does not write over what was recorded before', async () => {
    await writeFile(join(data, 'light.csv'), 'precious')
    const { code, stderr } = await here('sensors --record light.csv')
    expect(code).toBe(1)
    expect(stderr).toBe(
      'error[ERR_RECORD_FILE]: light.csv cannot be written: it is there already\n' +
        'hint: name another file, or remove this one\n',
    )
    expect(await readFile(join(data, 'light.csv'), 'utf8')).toBe('precious')
  })

  it('needs a node to begin, and goes on when it falls silent for a while', async () => {
    const ending = new AbortController()
    const devices = await report()
    let looks = 0
    node.devices = async () => {
      looks += 1
      if (looks === 2) throw new Error('out of order')
      if (looks === 4) ending.abort()
      return { ...devices, sensors: devices.sensors.map((sensor) => ({ ...sensor, timeMs: looks })) }
    }
    const { code, stderr } = await here('sensors light --record out.csv --every 50ms', {
      signal: ending.signal,
    })
    expect(code).toBe(0)
    expect(stderr.match(/error\[/g)).toHaveLength(1)
    expect(stderr).toContain('recorded 3 readings')
  })
})

describe('a row of values as a picture', () => {
  it('is as high as they are far apart, and flat where they do not move', () => {
    expect(sparkline([0, 1, 2, 3, 4, 5, 6, 7], 20)).toBe('▁▂▃▄▅▆▇█')
    expect(sparkline([-4, 10, -4], 20)).toBe('▁█▁')
    expect(sparkline([5, 5, 5], 20)).toBe('▁▁▁')
    expect(sparkline([], 20)).toBe('')
  })

  it('has a sign for each of the last values, whatever they are', () => {
    const values = fc.array(fc.double({ noNaN: true, min: -1e300, max: 1e300 }))
    fc.assert(
      fc.property(values, (given) => {
        const drawn = sparkline(given, 20)
        expect([...drawn]).toHaveLength(Math.min(20, given.length))
        expect(drawn).toMatch(/^[▁-█]*$/)
      }),
    )
  })
})
