/** Sensors and pins as text: all of them as a table, and what is new since the last look as lines. Pure. */
import type { DeviceHealth, DevicesReport, NodeStatus } from '../api/index.ts'
import { paintFor, type Paint } from './paint.ts'
import { sparkline } from './sparkline.ts'
import { table } from './table.ts'
import { ageText, countText, plain, rateText, sizeText } from './text.ts'
import { timeText, type TimeView } from './time-text.ts'

export interface DevicesView extends TimeView {
  readonly colour: boolean
}

type SensorReport = DevicesReport['sensors'][number]
type PinReport = DevicesReport['pins'][number]

const sparkWidth = 20

/** All of them, in the order of the node's TOML. */
export function renderDevices(report: DevicesReport, view: DevicesView): string {
  const paint = paintFor(view.colour)
  if (report.sensors.length + report.pins.length === 0) {
    return 'this node has no devices; name some in its TOML under [sensors.NAME] and [pins.NAME]\n'
  }
  return table([
    ...report.sensors.map((sensor) => sensorRow(sensor, view.now, paint)),
    ...report.pins.map((pin) => pinRow(pin, view.now, paint)),
  ])
}

/** A line for each sensor that was read anew, each pin that changed, and each device that is well or unwell since. */
export function deviceChanges(before: DevicesReport, after: DevicesReport, view: DevicesView): string[] {
  const at = (timeMs: number | null): string => timeText(timeMs ?? view.now, view)
  const paint = paintFor(view.colour)
  const sensors = after.sensors.flatMap((sensor) => {
    const old = before.sensors.find(({ name }) => name === sensor.name)
    const isNew = sensor.problem === undefined && sensor.timeMs !== old?.timeMs
    const health = stateOf(sensor) === (old && stateOf(old)) ? '' : `  ${troubleText(sensor) || 'is well'}`
    if (!isNew && health === '') return []
    const time = at(isNew ? sensor.timeMs : null)
    return [`${time}  ${signOf(sensor, paint)} sensor ${plain(sensor.name)}  ${valueText(sensor)}${health}`]
  })
  const pins = after.pins.flatMap((pin) => {
    const old = before.pins.find(({ name }) => name === pin.name)
    const health = stateOf(pin) === (old && stateOf(old)) ? '' : `  ${troubleText(pin) || 'is well'}`
    if (pin.level === old?.level && health === '') return []
    const time = at(pin.level === old?.level ? null : (pin.edges.at(-1)?.timeMs ?? null))
    return [`${time}  ${pinSign(pin, paint)} pin ${plain(pin.name)}  ${levelText(pin)}${health}`]
  })
  return [...sensors, ...pins]
}

/** Devices of another node, by its own record: which there are and how they are, and not what they read. */
export function renderRemoteDevices(node: NodeStatus, colour: boolean): string {
  const paint = paintFor(colour)
  const devices = node.devices.filter(({ kind }) => kind !== 'folder')
  const age = node.recordAgeMs === null ? '' : `, ${ageText(node.recordAgeMs)} old`
  if (devices.length === 0) return `${plain(node.name)} names no devices in its record${age}\n`
  const rows = devices.map(({ kind, name, driver, health }) => [
    health === undefined ? paint.green('●') : health === 'stale' ? paint.yellow('◐') : paint.red('✗'),
    `${kind} ${plain(name)}`,
    health === undefined ? 'well' : plain(health),
    plain(driver),
  ])
  return `${table(rows)}by the record of ${plain(node.name)}${age}; what they read is known on that node\n`
}

function sensorRow(sensor: SensorReport, now: number, paint: Paint): string[] {
  const { name, driver, timeMs, recent = [] } = sensor
  return [
    signOf(sensor, paint),
    `sensor ${plain(name)}`,
    valueText(sensor),
    timeMs === null ? 'never read' : `${ageText(now - timeMs)} old`,
    sparkline(recent, sparkWidth),
    plain(driver),
    troubleText(sensor),
  ]
}

function pinRow(pin: PinReport, now: number, paint: Paint): string[] {
  const { name, driver, edges, direction } = pin
  const trouble = troubleText(pin)
  return [
    pinSign(pin, paint),
    `pin ${plain(name)}`,
    levelText(pin),
    edges.length === 0 ? 'never changed' : `${ageText(now - (edges.at(-1)?.timeMs ?? now))} so`,
    '',
    `${plain(driver)}${direction === undefined ? '' : direction === 'in' ? ' input' : ' output'}`,
    trouble !== '' || edges.length === 0 ? trouble : countText(edges.length, 'edge'),
  ]
}

interface Device {
  readonly health?: DeviceHealth
  readonly problem?: string
}

/** A node of before says only that it could not be read. */
function stateOf({ health, problem }: Device): DeviceHealth['state'] {
  return health?.state ?? (problem === undefined ? 'ok' : 'faulty')
}

function signOf(device: Device, paint: Paint): string {
  const state = stateOf(device)
  if (state === 'ok') return device.problem === undefined ? paint.green('●') : paint.yellow('◐')
  return state === 'stale' ? paint.yellow('◐') : paint.red('✗')
}

function pinSign(pin: PinReport, paint: Paint): string {
  return stateOf(pin) === 'ok' && pin.problem === undefined && !pin.level ? '○' : signOf(pin, paint)
}

/** `stale for 12 s: no answer in 5 s`; empty where all is well. */
function troubleText({ health, problem }: Device): string {
  if (health === undefined || health.state === 'ok') return problem === undefined ? '' : plain(problem)
  const why = health.why === '' ? '' : `: ${plain(health.why)}`
  return `${health.state} for ${ageText(health.forMs)}${why}`
}

function valueText({ value, unit, problem }: SensorReport): string {
  if (value === null) return 'no reading'
  return `${problem === undefined ? '' : 'last '}${readingText(value, unit)}`
}

function levelText({ level, problem }: PinReport): string {
  return problem !== undefined ? 'not known' : level ? 'on' : 'off'
}

/** Four significant digits: more is noise in a reading. Bytes as people write them. */
function readingText(value: number, unit: string): string {
  if (unit === 'By' && value >= 0) return sizeText(Math.round(value))
  if (unit === 'By/s' && value >= 0) return rateText(Math.round(value))
  return `${Number(value.toPrecision(4))} ${plain(unit)}`
}
