/** The component uplink: alone, and on a node's way from a simulated sensor to mosquitto. */
import { cp, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import * as v from 'valibot'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { silentLog, systemClock, systemRandom } from '../../core/index.ts'
import { buildApp } from '../../host/build/index.ts'
import { sensorDrivers } from '../../host/devices/index.ts'
import { createBridges } from '../../host/mqtt/index.ts'
import { memoryQueues } from '../../host/queue/index.ts'
import { mosquitto } from '../contract/servers/mosquitto.ts'
import { hasProgram, ServerProcess } from '../contract/servers/server-process.ts'
import { brokersAt, configFor, text, until } from '../host/mqtt/brokers.ts'
import { TopicsDouble } from '../host/mqtt/topics-double.ts'
import { openedComponent, witError } from './opened-component.ts'

const source = fileURLToPath(new URL('../../components/uplink', import.meta.url))
const hasMosquitto = hasProgram('mosquitto')

interface Sent {
  readonly topic: string
  readonly body: Uint8Array
  readonly contentType: string
  readonly metadata: [string, string][]
}

/** What the node gives the app. */
class World {
  config: Record<string, string> = {}
  failure: unknown = null
  readonly sent: Sent[] = []
  readonly lines: string[] = []
}

function importsOf(world: World): Record<string, Record<string, unknown>> {
  class Client {
    readonly name: string
    constructor(name: string) {
      this.name = name
    }
    static connect(name: string): Client {
      return new Client(name)
    }
  }
  class Message {
    type = ''
    readonly pairs: [string, string][] = []
    readonly bytes: Uint8Array
    constructor(data: Uint8Array) {
      this.bytes = data.slice()
    }
    setContentType(type: string): void {
      this.type = type
    }
    addMetadata(key: string, value: string): void {
      this.pairs.push([key, value])
    }
  }
  return {
    'wasi:messaging/types': { Client, Message },
    'wasi:messaging/producer': {
      send(_client: Client, topic: string, message: Message) {
        if (world.failure !== null) throw witError(world.failure)
        world.sent.push({ topic, body: message.bytes, contentType: message.type, metadata: message.pairs })
      },
    },
    'selvedge:device/sensor': {},
    'selvedge:edge/sensor-handler': {},
    'wasi:config/store': { get: (key: string) => world.config[key] },
    'wasi:logging/logging': {
      log: (_level: string, _context: string, message: string) => void world.lines.push(message),
    },
  }
}

interface Event {
  readonly id: bigint
  readonly sensor: string
  readonly reading: { readonly value: number; readonly unit: string; readonly timeMs: bigint }
}

let folder: string
let open: (world: World) => Promise<(events: readonly Event[]) => void>

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'selvedge-uplink-'))
  await cp(source, join(folder, 'app'), { recursive: true, filter: (path) => !path.includes('/build') })
  const { file } = await buildApp(join(folder, 'app'))
  const make = await openedComponent(new Uint8Array(await readFile(file)), join(folder, 'glue'))
  open = async (world) => {
    const exports = await make(importsOf(world))
    return (events) => void exports['selvedge:edge/sensor-batch-handler@0.1.0']?.['handle']?.(events)
  }
})

afterAll(() => rm(folder, { recursive: true, force: true }))

const event = (id: number, value: number, unit = 'lx', sensor = 'light'): Event => ({
  id: BigInt(id),
  sensor,
  reading: { value, unit, timeMs: 1_700_000_000_000n },
})
const readingsOf = (body: Uint8Array): unknown[] =>
  (JSON.parse(text(body)) as { readings: unknown[] }).readings

describe('the uplink', () => {
  it('makes one message of a batch, with a key that keeps the order of the sensor', async () => {
    const world = new World()
    const handle = await open(world)
    handle([event(7, 312.5), event(8, -3), event(9, 1e-7)])
    expect(world.sent).toHaveLength(1)
    const [sent] = world.sent
    expect(sent).toMatchObject({
      topic: 'telemetry/light',
      contentType: 'application/json',
      metadata: [['key', 'light']],
    })
    expect(readingsOf(sent!.body)).toEqual([
      { id: 7, sensor: 'light', value: 312.5, unit: 'lx', timeMs: 1_700_000_000_000 },
      { id: 8, sensor: 'light', value: -3, unit: 'lx', timeMs: 1_700_000_000_000 },
      { id: 9, sensor: 'light', value: 1e-7, unit: 'lx', timeMs: 1_700_000_000_000 },
    ])
    expect(world.lines).toEqual(['3 readings to telemetry/light'])
  })

  it('sends to the topic of its setting, and writes JSON whatever a unit has in it', async () => {
    const world = new World()
    world.config = { topic: 'site/light' }
    const handle = await open(world)
    handle([event(1, 1e300, 'a"\\b')])
    expect(world.sent[0]?.topic).toBe('site/light')
    expect(readingsOf(world.sent[0]!.body)).toMatchObject([{ value: 1e300, unit: 'a"\\b' }])
    handle([])
    expect(world.sent).toHaveLength(1)
  })

  it('fails with the reason where the node does not take the message, and goes on afterwards', async () => {
    const world = new World()
    const handle = await open(world)
    world.failure = { tag: 'permission-denied', val: 'not granted' }
    let said: unknown = null
    try {
      handle([event(1, 1)])
    } catch (error) {
      said = (error as { payload?: unknown }).payload ?? error
    }
    expect(String(said)).toContain('"telemetry/light" takes nothing: not granted')
    world.failure = null
    handle([event(1, 1)])
    expect(world.sent).toHaveLength(1)
  })
})

it.skipIf(hasMosquitto)('leaves the way to a broker untested here: install mosquitto', () => {})

it.skipIf(!hasMosquitto)('carries a simulated sensor to a broker that is stopped and started', async () => {
  const server = await ServerProcess.start(mosquitto())
  const brokers = brokersAt({
    cloud: configFor(server.port),
    site: configFor(server.port, { 'client-id': 'site' }),
  })
  const topics = new TopicsDouble()
  const bridges = createBridges(
    [
      {
        broker: 'cloud',
        out: [{ topic: 'telemetry/light', to: 'sites/7/light', retain: false }],
        in: [],
        size: 2 ** 20,
        items: 100,
        'when-full': 'refuse',
      },
    ],
    {
      brokers,
      topics,
      queues: memoryQueues(systemClock),
      mesh: 'harbor',
      clock: systemClock,
      random: systemRandom,
      log: silentLog,
    },
  )
  try {
    await bridges.start()
    const arrived: unknown[] = []
    brokers.get('site').listen('sites/#', ({ payload }) => arrived.push(...readingsOf(payload)))
    await until(() => brokers.all().every((broker) => broker.health().state === 'up'), 'the brokers')
    const driver = sensorDrivers.find(({ kind }) => kind === 'simulated')!
    const options = v.parse(driver.options, { shape: 'steps', values: [100, 200], period: '1s', unit: 'lx' })
    const light = await driver.open('light', options, { clock: systemClock, random: systemRandom, root: '/' })
    const world = new World()
    const handle = await open(world)
    const readAndSend = async (from: number): Promise<void> => {
      const batch: Event[] = []
      for (let id = from; id < from + 5; id += 1) {
        const { value, unit, timeMs } = await light.read()
        batch.push({ id: BigInt(id), sensor: 'light', reading: { value, unit, timeMs: BigInt(timeMs) } })
      }
      handle(batch)
      const { topic, body, contentType } = world.sent.at(-1)!
      await topics.hand({ topic, body, contentType, key: 'light' })
    }
    await readAndSend(1)
    await until(() => arrived.length >= 5, 'the first batch')
    await server.stop()
    await readAndSend(6)
    await readAndSend(11)
    expect(bridges.reports()[0]?.waiting).toBe(2)
    await server.start()
    await until(() => bridges.reports()[0]?.waiting === 0, 'the rest')
    expect(bridges.reports()[0]).toMatchObject({ sent: 3, dropped: 0 })
    expect(arrived.slice(0, 5)).toMatchObject(
      [1, 2, 3, 4, 5].map((id) => ({ id, sensor: 'light', unit: 'lx' })),
    )
    await light.close()
  } finally {
    bridges.stop()
    await brokers.stop()
    await server.remove()
  }
})
