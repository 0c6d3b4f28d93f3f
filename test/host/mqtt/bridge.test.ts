/** Bridges between the mesh and mosquitto, both ways, whatever is stopped and started. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeAll, describe, expect, it } from 'vitest'
import { openFolder, silentLog, systemClock, systemRandom } from '../../../core/index.ts'
import {
  createBridges,
  keptBrokers,
  type BridgeConfig,
  type Bridges,
  type Brokers,
} from '../../../host/mqtt/index.ts'
import { messageLimits } from '../../../host/messages/index.ts'
import { diskQueues, memoryQueues, type Queues } from '../../../host/queue/index.ts'
import { mosquitto, type MosquittoOptions } from '../../contract/servers/mosquitto.ts'
import { hasProgram, ServerProcess } from '../../contract/servers/server-process.ts'
import { brokersAt, bytes, configFor, text, until } from './brokers.ts'
import { TopicsDouble } from './topics-double.ts'

const hasMosquitto = hasProgram('mosquitto')
const ends: (() => unknown)[] = []
let names = 0
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end()
})

async function server(options: MosquittoOptions = {}): Promise<ServerProcess> {
  const process = await ServerProcess.start(mosquitto(options))
  ends.push(() => process.remove())
  return process
}

const usual: BridgeConfig = {
  broker: 'b',
  out: [],
  in: [],
  size: 2 ** 20,
  items: 1_000,
  'when-full': 'refuse',
}

interface Node {
  readonly topics: TopicsDouble
  readonly brokers: Brokers
  readonly bridges: Bridges
  stop(): Promise<void>
}

async function node(
  port: number,
  config: Partial<BridgeConfig>,
  more: { mesh?: string; clientId?: string; queues?: Queues; version?: '5' | '3.1.1' } = {},
): Promise<Node> {
  const configs = [{ ...usual, ...config }]
  const topics = new TopicsDouble()
  names += 1
  const clientId = more.clientId ?? `bridge-${process.pid}-${names}`
  const brokers = brokersAt(
    { b: configFor(port, { version: more.version ?? 'auto' }) },
    { kept: [...keptBrokers(configs)], clientId },
  )
  const bridges = createBridges(configs, {
    brokers,
    topics,
    queues: more.queues ?? memoryQueues(systemClock),
    mesh: more.mesh ?? 'harbor',
    clock: systemClock,
    random: systemRandom,
    log: silentLog,
  })
  await bridges.start()
  const stop = async (): Promise<void> => {
    bridges.stop()
    await brokers.stop()
  }
  ends.push(stop)
  return { topics, brokers, bridges, stop }
}

/** Hears what arrives at the broker. */
async function listener(port: number, filter: string): Promise<{ heard: string[]; brokers: Brokers }> {
  const brokers = brokersAt({ l: configFor(port) })
  ends.push(() => brokers.stop())
  const heard: string[] = []
  let isHeard = false
  brokers.get('l').listen(filter, ({ payload }) => {
    if (text(payload) === 'is anybody there?') isHeard = true
    else heard.push(text(payload))
  })
  await until(() => brokers.get('l').health().state === 'up', 'the listener')
  await until(async () => {
    await brokers.get('l').publish(filter.replace('#', 'listener'), bytes('is anybody there?'))
    return isHeard
  }, 'its subscription')
  return { heard, brokers }
}

const out = [{ topic: 'telemetry/door', to: 'site/door', retain: false }]

it.skipIf(hasMosquitto)('leaves bridges untested here: install mosquitto', () => {})

describe.skipIf(!hasMosquitto)('a bridge to a broker', () => {
  it('carries what is published in the mesh, in order for each key', async () => {
    const { port } = await server()
    const { heard } = await listener(port, 'site/#')
    const { topics, bridges } = await node(port, { out })
    for (let n = 0; n < 100; n += 1) {
      await topics.hand({ topic: 'telemetry/door', key: `k${n % 3}`, body: bytes(`${n % 3}:${n}`) })
    }
    await until(() => heard.length >= 100, 'all')
    for (const key of ['0', '1', '2']) {
      const numbers = heard.filter((word) => word.startsWith(`${key}:`)).map((word) => Number(word.slice(2)))
      expect(numbers).toEqual([...numbers].sort((a, b) => a - b))
    }
    await until(() => bridges.reports()[0]?.waiting === 0, 'the end')
    expect(bridges.reports()).toMatchObject([{ name: 'b', sent: 100, problem: null, dropped: 0 }])
  })

  it('keeps what comes while the broker is stopped, and loses none when it comes and goes', async () => {
    const process = await server()
    const { heard } = await listener(process.port, 'site/#')
    const { topics, bridges } = await node(process.port, { out })
    for (let round = 0; round < 3; round += 1) {
      await process.stop(round === 1 ? 'SIGKILL' : 'SIGTERM')
      for (let n = 0; n < 20; n += 1) {
        await topics.hand({ topic: 'telemetry/door', key: 'k', body: bytes(`${round * 20 + n}`) })
      }
      expect(bridges.reports()[0]?.waiting).toBeGreaterThan(0)
      // Who listens has to be back first: a broker keeps nothing for a listener of this kind.
      await process.start()
      await until(() => bridges.reports()[0]?.waiting === 0, `round ${round}`)
    }
    expect(bridges.reports()[0]).toMatchObject({ sent: 60, problem: null })
    await until(() => heard.length > 0, 'something')
    const numbers = heard.map(Number)
    expect(numbers).toEqual([...numbers].sort((a, b) => a - b))
  })

  it('takes messages of topics that are longer than a key, cut where a character ends', async () => {
    const { port } = await server()
    const { topics, bridges } = await node(port, { in: [{ topic: 'long/#', to: 'heard' }] })
    const { brokers } = await listener(port, 'unused')
    const topic = `long/${'x'.repeat(messageLimits.keyChars - 6)}🔔/more`
    await until(() => bridges.reports()[0]?.problem === null, 'the bridge')
    await until(async () => {
      await brokers.get('l').publish(topic, bytes('1'))
      return topics.published.length > 0
    }, 'the message')
    expect(topics.published[0]?.key).toBe(topic.slice(0, messageLimits.keyChars - 1))
  })

  it('takes the same message once, and none that came from this broker', async () => {
    const { port } = await server()
    const { heard } = await listener(port, 'site/#')
    const { topics, bridges } = await node(port, { out })
    const again = { topic: 'telemetry/door', id: 'same', body: bytes('once') }
    await topics.hand(again)
    await topics.hand(again)
    await topics.hand({ topic: 'telemetry/door', metadata: [['mqtt-broker', 'b']], body: bytes('circle') })
    await topics.hand({ ...again, origin: 'node-b', body: bytes('other') })
    await until(() => heard.length >= 2 && bridges.reports()[0]?.waiting === 0, 'both')
    expect([...heard].sort()).toEqual(['once', 'other'])
  })

  it('refuses what does not fit, so that the mesh keeps it, or drops the oldest and counts', async () => {
    // Nobody listens at this port.
    const strict = await node(9, { out, items: 3 })
    for (let n = 0; n < 3; n += 1) await strict.topics.hand({ topic: 'telemetry/door' })
    await expect(strict.topics.hand({ topic: 'telemetry/door' })).rejects.toMatchObject({
      code: 'ERR_QUEUE_FULL',
    })
    expect(strict.bridges.reports()[0]).toMatchObject({ waiting: 3, problem: { code: 'ERR_BRIDGE_FULL' } })
    const lenient = await node(9, { out, items: 3, 'when-full': 'drop-oldest' })
    for (let n = 0; n < 5; n += 1) await lenient.topics.hand({ topic: 'telemetry/door' })
    expect(lenient.bridges.reports()[0]).toMatchObject({ waiting: 3, dropped: 2, problem: null })
  })

  it('drops and counts what is larger than all that it may keep, and takes what comes behind it', async () => {
    const { topics, bridges } = await node(9, { out, size: 2_000 })
    await topics.hand({ topic: 'telemetry/door', body: new Uint8Array(4_000) })
    await topics.hand({ topic: 'telemetry/door', body: bytes('small') })
    expect(bridges.reports()[0]).toMatchObject({ waiting: 1, dropped: 1, problem: null })
  })

  it('that would hear more than a broker is asked for says so, and sends all the same', async () => {
    const many = Array.from({ length: 600 }, (_, n) => ({ topic: `site/${n}`, to: `site-${n}` }))
    const { topics, bridges } = await node(9, { out, in: many })
    expect(bridges.reports()[0]).toMatchObject({ problem: { code: 'ERR_BROKER_FILTERS' } })
    await topics.hand({ topic: 'telemetry/door', body: bytes('out') })
    expect(bridges.reports()[0]).toMatchObject({ waiting: 1 })
  })

  it('keeps aside what the broker refuses, and goes on with the rest', async () => {
    const { port } = await server({ access: 'topic readwrite site/#' })
    const { heard } = await listener(port, 'site/#')
    const { topics, bridges } = await node(port, {
      out: [...out, { topic: 'secret', to: 'closed/door', retain: false }],
    })
    await topics.hand({ topic: 'secret', body: bytes('no') })
    await topics.hand({ topic: 'telemetry/door', body: bytes('yes') })
    await until(() => heard.includes('yes'), 'the other')
    await until(() => bridges.reports()[0]?.waiting === 1, 'the rest')
  })

  it('carries what has control characters beside its body, for which brokers hang up, and what comes behind it', async () => {
    const { port } = await server()
    const { heard } = await listener(port, 'site/#')
    const { topics, brokers } = await node(port, { out })
    await until(() => brokers.get('b').health().state === 'up', 'the connection')
    const metadata = [['note', 'two\nlines \u0000\ufffe']] as const
    await topics.hand({
      topic: 'telemetry/door',
      key: 'k',
      contentType: 'a\tb',
      metadata,
      body: bytes('odd'),
    })
    await topics.hand({ topic: 'telemetry/door', key: 'k', body: bytes('next') })
    await until(() => heard.includes('next'), 'the next')
    expect(heard).toEqual(['odd', 'next'])
    expect(brokers.get('b').counts().connections).toBe(1)
  })

  it('carries into the mesh, told by the broker’s topic, and not what left the mesh', async () => {
    const { port } = await server()
    const site = await node(port, { in: [{ topic: 'commands/#', to: 'commands' }] })
    const same = await node(port, { out: [{ topic: 'o', to: 'commands/echo', retain: false }] })
    const other = await node(
      port,
      { out: [{ topic: 'o', to: 'commands/other', retain: false }] },
      { mesh: 'hill' },
    )
    const { brokers } = await listener(port, 'none')
    await until(() => site.brokers.get('b').health().state === 'up', 'the connection')
    await until(async () => {
      await brokers.get('l').publish('commands/lamp', bytes('on'), { metadata: [['by', 'hand']] })
      return site.topics.published.length > 0
    }, 'the first')
    const [first] = site.topics.published
    expect(first).toMatchObject({ topic: 'commands', key: 'commands/lamp', body: bytes('on') })
    expect(first?.metadata).toEqual([
      ['mqtt-broker', 'b'],
      ['mqtt-topic', 'commands/lamp'],
      ['by', 'hand'],
    ])
    await same.topics.hand({ topic: 'o', body: bytes('echo') })
    await other.topics.hand({ topic: 'o', id: 'x', body: bytes('from the hill') })
    await until(() => site.topics.published.some(({ key }) => key === 'commands/other'), 'the other mesh')
    await until(() => site.bridges.reports()[0]?.passedOver.echo === 1, 'the echo')
    expect(site.topics.published.some(({ key }) => key === 'commands/echo')).toBe(false)
    expect(site.topics.published.find(({ key }) => key === 'commands/other')?.id).toMatch(/^[0-9a-f]{64}$/)
  })

  it.each(['5', '3.1.1'] as const)(
    'takes retained messages once, however often it connects (MQTT %s)',
    async (version) => {
      const process = await server()
      const { brokers } = await listener(process.port, 'none')
      await brokers.get('l').publish('conf/a', bytes('1'), { isRetained: true })
      const { topics, brokers: own } = await node(
        process.port,
        { in: [{ topic: 'conf/+', to: 'conf' }] },
        { version },
      )
      await until(() => topics.published.length > 0, 'the first')
      await process.stop()
      await process.start()
      await until(() => own.get('b').counts().connections >= 2, 'the return')
      await until(() => brokers.get('l').health().state === 'up', 'the other')
      await until(async () => {
        await brokers.get('l').publish('conf/b', bytes('2'))
        return topics.published.some(({ key }) => key === 'conf/b')
      }, 'the last')
      const keys = topics.published.map(({ key }) => key)
      expect(keys.filter((key) => key !== 'conf/b')).toEqual(['conf/a'])
    },
  )

  it('leaves with the broker what the mesh cannot take, and gets it again', async () => {
    const { port } = await server()
    const { topics, bridges, brokers: own } = await node(port, { in: [{ topic: 'c', to: 'c' }] })
    const { brokers } = await listener(port, 'none')
    await until(() => own.get('b').health().state === 'up', 'the connection')
    await until(async () => {
      await brokers.get('l').publish('c', bytes('0'))
      return topics.published.length > 0
    }, 'the first')
    topics.failure = new Error('the disk is full')
    for (const word of ['1', '2', '3']) await brokers.get('l').publish('c', bytes(word))
    await until(() => own.get('b').counts().notTaken > 0, 'the failure')
    topics.failure = null
    // Of those that asked whether it hears, one may be under way yet.
    const words = (): string[] =>
      topics.published.map(({ body }) => text(body)).filter((word) => word !== '0')
    await until(() => words().length >= 3, 'all')
    expect(words()).toEqual(['1', '2', '3'])
    expect(bridges.reports()[0]?.passedOver.oversized).toBe(0)
    // More than a message of the mesh may be, but not more than the broker's table allows.
    await brokers.get('l').publish('c', new Uint8Array(256 * 1024))
    await until(() => topics.published.at(-1)?.body.length === 256 * 1024, 'the largest')
  })
})

describe.skipIf(!hasMosquitto)('a bridge on a disk', () => {
  let folder: string
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'selvedge-bridge-'))
    return () => rm(folder, { recursive: true, force: true })
  })

  it('sends after a restart what waited before it', async () => {
    const durable = await openFolder(folder)
    const early = diskQueues(durable, systemClock)
    const before = await node(9, { out }, { queues: early })
    for (const word of ['1', '2', '3']) {
      await before.topics.hand({ topic: 'telemetry/door', key: 'k', body: bytes(word) })
    }
    await before.stop()
    await early.close()
    const { port } = await server()
    const { heard } = await listener(port, 'site/#')
    const late = diskQueues(durable, systemClock)
    ends.push(() => late.close())
    const after = await node(port, { out }, { queues: late })
    await until(() => heard.length >= 3, 'all')
    expect(heard).toEqual(['1', '2', '3'])
    await until(() => after.bridges.reports()[0]?.waiting === 0, 'the end')
  })
})
