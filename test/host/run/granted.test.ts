import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as fc from 'fast-check'
import { afterAll, describe, expect, test } from 'vitest'
import { parseNodeConfig } from '../../../host/config/index.ts'
import { readGrants, type TypedGrants } from '../../../host/run/index.ts'

const cwd = mkdtempSync(join(tmpdir(), 'selvedge-granted-'))
mkdirSync(join(cwd, 'data'))
writeFileSync(join(cwd, 'file'), '')
afterAll(() => rmSync(cwd, { recursive: true, force: true }))

const nothing: TypedGrants = {
  dir: [],
  'dir-ro': [],
  env: [],
  config: [],
  sensor: [],
  pin: [],
  i2c: [],
  keyvalue: [],
  blobstore: [],
  publish: [],
  'http-origin': [],
  network: [],
}

const read = (typed: Partial<TypedGrants>, environment: Record<string, string> = {}) =>
  readGrants({ ...nothing, ...typed }, cwd, environment)

describe('buses', () => {
  test('are named for addresses on a bus of this machine', () => {
    const { grants, devices } = read({ i2c: ['light=1:0x23', 'both=255:0x23,0x5C'] })
    expect(grants).toEqual(['i2c:light', 'i2c:both'])
    expect(parseNodeConfig(devices, 'options').buses).toEqual({
      light: { driver: 'i2ctransfer', bus: 1, addresses: [0x23] },
      both: { driver: 'i2ctransfer', bus: 255, addresses: [0x23, 0x5c] },
    })
  })

  test('are refused with no address, or none that a chip can have', () => {
    for (const text of [
      'light',
      'light=1',
      'light=1:',
      'light=1:35',
      'light=1:0x78',
      'light=256:0x23',
      'light=1:0x23:2',
      'Light=1:0x23',
    ])
      expect(() => read({ i2c: [text] })).toThrow('--i2c')
  })
})

describe('folders', () => {
  test('have the name they were typed by, or the one behind the colons', () => {
    expect(read({ dir: ['data', '.::/'], 'dir-ro': ['data::/ro'] }).folders).toEqual([
      { hostPath: join(cwd, 'data'), guestPath: 'data', access: 'read-write' },
      { hostPath: cwd, guestPath: '/', access: 'read-write' },
      { hostPath: join(cwd, 'data'), guestPath: '/ro', access: 'read' },
    ])
  })

  test.each(['', '::/data', 'data::', 'data::a::b', 'none', 'file'])('%j is refused', (dir) => {
    expect(() => read({ dir: [dir] })).toThrow(expect.objectContaining({ code: 'ERR_RUN_OPTION' }))
  })
})

test('a variable has the value that was typed last, or the one it has here', () => {
  const { env } = read({ env: ['A=1', 'HERE', 'NOWHERE', 'A=2', 'EMPTY='] }, { HERE: 'x' })
  expect(env).toEqual([
    ['A', '2'],
    ['HERE', 'x'],
    ['EMPTY', ''],
  ])
})

describe('sensors', () => {
  test('are a number with a unit, or the table of a node’s configuration', () => {
    const { grants, devices } = read({
      sensor: ['light=312.5lx', 'heat=-4', 'wave={ shape = "sine", max = 9, period = "2s" }'],
      pin: ['led'],
    })
    expect(grants).toEqual(['sensor:light', 'sensor:heat', 'sensor:wave', 'pin:led'])
    const { sensors, pins } = parseNodeConfig(devices, 'test')
    expect(sensors).toMatchObject({
      light: { driver: 'simulated', options: { shape: 'constant', value: 312.5, unit: 'lx' } },
      heat: { options: { value: -4, unit: '1' } },
      wave: { options: { shape: 'sine', max: 9, period: 2_000 } },
    })
    expect(Object.keys(pins)).toEqual(['led'])
  })

  test.each(['light', '=1', 'Light=1', 'light=', 'light=dark', 'light=1 2', 'light=1lx"'])(
    '%j is refused',
    (sensor) => {
      expect(() => read({ sensor: [sensor] })).toThrow(expect.objectContaining({ code: 'ERR_RUN_OPTION' }))
    },
  )

  test('of one name twice are refused', () => {
    expect(() => read({ sensor: ['a=1', 'a=2'] })).toThrow(/named twice/)
  })

  test('that were typed in any way are refused or understood by the configuration, never half', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 30 }), (value) => {
        let devices: string
        try {
          ;({ devices } = read({ sensor: [`light=${value}`] }))
        } catch (error) {
          expect(error).toMatchObject({ code: 'ERR_RUN_OPTION' })
          return
        }
        if (!value.includes('{'))
          expect(Object.keys(parseNodeConfig(devices, 'x').sensors)).toEqual(['light'])
      }),
    )
  })
})

test('origins are granted in the form that a release has them in', () => {
  expect(read({ 'http-origin': ['https://API.example.com:443/'] }).grants).toEqual([
    'http:https://api.example.com',
  ])
  expect(() => read({ 'http-origin': ['ftp://x'] })).toThrow(
    expect.objectContaining({ code: 'ERR_RUN_OPTION' }),
  )
  expect(() => read({ network: ['everything'] })).toThrow(expect.objectContaining({ code: 'ERR_RUN_OPTION' }))
})
