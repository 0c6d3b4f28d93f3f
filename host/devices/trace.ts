/**
 * A trace: what sensors read, as CSV, written by `selvedge sensors --record` and played by the driver `replay`. Pure.
 *
 * Columns `time` and `value`, and where several sensors or a unit are told `sensor` and `unit`, in the order that the
 * first line says; without such a line they are time and value. A time is a date as ISO 8601 has it, or a number of
 * seconds; a number above 10^11 is milliseconds since 1970.
 */
export interface TraceRow {
  /** ms; only differences mean something. */
  readonly timeMs: number
  readonly value: number
  /** Empty where the trace does not say. */
  readonly sensor: string
  readonly unit: string
}

/** The rows of one sensor, oldest first, at least one. */
export interface Trace {
  /** ms; only differences mean something. */
  readonly times: Float64Array
  readonly values: Float64Array
  /** Empty where the trace does not say. */
  readonly unit: string
}

export const traceLimits = {
  bytes: 16 * 1024 * 1024,
  rows: 250_000,
  lineLength: 1_000,
} as const

const columns = ['time', 'sensor', 'value', 'unit'] as const
type Column = (typeof columns)[number]

export const traceHeader = `${columns.join(',')}\n`

/** One line of a trace with {@link traceHeader}, with its line end. */
export function traceLine({ timeMs, sensor, value, unit }: TraceRow): string {
  return `${new Date(timeMs).toISOString()},${sensor},${value},${unit}\n`
}

/**
 * @param sensor of which the rows are wanted, in a trace of several; null for all rows
 * @throws Error naming the line: `line 3: "x" is no number`
 */
export function readTrace(text: string, sensor: string | null): Trace {
  const lines = text.replace(/^\ufeff/, '').split(/\r?\n/)
  const named = headerOf(lines[0] ?? '')
  const order = named ?? ['time', 'value']
  const wanted = order.includes('sensor') ? sensor : null
  const times: number[] = []
  const values: number[] = []
  let unit: string | null = null
  for (const [index, line] of lines.entries()) {
    if ((index === 0 && named !== null) || line.trim() === '' || line.startsWith('#')) continue
    const fail = (why: string): Error => new Error(`line ${index + 1}: ${why}`)
    const row = rowOf(line, order, fail)
    if (wanted !== null && row.sensor !== wanted) continue
    if (row.timeMs < (times.at(-1) ?? -Infinity)) throw fail('its time is before that of the row before')
    if (unit !== null && row.unit !== unit) throw fail(`its unit "${row.unit}" is not "${unit}" as before`)
    if (times.length >= traceLimits.rows) throw fail(`a trace has at most ${traceLimits.rows} rows`)
    unit = row.unit
    times.push(row.timeMs)
    values.push(row.value)
  }
  if (unit !== null) return { times: Float64Array.from(times), values: Float64Array.from(values), unit }
  throw new Error(
    wanted === null ? 'there is no row in it' : `there is no row of the sensor "${wanted}" in it`,
  )
}

/** null for a line that is data already. */
function headerOf(line: string): readonly Column[] | null {
  const names = line.split(',').map((name) => name.trim().toLowerCase())
  if (!names.includes('time')) return null
  const unknown = names.find((name) => !columns.some((column) => column === name))
  if (unknown !== undefined) throw new Error(`line 1: there is no column "${unknown.slice(0, 40)}"`)
  if (!names.includes('value')) throw new Error('line 1: the column "value" is missing')
  if (new Set(names).size < names.length) throw new Error('line 1: a column stands twice')
  return names as Column[]
}

function rowOf(line: string, order: readonly Column[], fail: (why: string) => Error): TraceRow {
  if (line.length > traceLimits.lineLength) throw fail('it is too long')
  const cells = line.split(',').map((cell) => cell.trim())
  if (cells.length !== order.length) throw fail(`it has ${cells.length} columns and not ${order.length}`)
  const cell = (column: Column): string => cells[order.indexOf(column)] ?? ''
  const value = cell('value') === '' ? NaN : Number(cell('value'))
  if (!Number.isFinite(value)) throw fail(`"${cell('value').slice(0, 40)}" is no number`)
  const timeMs = timeOf(cell('time'))
  if (timeMs === null)
    throw fail(`"${cell('time').slice(0, 40)}" is no time; write seconds, or a date as 2026-05-01T12:00:00Z`)
  const unit = cell('unit')
  if (unit.length > 16) throw fail('its unit is too long')
  return { timeMs, value, sensor: cell('sensor'), unit }
}

const epochMsFrom = 1e11

function timeOf(text: string): number | null {
  if (/^-?\d+(?:\.\d+)?$/.test(text)) {
    const number = Number(text)
    return Math.abs(number) >= epochMsFrom ? number : number * 1_000
  }
  const timeMs = /^\d{4}-\d\d-\d\dT/.test(text) ? Date.parse(text) : NaN
  return Number.isFinite(timeMs) ? timeMs : null
}
