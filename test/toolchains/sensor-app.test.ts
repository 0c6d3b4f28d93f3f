/**
 * One sensor app in every toolchain that makes components, through the real engine. Each reads the setting `threshold`
 * and the sensor of its event, lights the pin `led` under the threshold, and leaves one line in the log.
 */
import { readFile } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { digestOf } from '../../core/index.ts'
import { WitError, type BoundInterface, type Engine, type Sandbox } from '../../host/engine/index.ts'
import { event, everything, handle, handler, log, makeEngine, pins, sensors } from '../host/engine/kit.ts'
import { interfaceOffers } from '../../host/interfaces/index.ts'
import { built } from './recipe.ts'
import { sensorApps } from './sensor-apps.ts'

/** Python and StarlingMonkey begin with tens of MiB. */
const memoryBytes = 256 * 1024 * 1024
/** The first build of all. A machine with two busy cores needs half a minute for the largest. */
const buildMs = 300_000

let engine: Engine

beforeAll(() => {
  engine = makeEngine()
})

afterAll(() => engine.stop())

interface World {
  threshold: string | undefined
  readable: boolean
  readonly effects: unknown[][]
}

function importsOf(world: World): BoundInterface[] {
  const unused = { mode: 'call', run: () => expect.unreachable() } as const
  const read = (args: readonly unknown[]): unknown => {
    world.effects.push(['read', ...args])
    if (!world.readable) throw new WitError({ tag: 'unavailable', val: 'busy' })
    return { value: 42.5, unit: 'lx', timeMs: 1_700_000_000_000n }
  }
  const write = (args: readonly unknown[]): void => void world.effects.push(['write', ...args])
  return [
    log(([level, , message]) => void world.effects.push(['log', level, message])),
    { id: sensors, functions: { read: { mode: 'call', run: read } } },
    { id: pins, functions: { read: unused, write: { mode: 'call', run: write } } },
    {
      id: 'wasi:config/store@0.2.0-rc.1',
      functions: { get: { mode: 'call', run: () => world.threshold }, 'get-all': unused },
    },
  ]
}

const sockets = interfaceOffers.map(({ id }) => id).filter((id) => id.startsWith('wasi:sockets/'))

async function start(file: string, world: World): Promise<Sandbox> {
  const bytes = new Uint8Array(await readFile(file))
  const prepared = await engine.prepare({
    bytes,
    digest: digestOf(bytes),
    // Python's runtime links with sockets whether it is granted a network or not.
    granted: [...everything, ...sockets],
    offered: interfaceOffers,
    requiredExports: [handler],
    memoryBytes,
  })
  // Nothing but what the world promises: no way in that a toolchain keeps for itself.
  // Python's runtime keeps one, which no trigger can name.
  expect(prepared.facts.exports.filter((name) => name !== 'exports')).toEqual([handler])
  return engine.start({ app: 'guest', prepared, imports: importsOf(world), deadlineMs: 20_000, memoryBytes })
}

describe.each(sensorApps)('a sensor app in $language', (recipe) => {
  it(
    'reads, decides, writes and logs, and answers what it cannot handle with err',
    async ({ skip }) => {
      const file = await built(recipe, skip)
      const world: World = { threshold: '300', readable: true, effects: [] }
      const sandbox = await start(file, world)

      await sandbox.call(handle, [event(1, 7n)])
      await expect.poll(() => world.effects).toHaveLength(3)
      expect(world.effects).toEqual([
        ['read', 'light'],
        ['write', 'led', true],
        ['log', 'info', 'event 7: 42.5 lx'],
      ])

      world.threshold = '40'
      world.effects.length = 0
      await sandbox.call(handle, [event(1, 8n)])
      expect(world.effects).toContainEqual(['write', 'led', false])

      world.threshold = undefined
      const failure = sandbox.call(handle, [event(1, 9n)])
      await expect(failure).rejects.toMatchObject({ payload: 'no threshold is set' })
      world.threshold = '300'
      world.readable = false
      const unreadable = sandbox.call(handle, [event(1, 10n)])
      await expect(unreadable).rejects.toMatchObject({ payload: 'light gave no reading' })

      // An err is no trap: the same instance goes on.
      world.readable = true
      await sandbox.call(handle, [event(1, 11n)])
      await sandbox.stop()
    },
    buildMs,
  )
})
