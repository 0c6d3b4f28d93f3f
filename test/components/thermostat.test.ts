import { cp, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { buildApp } from '../../host/build/index.ts'
import { openedComponent, witError } from './opened-component.ts'

const source = fileURLToPath(new URL('../../components/thermostat', import.meta.url))

/** A room, its heater, and what the node keeps for the app. */
class Room {
  celsius: number | null = 18
  unit = 'Cel'
  config: Record<string, string> = { target: '20', hysteresis: '0.6' }
  readonly stored = new Map<string, string>()
  /** Keys in the order of their writing. */
  readonly storedKeys: string[] = []
  readonly heater: boolean[] = []
  readonly lines: string[] = []
  pinFails = false
}

function importsOf(room: Room): Record<string, Record<string, unknown>> {
  class Bucket {
    get(key: string): Uint8Array | undefined {
      const text = room.stored.get(key)
      return text === undefined ? undefined : new TextEncoder().encode(text)
    }

    set(key: string, value: Uint8Array): void {
      room.stored.set(key, new TextDecoder().decode(value))
      room.storedKeys.push(key)
    }
  }
  return {
    'selvedge:device/sensor': {
      read() {
        if (room.celsius === null) throw witError({ tag: 'unavailable', val: 'unplugged' })
        return { value: room.celsius, unit: room.unit, timeMs: 1n }
      },
    },
    'selvedge:device/pins': {
      write(name: string, level: boolean) {
        if (room.pinFails) throw witError({ tag: 'unavailable', val: 'stuck' })
        expect(name).toBe('heater')
        room.heater.push(level)
      },
    },
    'wasi:keyvalue/store': { Bucket, open: () => new Bucket() },
    'wasi:config/store': { get: (key: string) => room.config[key] },
    'wasi:logging/logging': {
      log: (_level: string, _context: string, message: string) => void room.lines.push(message),
    },
  }
}

interface Thermostat {
  turn(missed?: number): void
  target(): number
  setTarget(celsius: number): void
}

let folder: string
let open: (room: Room) => Promise<Thermostat>

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'selvedge-thermostat-'))
  await cp(source, join(folder, 'app'), { recursive: true, filter: (path) => !path.includes('/build') })
  const { file } = await buildApp(join(folder, 'app'))
  const make = await openedComponent(new Uint8Array(await readFile(file)), join(folder, 'glue'))
  open = async (room) => {
    const exports = await make(importsOf(room))
    const handler = exports['selvedge:edge/timer-handler@0.1.0']
    const control = exports['acme:thermostat/control@1.0.0']
    return {
      turn: (missed = 0) =>
        void handler?.['handle']?.({ id: 1n, attempt: 1, schedule: 'every 10000 ms', timeMs: 1n, missed }),
      target: () => control?.['target']?.() as number,
      setTarget: (celsius) => void control?.['setTarget']?.(celsius),
    }
  }
})

afterAll(() => rm(folder, { recursive: true, force: true }))

function errorOf(run: () => void): unknown {
  try {
    run()
  } catch (error) {
    // jco throws the payload of an exported function's `err`; text comes inside an error of its own.
    return (error as { payload?: unknown }).payload ?? error
  }
  return null
}

describe('the thermostat', () => {
  it('heats below the target, and goes on until half the hysteresis above it', async () => {
    const room = new Room()
    const thermostat = await open(room)
    for (const celsius of [18, 19.8, 20.1, 20.3, 20.1, 19.8, 19.7]) {
      room.celsius = celsius
      thermostat.turn()
    }
    expect(room.heater).toEqual([true, false, true])
    expect(room.lines.at(-1)).toBe('19.7 of 20 degrees, heater on')
  })

  it('goes on as before between the edges when it starts anew, and writes down only what changes', async () => {
    const room = new Room()
    const before = await open(room)
    before.turn()
    before.turn()
    expect(room.storedKeys).toEqual(['heating'])
    room.celsius = 20
    const after = await open(room)
    after.turn()
    expect(room.lines.at(-1)).toBe('20 of 20 degrees, heater on')
    expect(room.heater).toEqual([true, true])
    expect(room.storedKeys).toEqual(['heating'])
  })

  it('keeps the temperature that somebody set, also after a start, and none that is no room’s', async () => {
    const room = new Room()
    const thermostat = await open(room)
    expect(thermostat.target()).toBe(20)
    thermostat.setTarget(17.25)
    expect((await open(room)).target()).toBeCloseTo(17.3, 5)
    for (const celsius of [4.9, 31, Number.NaN, Infinity, -Infinity]) {
      expect(String(errorOf(() => thermostat.setTarget(celsius)))).toContain('from 5 to 30 degrees')
    }
    expect((await open(room)).target()).toBeCloseTo(17.3, 5)
  })

  it('switches the heater off after a minute without a temperature, and not before', async () => {
    const room = new Room()
    const thermostat = await open(room)
    thermostat.turn()
    room.celsius = null
    for (let turn = 1; turn <= 5; turn++) {
      expect(String(errorOf(() => thermostat.turn()))).toContain('unplugged')
      expect(room.heater).toEqual([true])
    }
    expect(String(errorOf(() => thermostat.turn()))).toContain('the heater is off until it does')
    expect(room.heater).toEqual([true, false])
    room.celsius = 15
    thermostat.turn()
    expect(room.heater).toEqual([true, false, true])
  })

  it('takes no other unit for degrees', async () => {
    const room = new Room()
    room.unit = '[degF]'
    const thermostat = await open(room)
    expect(String(errorOf(() => thermostat.turn()))).toContain('it reads [degF] and not Cel')
    expect(room.heater).toEqual([])
  })

  it('tries a heater again that could not be switched', async () => {
    const room = new Room()
    const thermostat = await open(room)
    room.pinFails = true
    expect(String(errorOf(() => thermostat.turn()))).toContain('cannot be switched: stuck')
    room.pinFails = false
    thermostat.turn()
    expect(room.heater).toEqual([true])
  })

  it('names the setting that is wrong', async () => {
    const room = new Room()
    room.config = { target: 'warm', hysteresis: '0.6' }
    const thermostat = await open(room)
    expect(String(errorOf(() => thermostat.turn()))).toContain(
      'the setting "target" is "warm"; write a number from 5 to 30',
    )
  })

  it('says which turns nobody made', async () => {
    const room = new Room()
    const thermostat = await open(room)
    thermostat.turn(3)
    expect(room.lines).toEqual(['18 of 20 degrees, heater on, 3 turns missed'])
  })
})
