/** The example app in TypeScript, held against the one in AssemblyScript: same events, same world, same effects. */
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import * as fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { digestOf } from '../../core/index.ts'
import { WitError, type BoundInterface, type Engine, type Sandbox } from '../../host/engine/index.ts'
import {
  event,
  everything,
  handle,
  handler,
  log,
  makeEngine,
  offered,
  pins,
  sensors,
} from '../host/engine/kit.ts'

const config = 'wasi:config/store@0.2.0-rc.1'

/** What an app did, in order. */
type Effect = readonly ['pin', string, boolean] | readonly ['log', string, string] | readonly ['err', unknown]

interface App {
  readonly name: string
  readonly sandbox: Sandbox
  readonly effects: Effect[]
}

/** What both apps see. */
const world: { threshold: string | undefined; configError: unknown; pinError: unknown } = {
  threshold: undefined,
  configError: null,
  pinError: null,
}

let engine: Engine
let typescript: App
let assemblyscript: App

beforeAll(async () => {
  engine = makeEngine()
  assemblyscript = await start('light-alarm', 1024 * 1024)
  typescript = await start('light-alarm-ts', 16 * 1024 * 1024)
})

afterAll(() => engine.stop())

async function start(name: string, memoryBytes: number): Promise<App> {
  const file = fileURLToPath(new URL(`../../components/${name}/build/${name}.wasm`, import.meta.url))
  const bytes = new Uint8Array(await readFile(file))
  const effects: Effect[] = []
  const prepared = await engine.prepare({
    bytes,
    digest: digestOf(bytes),
    granted: everything,
    offered,
    requiredExports: [handler],
    memoryBytes,
  })
  const imports = importsOf(effects)
  return {
    name,
    effects,
    sandbox: await engine.start({ app: name, prepared, imports, deadlineMs: 10_000, memoryBytes }),
  }
}

function importsOf(effects: Effect[]): BoundInterface[] {
  const write = ([pin, level]: readonly unknown[]): void => {
    if (world.pinError !== null) throw new WitError(world.pinError)
    effects.push(['pin', pin as string, level as boolean])
  }
  const get = (): string | undefined => {
    if (world.configError !== null) throw new WitError(world.configError)
    return world.threshold
  }
  // QuickJS links every function of its world, whether or not the app calls it.
  const unused = { mode: 'call', run: () => expect.unreachable() } as const
  return [
    log(([level, , message]) => void effects.push(['log', level as string, message as string])),
    { id: sensors, functions: { read: unused } },
    { id: pins, functions: { read: unused, write: { mode: 'call', run: write } } },
    { id: config, functions: { get: { mode: 'call', run: get }, 'get-all': unused } },
  ]
}

/** Sends one reading to an app. @returns what it did about it */
async function effectsOf({ sandbox, effects }: App, value: number, id: bigint): Promise<Effect[]> {
  effects.length = 0
  try {
    await sandbox.call(handle, [event(value, id)])
  } catch (error) {
    if (!(error instanceof WitError)) throw error
    return [...effects, ['err', error.payload]]
  }
  // A line of the log is a post: it may arrive behind the answer.
  await expect.poll(() => effects.filter(([kind]) => kind === 'log')).toHaveLength(1)
  return [...effects]
}

/** What both do; fails where they differ. */
async function both(value: number, id = 1n): Promise<Effect[]> {
  const one = await effectsOf(assemblyscript, value, id)
  expect(await effectsOf(typescript, value, id)).toEqual(one)
  return one
}

describe('light-alarm-ts', () => {
  it('lights the LED under the threshold, and writes the pin only when the level changes', async () => {
    world.threshold = '300'
    expect(await both(299.9, 41n)).toEqual([
      ['pin', 'led', true],
      ['log', 'info', 'event 41: 299.9 lx, led on'],
    ])
    expect(await both(10, 42n)).toEqual([['log', 'info', 'event 42: 10 lx, led on']])
    expect(await both(300, 43n)).toEqual([
      ['pin', 'led', false],
      ['log', 'info', 'event 43: 300 lx, led off'],
    ])
  })

  it('takes 300 where no threshold is set', async () => {
    world.threshold = undefined
    expect((await both(299)).at(-1)).toEqual(['log', 'info', 'event 1: 299 lx, led on'])
    expect((await both(301)).at(-1)).toEqual(['log', 'info', 'event 1: 301 lx, led off'])
  })

  it.each(['dark', '', '-', '1e3', '12abc', '0x10', '.5', '5.', '1.2.3', '+4', 'NaN', '9'.repeat(400)])(
    'fails the event for the threshold %j, in the same words, and lives on',
    async (threshold) => {
      world.threshold = threshold
      expect(await both(100)).toEqual([
        ['err', `the setting "threshold" is no number: "${threshold}"; write it like "300" or "4.5"`],
      ])
    },
  )

  it.each([
    [{ tag: 'not-granted' }, 'it is not granted to this app'],
    [{ tag: 'unavailable', val: 'gpio 17 is busy — später' }, 'gpio 17 is busy — später'],
  ])('fails the event when the pin answers %j, and tries again at the next', async (pinError, reason) => {
    world.threshold = '300'
    await both(500)
    world.pinError = pinError
    expect(await both(1)).toEqual([['err', `the pin "led" cannot be switched: ${reason}`]])
    world.pinError = null
    expect((await both(1))[0]).toEqual(['pin', 'led', true])
  })

  it('fails the event when the settings cannot be read', async () => {
    world.configError = { tag: 'io', val: 'disk on fire' }
    expect(await both(1)).toEqual([['err', 'the setting "threshold" cannot be read: disk on fire']])
    world.configError = null
  })

  it('does and says the same as light-alarm for any reading and any threshold', async () => {
    const decimal = fc.tuple(fc.integer({ min: -1e6, max: 1e6 }), fc.integer({ min: 0, max: 999 }))
    const thresholds = decimal.map(([whole, rest]) => `${whole}.${String(rest).padStart(3, '0')}`)
    const values = fc.double({ noNaN: true, noDefaultInfinity: true })
    const ids = fc.bigInt({ min: 0n, max: BigInt(Number.MAX_SAFE_INTEGER) })
    await fc.assert(
      fc.asyncProperty(
        thresholds,
        fc.oneof(values, fc.integer().map(Number)),
        ids,
        async (threshold, value, id) => {
          world.threshold = threshold
          await both(value, id)
        },
      ),
      { numRuns: 100 },
    )
  })
})
