import { describe, expect, it } from 'vitest'
import { systemClock, type LogLevel } from '../../../core/index.ts'
import type { Pin, Sensor } from '../../../host/devices/index.ts'
import { WitError, type BoundInterface } from '../../../host/engine/index.ts'
import {
  bindInterfaces,
  grantedInterfaces,
  networkPolicy,
  noCalls,
  noTopics,
  type AppContext,
} from '../../../host/interfaces/index.ts'
import { memoryStorage } from '../../../host/storage/index.ts'

const light: Sensor = {
  name: 'light',
  driver: 'fake',
  unit: 'lx',
  range: null,
  resolution: null,
  read: async () => ({ value: 312.5, unit: 'lx', timeMs: 1_700_000_000_123.7 }),
  close: async () => {},
}

function fakePin(name: string): Pin {
  let level = false
  return {
    name,
    driver: 'fake',
    direction: 'out',
    read: async () => level,
    write: async (next) => void (level = next),
    edges: () => [],
    watch: () => () => {},
    close: async () => {},
  }
}

const storage = memoryStorage(systemClock)

function contextWith(overrides: Partial<AppContext> = {}): AppContext {
  return {
    app: 'light-alarm',
    version: '1.0.0',
    config: { threshold: '40', colour: 'red' },
    sensors: new Map([['light', light]]),
    pins: new Map([['led', fakePin('led')]]),
    buckets: new Set(),
    containers: new Set(),
    origins: new Set(),
    callees: new Set(),
    call: noCalls,
    keyValue: () => storage.keyValue('light-alarm'),
    blobs: () => storage.blobs('light-alarm'),
    publishes: new Set(),
    topics: () => noTopics,
    network: networkPolicy([]),
    log: () => {},
    ...overrides,
  }
}

async function call(
  bound: readonly BoundInterface[],
  id: string,
  name: string,
  ...args: unknown[]
): Promise<unknown> {
  const found = bound.find((candidate) => candidate.id === id)?.functions[name]
  if (found === undefined || found.mode === 'channel') throw new Error(`${id} has no ${name}`)
  return found.run(args)
}

const sensorId = 'selvedge:device/sensor@0.1.0'
const pinsId = 'selvedge:device/pins@0.1.0'
const loggingId = 'wasi:logging/logging@0.1.0-draft'
const configId = 'wasi:config/store@0.2.0-rc.1'
const always = [
  loggingId,
  configId,
  'wasi:config/store@0.2.0-draft',
  'wasi:config/runtime@0.2.0-draft',
  'wasi:messaging/types@0.2.0-draft',
  'wasi:messaging/request-reply@0.2.0-draft',
]
const socketIds = [
  'instance-network',
  'network',
  'tcp',
  'tcp-create-socket',
  'udp',
  'udp-create-socket',
  'ip-name-lookup',
].map((name) => `wasi:sockets/${name}@0.2.12`)
const httpTypesId = 'wasi:http/types@0.2.12'
const outgoingId = 'wasi:http/outgoing-handler@0.2.12'
const keyValueIds = ['store', 'atomics', 'batch'].flatMap((name) => [
  `wasi:keyvalue/${name}@0.2.0-draft2`,
  `wasi:keyvalue/${name}@0.2.0-draft`,
])

describe('granted interfaces', () => {
  it('are only those that reach nothing, for an app without grants', () => {
    expect(grantedInterfaces([])).toEqual([...always, ...socketIds, httpTypesId])
  })

  it('gain an interface with the first grant of its kind', () => {
    expect(grantedInterfaces(['sensor:light'])).toEqual([sensorId, ...always, ...socketIds, httpTypesId])
    expect(grantedInterfaces(['pin:led', 'sensor:light'])).toEqual([
      sensorId,
      pinsId,
      'wasi:gpio/digital@0.2.0',
      ...always,
      ...socketIds,
      httpTypesId,
    ])
    expect(grantedInterfaces(['keyvalue:default'])).toEqual([
      ...always,
      ...keyValueIds,
      ...socketIds,
      httpTypesId,
    ])
    expect(grantedInterfaces(['http:https://api.example.com'])).toEqual([
      ...always,
      ...socketIds,
      httpTypesId,
      outgoingId,
    ])
  })

  it('do not grow with a grant of a kind that this node does not know', () => {
    expect(grantedInterfaces(['camera:front', 'sensor', 'sensor:A b'])).toEqual(grantedInterfaces([]))
  })

  it('are the ones that get bound', () => {
    expect(bindInterfaces(['pin:led'], contextWith()).map(({ id }) => id)).toEqual([
      pinsId,
      'wasi:gpio/digital@0.2.0',
      ...always,
      ...socketIds,
      httpTypesId,
    ])
  })
})

describe('selvedge:device/sensor', () => {
  const bound = bindInterfaces(['sensor:light'], contextWith())

  it('gives a reading, its time as a whole u64', async () => {
    expect(await call(bound, sensorId, 'read', 'light')).toEqual({
      value: 312.5,
      unit: 'lx',
      timeMs: 1_700_000_000_123n,
    })
  })

  it('denies a sensor that was not granted', async () => {
    const error: unknown = await call(bound, sensorId, 'read', 'door').catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(WitError)
    expect((error as WitError).payload).toEqual({ tag: 'not-granted' })
  })

  it('is denied as a whole without a sensor grant', () => {
    expect(bindInterfaces(['pin:led'], contextWith()).some(({ id }) => id === sensorId)).toBe(false)
  })

  it.each([
    ['fails', async () => Promise.reject(new Error('bus is stuck')), 'bus is stuck'],
    ['reads NaN', async () => ({ value: Number.NaN, unit: 'lx', timeMs: 0 }), 'the driver read NaN'],
  ])('says unavailable where the driver %s', async (_name, read, val) => {
    const sensors = new Map([['light', { ...light, read }]])
    const failing = bindInterfaces(['sensor:light'], contextWith({ sensors }))
    const error: unknown = await call(failing, sensorId, 'read', 'light').catch((thrown: unknown) => thrown)
    expect((error as WitError).payload).toEqual({ tag: 'unavailable', val })
  })
})

describe('selvedge:device/pins', () => {
  const bound = bindInterfaces(['pin:led'], contextWith())

  it('writes and reads a level', async () => {
    expect(await call(bound, pinsId, 'write', 'led', true)).toBeUndefined()
    expect(await call(bound, pinsId, 'read', 'led')).toBe(true)
  })

  it.each(['read', 'write'])('denies %s of a pin that was not granted', async (name) => {
    const error: unknown = await call(bound, pinsId, name, 'siren', true).catch((thrown: unknown) => thrown)
    expect((error as WitError).payload).toEqual({ tag: 'not-granted' })
  })

  it('is denied as a whole without a pin grant', () => {
    expect(bindInterfaces(['sensor:light'], contextWith()).some(({ id }) => id === pinsId)).toBe(false)
  })
})

describe('wasi:logging', () => {
  it('never makes the guest wait', () => {
    const bound = bindInterfaces([], contextWith())
    expect(bound.find(({ id }) => id === loggingId)?.functions['log']?.mode).toBe('post')
  })

  it('maps the six levels of WIT to the four of the log', async () => {
    const levels: LogLevel[] = []
    const bound = bindInterfaces([], contextWith({ log: (level) => levels.push(level) }))
    for (const level of ['trace', 'debug', 'info', 'warn', 'error', 'critical']) {
      await call(bound, loggingId, 'log', level, 'rule', 'lit')
    }
    expect(levels).toEqual(['debug', 'debug', 'info', 'warn', 'error', 'error'])
  })

  it('denies another app’s log: what it writes carries only its own context', async () => {
    const lines: string[] = []
    const bound = bindInterfaces(
      [],
      contextWith({ log: (_level, context, message) => lines.push(`${context}|${message}`) }),
    )
    await call(bound, loggingId, 'log', 'info', 'other-app', 'hello')
    expect(lines).toEqual(['other-app|hello'])
  })
})

describe('wasi:config/store', () => {
  const bound = bindInterfaces([], contextWith())

  it('gets one setting, or none', async () => {
    expect(await call(bound, configId, 'get', 'threshold')).toBe('40')
    expect(await call(bound, configId, 'get', 'volume')).toBeUndefined()
  })

  it('gives all settings in the order of their keys', async () => {
    expect(await call(bound, configId, 'get-all')).toEqual([
      ['colour', 'red'],
      ['threshold', '40'],
    ])
  })

  it('denies what is not a setting, such as a name of JavaScript’s own', async () => {
    expect(await call(bound, configId, 'get', '__proto__')).toBeUndefined()
    expect(await call(bound, configId, 'get', 'toString')).toBeUndefined()
  })
})
