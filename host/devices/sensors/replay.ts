/**
 * A sensor that reads what another one read: it plays a trace from when it is opened, by the monotonic clock. Between two
 * rows the earlier one stands, and behind the last the last.
 */
import { open } from 'node:fs/promises'
import { resolve } from 'node:path'
import * as v from 'valibot'
import { messageOf } from '../../../core/index.ts'
import type { Range, Sensor, SensorDriver } from '../contract.ts'
import { readTrace, traceLimits, type Trace } from '../trace.ts'

const options = v.strictObject({
  /** The trace; a relative path starts from the folder of the node's TOML. */
  file: v.pipe(v.string(), v.minLength(1), v.maxLength(4_096)),
  /** Of a trace of several sensors; the name of this one where it is left out. */
  sensor: v.optional(v.pipe(v.string(), v.minLength(1), v.maxLength(64))),
  /** UCUM symbol; the trace's own, else 1, where it is left out. */
  unit: v.optional(v.pipe(v.string(), v.regex(/^\S{1,16}$/, 'is no unit; write a UCUM symbol as "lx"'))),
  /** Begin again behind the last row, which lasts as long as the one before it. */
  loop: v.optional(v.boolean(), false),
  /** 2 plays it in half the time. */
  speed: v.optional(v.pipe(v.number(), v.minValue(0.001), v.maxValue(1_000)), 1),
})

type ReplayOptions = v.InferOutput<typeof options>

/** @throws Error naming the file, and the line where one is to blame */
async function traceOf(path: string, sensor: string): Promise<Trace> {
  const handle = await open(path, 'r')
  try {
    const { size } = await handle.stat()
    if (size > traceLimits.bytes)
      throw new Error(`it has ${size} bytes; a trace has at most ${traceLimits.bytes}`)
    return readTrace(await handle.readFile('utf8'), sensor)
  } catch (error) {
    throw new Error(`${path}: ${messageOf(error)}`, { cause: error })
  } finally {
    await handle.close()
  }
}

/**
 * The value at a moment of the trace.
 * @param sinceMs since the first row, ≥ 0
 */
export function replayedValue({ times, values }: Trace, sinceMs: number, loop: boolean): number {
  const firstMs = times[0] ?? 0
  const lastMs = times.at(-1) ?? 0
  const wholeMs = lastMs - firstMs + (lastMs - (times.at(-2) ?? lastMs))
  const atMs = firstMs + (loop && wholeMs > 0 ? sinceMs % wholeMs : sinceMs)
  // The last row that is not later than that.
  let [low, high] = [0, times.length - 1]
  while (low < high) {
    const middle = Math.ceil((low + high) / 2)
    if ((times[middle] ?? Infinity) <= atMs) low = middle
    else high = middle - 1
  }
  return values[low] ?? NaN
}

function rangeOf(values: Float64Array): Range {
  let [min, max] = [Infinity, -Infinity]
  for (const value of values) {
    min = Math.min(min, value)
    max = Math.max(max, value)
  }
  return { min, max }
}

export const replaySensor: SensorDriver<ReplayOptions> = {
  kind: 'replay',
  summary: 'a trace in CSV, as `selvedge sensors --record` writes it',
  options,
  async open(
    name,
    { file, sensor = name, unit: given, loop, speed },
    { clock, base = '.' },
  ): Promise<Sensor> {
    const trace = await traceOf(resolve(base, file), sensor)
    const unit = given ?? (trace.unit === '' ? '1' : trace.unit)
    const startedMs = clock.monotonicMs()
    return {
      name,
      driver: 'replay',
      unit,
      range: rangeOf(trace.values),
      resolution: null,
      async read(signal) {
        signal?.throwIfAborted()
        const sinceMs = (clock.monotonicMs() - startedMs) * speed
        return { value: replayedValue(trace, sinceMs, loop), unit, timeMs: clock.now() }
      },
      async close() {},
    }
  },
}
