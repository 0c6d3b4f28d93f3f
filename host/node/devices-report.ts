/** The devices of this node for people: what each reads, how it is, and what is wrong with it. */
import { messageOf, within, type Clock } from '../../core/index.ts'
import type { DevicesReport, StatusReport } from '../api/index.ts'
import type { Devices, DeviceState, Pin, PinState, Sensor, SensorState } from '../devices/index.ts'

/** A sensor or pin that does not answer must not hold up everybody's `sensors`. */
const deviceReadMs = 2_000

type SensorReport = DevicesReport['sensors'][number]
type PinReport = DevicesReport['pins'][number]

/** Asks every device; each has its own bound, so the slowest is the most that is waited. */
export async function devicesReport(devices: Devices, clock: Clock): Promise<DevicesReport> {
  const [sensors, pins] = await Promise.all([
    Promise.all([...devices.sensors.values()].map((sensor) => readSensor(sensor, clock))),
    Promise.all([...devices.pins.values()].map((pin) => readPin(pin, clock))),
  ])
  // Behind the reading, so that they know of it.
  const states = devices.states()
  const nowMs = clock.monotonicMs()
  return {
    sensors: sensors.map((report) => withSensorState(report, stateOf(states, 'sensor', report.name), nowMs)),
    pins: pins.map((report) => withPinState(report, stateOf(states, 'pin', report.name), nowMs)),
  }
}

const codes = {
  missing: 'ERR_DEVICE_MISSING',
  stale: 'ERR_DEVICE_STALE',
  faulty: 'ERR_DEVICE_FAULTY',
} as const

/**
 * Those that are not well, as `sensor light: stale for 12 s, last 41.2 lx: no answer in 5 s`.
 * @param fixOf what to do about a code
 */
export function deviceTroubles(
  states: readonly DeviceState[],
  nowMs: number,
  fixOf: (code: string) => string,
): StatusReport['problems'] {
  return states.flatMap((device) => {
    const { kind, name, health } = device
    if (health.state === 'ok') return []
    const last =
      device.kind === 'sensor' && device.last !== null ? `, last ${readingText(device.last.reading)}` : ''
    const why = health.why === '' ? '' : `: ${health.why}`
    const forText = `${health.state} for ${secondsText(nowMs - health.sinceMs)}`
    const code = codes[health.state]
    const hint = health.hint ?? fixOf(code)
    return [{ code, message: `${kind} ${name}: ${forText}${last}${why}`, hint }]
  })
}

function readingText({ value, unit }: { readonly value: number; readonly unit: string }): string {
  return `${Number(value.toPrecision(4))} ${unit}`
}

/** As the CLI writes ages; here for messages that travel. */
function secondsText(ms: number): string {
  const seconds = Math.floor(ms / 1_000)
  if (seconds < 60) return `${seconds} s`
  return seconds < 3_600 ? `${Math.floor(seconds / 60)} min` : `${Math.floor(seconds / 3_600)} h`
}

function stateOf<Kind extends DeviceState['kind']>(
  states: readonly DeviceState[],
  kind: Kind,
  name: string,
): Extract<DeviceState, { kind: Kind }> | undefined {
  return states.find(
    (state): state is Extract<DeviceState, { kind: Kind }> => state.kind === kind && state.name === name,
  )
}

function withSensorState(report: SensorReport, state: SensorState | undefined, nowMs: number): SensorReport {
  if (state === undefined) return report
  const { unit, range, resolution, recent, counts } = state
  const last = state.last?.reading ?? null
  return {
    ...report,
    // An old value with its age says more than none.
    ...(report.value === null && last !== null && { value: last.value, timeMs: last.timeMs }),
    unit,
    range,
    resolution,
    health: healthOf(state, nowMs),
    recent,
    counts,
  }
}

function withPinState(report: PinReport, state: PinState | undefined, nowMs: number): PinReport {
  if (state === undefined) return report
  const { direction, counts } = state
  return { ...report, direction, health: healthOf(state, nowMs), counts }
}

function healthOf({ health }: DeviceState, nowMs: number): NonNullable<SensorReport['health']> {
  const { state, sinceMs, why, hint } = health
  return { state, forMs: Math.round(nowMs - sinceMs), why, ...(hint !== undefined && { hint }) }
}

async function readSensor(sensor: Sensor, clock: Clock): Promise<SensorReport> {
  const { name, driver } = sensor
  try {
    const { value, timeMs, unit } = await within({ clock, ms: deviceReadMs }, (signal) => sensor.read(signal))
    return { name, driver, value, unit, timeMs }
  } catch (error) {
    return { name, driver, value: null, unit: sensor.unit, timeMs: null, problem: messageOf(error) }
  }
}

async function readPin(pin: Pin, clock: Clock): Promise<PinReport> {
  const { name, driver } = pin
  try {
    const level = await within({ clock, ms: deviceReadMs }, () => pin.read())
    return { name, driver, level, edges: pin.edges() }
  } catch (error) {
    const edges = pin.edges()
    return { name, driver, level: edges.at(-1)?.level ?? false, edges, problem: messageOf(error) }
  }
}
