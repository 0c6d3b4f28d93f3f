/** Sensors and pins on a broker, by each convention, against mosquitto. */
import * as v from 'valibot'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { systemClock, systemRandom } from '../../../core/index.ts'
import {
  pinDrivers,
  sensorDrivers,
  type DriverContext,
  type Pin,
  type Reading,
  type Sensor,
} from '../../../host/devices/index.ts'
import type { Broker, Brokers } from '../../../host/mqtt/index.ts'
import { mosquitto } from '../../contract/servers/mosquitto.ts'
import { hasProgram, ServerProcess } from '../../contract/servers/server-process.ts'
import { brokersAt, bytes, configFor, text, until } from '../mqtt/brokers.ts'

const hasMosquitto = hasProgram('mosquitto')
let server: ServerProcess
let brokers: Brokers
/** Of the devices: another client, as they are. */
let device: Broker
let context: DriverContext
const open: { close(): Promise<void> }[] = []

beforeAll(async () => {
  if (!hasMosquitto) return
  server = await ServerProcess.start(mosquitto())
  brokers = brokersAt({
    home: configFor(server.port),
    devices: configFor(server.port, { 'client-id': 'devices' }),
  })
  device = brokers.get('devices')
  context = { clock: systemClock, random: systemRandom, root: '/', brokers }
  await until(() => brokers.all().every((broker) => broker.health().state === 'up'), 'both')
})
afterEach(async () => {
  for (const one of open.splice(0)) await one.close()
})
afterAll(async () => {
  await brokers?.stop()
  await server?.remove()
})

async function sensor(kind: string, options: object): Promise<Sensor> {
  const driver = sensorDrivers.find((one) => one.kind === kind)!
  const made = await driver.open('probe', v.parse(driver.options, { broker: 'home', ...options }), context)
  open.push(made)
  return made
}

async function pin(kind: string, options: object): Promise<Pin> {
  const driver = pinDrivers.find((one) => one.kind === kind)!
  const table = v.parse(driver.options, { broker: 'home', ...options })
  const made = await driver.open('probe', table, context)
  expect(made.direction).toBe(driver.directionOf(table))
  open.push(made)
  return made
}

const retained = (topic: string, content: string): Promise<void> =>
  device.publish(topic, bytes(content), { isRetained: true })
const unavailable = (words: string): object => ({
  code: 'ERR_DEVICE_UNAVAILABLE',
  message: expect.stringContaining(words),
})

it.skipIf(hasMosquitto)('leaves devices on brokers untested here: install mosquitto', () => {})

describe.skipIf(!hasMosquitto)('a topic as a sensor', () => {
  it('reads what is retained, and tells each word that follows', async () => {
    await retained('plain/lux', '12.5')
    const probe = await sensor('mqtt', { topic: 'plain/lux', unit: 'lx', range: [0, 100] })
    expect(probe).toMatchObject({ unit: 'lx', range: { min: 0, max: 100 }, staleAfterMs: 900_000 })
    expect(await probe.read()).toMatchObject({ value: 12.5, unit: 'lx' })
    const heard: Reading[] = []
    const cancel = probe.watch?.((reading) => heard.push(reading))
    for (const word of ['1', 'nonsense', '2']) await device.publish('plain/lux', bytes(word))
    await until(() => heard.length >= 2, 'both')
    expect(heard.map(({ value }) => value)).toEqual([1, 2])
    expect((await probe.read()).value).toBe(2)
    cancel?.()
  })

  it('reads a member of JSON, and says what is wrong where nothing can be read', async () => {
    await retained('json/a', '{"soil":[{"moisture":"41"}]}')
    const probe = await sensor('mqtt', { topic: 'json/a', pointer: '/soil/0/moisture', unit: '%' })
    expect((await probe.read()).value).toBe(41)
    const lost = await sensor('mqtt', { topic: 'json/a', pointer: '/soil/9' })
    await expect(lost.read()).rejects.toMatchObject(unavailable('it has no soil.9'))
    const silent = await sensor('mqtt', { topic: 'json/none' })
    await expect(silent.read()).rejects.toMatchObject(unavailable('has said nothing on "json/none" yet'))
    await expect(silent.read(AbortSignal.abort(new Error('enough')))).rejects.toThrow('enough')
  })

  it('is stale after its limit, and well again with the next word', async () => {
    await retained('slow', '1')
    const probe = await sensor('mqtt', { topic: 'slow', stale: '1s' })
    await probe.read()
    await new Promise((resolve) => setTimeout(resolve, 1_050))
    await expect(probe.read()).rejects.toMatchObject(unavailable('has said nothing on "slow" for 1 s'))
    await device.publish('slow', bytes('2'))
    await until(async () => (await probe.read().catch(() => null))?.value === 2, 'the value')
  })

  it('says which broker there is not', async () => {
    await expect(sensor('mqtt', { broker: 'hom', topic: 't' })).rejects.toMatchObject({
      code: 'ERR_BROKER_UNKNOWN',
      message: expect.stringContaining('did you mean "home"'),
    })
  })
})

describe.skipIf(!hasMosquitto)('a device behind Zigbee2MQTT', () => {
  it('is a sensor for each of its properties, as long as it is online', async () => {
    await retained('zigbee2mqtt/porch/light', '{"illuminance":87,"battery":93,"occupancy":true}')
    const lux = await sensor('zigbee2mqtt', { device: 'porch/light', property: 'illuminance' })
    const battery = await sensor('zigbee2mqtt', { device: 'porch/light', property: 'battery' })
    const motion = await sensor('zigbee2mqtt', { device: 'porch/light', property: 'occupancy' })
    expect(await lux.read()).toMatchObject({ value: 87, unit: 'lx' })
    expect(await battery.read()).toMatchObject({ value: 93, unit: '%' })
    expect((await motion.read()).value).toBe(1)
    await retained('zigbee2mqtt/porch/light/availability', '{"state":"offline"}')
    await until(async () => (await lux.read().catch(() => null)) === null, 'the word')
    await expect(lux.read()).rejects.toMatchObject(unavailable('says that it is offline'))
    await retained('zigbee2mqtt/porch/light/availability', 'online')
    await until(async () => (await lux.read().catch(() => null)) !== null, 'the return')
  })

  it('is a pin that is commanded by /set, asked by /get, and on when it says so', async () => {
    const asked: string[] = []
    const cancel = device.listen('zigbee2mqtt/plug/+', ({ topic, payload }) => {
      asked.push(`${topic} ${text(payload)}`)
      const { state } = JSON.parse(text(payload)) as { state: string }
      void device.publish(
        'zigbee2mqtt/plug',
        bytes(JSON.stringify({ state: state || 'OFF', linkquality: 9 })),
      )
    })
    await device.publish('zigbee2mqtt/other', bytes('settle'))
    const plug = await pin('zigbee2mqtt', { device: 'plug' })
    expect(await plug.read()).toBe(false)
    const edges: boolean[] = []
    plug.watch(({ level }) => edges.push(level))
    await plug.write(true)
    await until(() => edges.length > 0, 'the edge')
    expect(await plug.read()).toBe(true)
    expect(plug.edges().map(({ level }) => level)).toEqual([true])
    expect(asked).toContain('zigbee2mqtt/plug/get {"state":""}')
    expect(asked).toContain('zigbee2mqtt/plug/set {"state":"ON"}')
    cancel()
  })

  it('is an input where it only tells', async () => {
    await retained('zigbee2mqtt/door', '{"contact":false}')
    const door = await pin('zigbee2mqtt', { device: 'door', property: 'contact', direction: 'in' })
    expect(await door.read()).toBe(false)
    await expect(door.write(true)).rejects.toMatchObject({ code: 'ERR_DEVICE_READ_ONLY' })
    await retained('zigbee2mqtt/door', '{"contact":true}')
    await until(() => door.edges().length === 1, 'the edge')
  })
})

describe.skipIf(!hasMosquitto)('topics as a pin', () => {
  it('say what was written where they have no state, and keep it at the broker if told to', async () => {
    const lamp = await pin('mqtt', { command: 'lamp/set', on: '1', off: '0', retain: true })
    expect(await lamp.read()).toBe(false)
    await lamp.write(true)
    expect(await lamp.read()).toBe(true)
    const kept: string[] = []
    const cancel = device.listen(
      'lamp/set',
      ({ payload, isRetained }) => isRetained && kept.push(text(payload)),
    )
    await until(() => kept.length > 0, 'what is kept')
    expect(kept).toEqual(['1'])
    cancel()
  })

  it('are an input without a command, and unavailable while they say neither word', async () => {
    await retained('relay/state', '{"r":"perhaps"}')
    const relay = await pin('mqtt', { state: 'relay/state', pointer: '/r', on: 'closed', off: 'open' })
    await expect(relay.read()).rejects.toMatchObject(unavailable('neither closed nor open'))
    await retained('relay/state', '{"r":"closed"}')
    await until(async () => (await relay.read().catch(() => false)) === true, 'the level')
  })
})

describe.skipIf(!hasMosquitto)('what introduces itself to Home Assistant', () => {
  const introduce = (topic: string, config: object): Promise<void> =>
    retained(`homeassistant/${topic}/config`, JSON.stringify(config))

  it('is a sensor with the unit that it says, found by either id', async () => {
    await introduce('sensor/0x01/illuminance', {
      unique_id: '0x01_illuminance',
      state_topic: 'ha/hall',
      value_template: '{{ value_json.lux | float }}',
      unit_of_measurement: 'lx',
      availability_topic: 'ha/hall/up',
      expire_after: 3600,
    })
    await introduce('sensor/outdoor', { stat_t: 'ha/out', unit_of_meas: '°C' })
    await retained('ha/hall', '{"lux":"55"}')
    await retained('ha/out', '-3.5')
    const hall = await sensor('homeassistant', { id: '0x01_illuminance' })
    expect(hall).toMatchObject({ unit: 'lx', staleAfterMs: 3_600_000 })
    expect((await hall.read()).value).toBe(55)
    const outdoor = await sensor('homeassistant', { id: 'outdoor' })
    expect(await outdoor.read()).toMatchObject({ value: -3.5, unit: 'Cel' })
    await retained('ha/hall/up', 'offline')
    await until(async () => (await hall.read().catch(() => null)) === null, 'the word')
  })

  it('is to be opened anew when it introduces itself otherwise', async () => {
    await introduce('sensor/moves', { state_topic: 'ha/one', unit_of_measurement: 'V' })
    const probe = await sensor('homeassistant', { id: 'moves' })
    const gone: string[] = []
    probe.onGone?.((why) => gone.push(why))
    await introduce('sensor/moves', { state_topic: 'ha/two', unit_of_measurement: 'V' })
    await until(() => gone.length > 0, 'the word')
    // A broker may hand it over twice: as what was kept, and as what comes.
    expect(new Set(gone)).toEqual(new Set(['it introduced itself anew']))
  })

  it('is a switch, with a state of its own', async () => {
    await introduce('switch/pump', { state_topic: 'ha/pump', command_topic: 'ha/pump/set' })
    const cancel = device.listen('ha/pump/set', ({ payload }) => void device.publish('ha/pump', payload))
    await retained('ha/pump', 'OFF')
    const pump = await pin('homeassistant', { id: 'pump' })
    expect(await pump.read()).toBe(false)
    await until(async () => {
      await pump.write(true)
      return pump.edges().length > 0
    }, 'the edge')
    expect(await pump.read()).toBe(true)
    cancel()
  })
})
