import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { componentWit } from '@bytecodealliance/jco-transpile/wasm-tools'
import * as fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { buildApp } from '../../host/build/index.ts'
import { openedComponent, witError } from './opened-component.ts'

const source = fileURLToPath(new URL('../../components/light-alarm', import.meta.url))

/** What the app did to the world it was given. */
interface World {
  config: Record<string, string>
  /** Thrown by the next pin write, as the WIT error it stands for. */
  pinError: unknown
  configError: unknown
  readonly writes: [name: string, level: boolean][]
  readonly lines: [level: string, context: string, message: string][]
}

interface App {
  readonly world: World
  readonly memories: WebAssembly.Memory[]
  handle(id: number, value: number, unit?: string): void
}

let folder: string
let bytes: Uint8Array
let open: (world: World) => Promise<App>

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'selvedge-light-alarm-'))
  await cp(source, join(folder, 'app'), { recursive: true, filter: (path) => !path.includes('/build') })
  const { file } = await buildApp(join(folder, 'app'))
  bytes = new Uint8Array(await readFile(file))
  open = await transpile(bytes, join(folder, 'glue'))
})

afterAll(() => rm(folder, { recursive: true, force: true }))

function newWorld(config: Record<string, string> = {}): World {
  return { config, pinError: null, configError: null, writes: [], lines: [] }
}

async function transpile(component: Uint8Array, out: string): Promise<(world: World) => Promise<App>> {
  const make = await openedComponent(component, out)
  return async (world) => {
    const memories: WebAssembly.Memory[] = []
    const exports = await make(importsOf(world), (instance) => {
      for (const value of Object.values(instance.exports)) {
        if (value instanceof WebAssembly.Memory) memories.push(value)
      }
    })
    const handler = exports['selvedge:edge/sensor-handler@0.1.0'] ?? exports['sensorHandler']
    const handle = (id: number, value: number, unit = 'lx'): void =>
      void handler?.['handle']?.({ id: BigInt(id), sensor: 'light', reading: { value, unit, timeMs: 1n } })
    return { world, memories, handle }
  }
}

function importsOf(world: World): Record<string, Record<string, unknown>> {
  return {
    'selvedge:device/pins': {
      write(name: string, level: boolean) {
        if (world.pinError !== null) throw witError(world.pinError)
        world.writes.push([name, level])
      },
    },
    'wasi:config/store': {
      get(key: string) {
        if (world.configError !== null) throw witError(world.configError)
        return world.config[key]
      },
    },
    'wasi:logging/logging': {
      log: (level: string, context: string, message: string) =>
        void world.lines.push([level, context, message]),
    },
  }
}

function failureOf(run: () => void): unknown {
  try {
    run()
  } catch (error) {
    // jco throws the payload of an exported function's `err` as it is.
    return error
  }
  return null
}

describe('the built component', () => {
  it('is at most 12 KB and imports only what its world offers', async () => {
    expect(bytes.length).toBeLessThanOrEqual(12_288)
    const imports = [...(await componentWit(bytes)).matchAll(/^ {2}import (.+);$/gm)].map((match) => match[1])
    expect(imports.sort()).toEqual([
      'selvedge:device/pins@0.1.0',
      'selvedge:device/sensor@0.1.0',
      'wasi:config/store@0.2.0-rc.1',
      'wasi:logging/logging@0.1.0-draft',
    ])
  })

  it('is the same bytes when it is built again in another place, and holds no path', async () => {
    const elsewhere = join(folder, 'another', 'place')
    await cp(source, elsewhere, { recursive: true, filter: (path) => !path.includes('/build') })
    const { file } = await buildApp(elsewhere)
    expect(Buffer.compare(await readFile(file), bytes)).toBe(0)
    const text = Buffer.from(bytes).toString('latin1')
    expect(text).not.toContain(folder)
    expect(text).not.toContain('node_modules')
  })
})

describe('the rule', () => {
  it('lights the LED under the threshold and puts it out at and above it', async () => {
    const app = await open(newWorld({ threshold: '300' }))
    for (const [id, value] of [299.9, 300, 5000, -1].entries()) app.handle(id, value)
    expect(app.world.writes).toEqual([
      ['led', true],
      ['led', false],
      ['led', true],
    ])
  })

  it('is the other way round after its one line was changed', async () => {
    const changed = join(folder, 'changed')
    await cp(source, changed, { recursive: true, filter: (path) => !path.includes('/build') })
    const rule = join(changed, 'assembly', 'rule.ts')
    const text = await readFile(rule, 'utf8')
    expect(text).toContain('value < threshold')
    await writeFile(rule, text.replace('value < threshold', 'value > threshold'))
    const { file } = await buildApp(changed)
    const openChanged = await transpile(new Uint8Array(await readFile(file)), join(folder, 'changed-glue'))
    const app = await openChanged(newWorld({ threshold: '300' }))
    app.handle(1, 100)
    app.handle(2, 500)
    expect(app.world.lines.map((line) => line[2])).toEqual([
      'event 1: 100 lx, led off',
      'event 2: 500 lx, led on',
    ])
  })

  it('takes the threshold of the settings, anew for each event, and 300 where there is none', async () => {
    const app = await open(newWorld())
    app.handle(1, 250)
    app.world.config = { threshold: '200.5' }
    app.handle(2, 250)
    app.handle(3, 200.4)
    expect(app.world.writes.map(([, level]) => level)).toEqual([true, false, true])
  })
})

describe('the pin', () => {
  it('is written on the first event, and then only when the level changes', async () => {
    const app = await open(newWorld())
    for (const [id, value] of [500, 600, 700, 100, 50, 800].entries()) app.handle(id, value)
    expect(app.world.writes.map(([, level]) => level)).toEqual([false, true, false])
    expect(app.world.lines).toHaveLength(6)
  })

  it.each([
    [{ tag: 'unavailable', val: 'gpio 17 is busy — später' }, 'gpio 17 is busy — später'],
    [{ tag: 'not-granted' }, 'it is not granted to this app'],
  ])('that cannot be switched (%j) fails the event, and is tried again', async (error, words) => {
    const app = await open(newWorld())
    app.world.pinError = error
    expect(failureOf(() => app.handle(1, 100))).toBe(`the pin "led" cannot be switched: ${words}`)
    expect(app.world.lines).toEqual([])
    app.world.pinError = null
    app.handle(2, 100)
    expect(app.world.writes).toEqual([['led', true]])
  })
})

describe('the settings', () => {
  it.each(['dark', '', ' ', '12abc', '1e3', '1.', '.5', '-', '--1', '1.2.3', 'NaN'])(
    'with the threshold %j fail the event with words, and switch nothing',
    async (threshold) => {
      const app = await open(newWorld({ threshold }))
      expect(failureOf(() => app.handle(1, 100))).toBe(
        `the setting "threshold" is no number: "${threshold}"; write it like "300" or "4.5"`,
      )
      expect(app.world.writes).toEqual([])
    },
  )

  it('with a threshold of more digits than a number can have fail the event', async () => {
    const app = await open(newWorld({ threshold: '9'.repeat(400) }))
    expect(failureOf(() => app.handle(1, 100))).toContain('is no number')
  })

  it('that cannot be read fail the event with the reason', async () => {
    const app = await open(newWorld())
    app.world.configError = { tag: 'io', val: 'disk on fire' }
    expect(failureOf(() => app.handle(1, 100))).toBe('the setting "threshold" cannot be read: disk on fire')
  })

  it('give any decimal threshold its value', async () => {
    const app = await open(newWorld())
    const decimal = fc.tuple(fc.integer({ min: -1e9, max: 1e9 }), fc.integer({ min: 0, max: 999 }))
    fc.assert(
      fc.property(decimal, ([whole, thousandths]) => {
        const text = `${whole}.${String(thousandths).padStart(3, '0')}`
        app.world.config = { threshold: text }
        app.world.lines.length = 0
        const step = 0.000_01
        app.handle(1, Number(text) - step)
        app.handle(2, Number(text) + step)
        expect(app.world.lines.map((line) => line[2].slice(-3))).toEqual([' on', 'off'])
      }),
    )
  })
})

describe('the log', () => {
  it.each([
    [312, 'lx', 'event 41: 312 lx, led off'],
    [312.04, 'lx', 'event 41: 312 lx, led off'],
    [99.96, '%', 'event 41: 100 %, led on'],
    [-0.5, 'Cel', 'event 41: -0.5 Cel, led on'],
    [-0.04, 'Cel', 'event 41: 0 Cel, led on'],
    [0.25, '°', 'event 41: 0.3 °, led on'],
    [1e300, 'lx', 'event 41: >1e15 lx, led off'],
  ])('says of %d %s: %j', async (value, unit, line) => {
    const app = await open(newWorld())
    app.handle(41, value, unit)
    expect(app.world.lines).toEqual([['info', 'light-alarm', line]])
  })

  it('names the highest event id there can be', async () => {
    const app = await open(newWorld())
    app.handle(Number.MAX_SAFE_INTEGER, 1)
    expect(app.world.lines[0]?.[2]).toBe('event 9007199254740991: 1 lx, led on')
  })
})

describe('memory', () => {
  it('does not grow over 20,000 events, handled and failed', async () => {
    const app = await open(newWorld({ threshold: '300' }))
    const size = (): number => app.memories.reduce((sum, memory) => sum + memory.buffer.byteLength, 0)
    app.handle(0, 1)
    const before = size()
    for (let id = 1; id <= 20_000; id++) {
      app.world.pinError = id % 10 === 0 ? { tag: 'unavailable', val: 'x'.repeat(200) } : null
      failureOf(() => app.handle(id, id % 2 === 0 ? 100 : 500))
    }
    expect(app.world.lines.length).toBeGreaterThan(10_000)
    expect(before).toBe(65_536)
    expect(size()).toBe(before)
  })
})
