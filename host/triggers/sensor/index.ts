/**
 * `kind = "sensor"`: reads a granted sensor at a steady rate and makes an event of each reading.
 *
 * The rate is kept by counting from the start, so a slow timer delays one reading and not all that follow; a
 * reading that is due while the one before is still under way is left out rather than made late.
 */
import * as v from 'valibot'
import { messageOf, within, type Cancel } from '../../../core/index.ts'
import type { Reading, Sensor } from '../../devices/index.ts'
import type { TriggerContext, TriggerEvent, TriggerKind } from '../contract.ts'
import { triggerProblems } from '../problems.ts'

/** A driver that has not answered by then is given up for this reading. */
const readTimeoutMs = 5_000

const options = v.strictObject({
  /** Logical name. */
  sensor: v.pipe(v.string(), v.regex(/^[a-z][a-z0-9-]{0,62}$/, 'is no name of a sensor')),
  /** From one reading to the next. */
  everyMs: v.pipe(
    v.number(),
    v.integer('is no whole number of milliseconds'),
    v.minValue(5, 'is under 5 ms'),
    v.maxValue(86_400_000, 'is over a day'),
  ),
})

type SensorTriggerOptions = v.InferOutput<typeof options>

const requiredExport = 'selvedge:edge/sensor-handler@0.1.0'
const method = 'handle'

function eventOf(sensor: string, { value, unit, timeMs }: Reading): TriggerEvent {
  const reading = { value, unit, timeMs: BigInt(Math.max(0, Math.floor(timeMs))) }
  return { target: `${requiredExport}#${method}`, args: (id) => [{ id: BigInt(id), sensor, reading }] }
}

/** @throws what the driver throws, or an error where it is silent for {@link readTimeoutMs} or reads no number */
async function readInTime(sensor: Sensor, { clock }: TriggerContext, stopped: AbortSignal): Promise<Reading> {
  const reading = await within({ clock, ms: readTimeoutMs, signal: stopped }, (signal) => sensor.read(signal))
  if (!Number.isFinite(reading.value)) throw new Error(`the driver read ${reading.value}`)
  return reading
}

export const sensorTrigger: TriggerKind<SensorTriggerOptions> = {
  kind: 'sensor',
  summary: 'an event for each reading of a sensor, at a steady rate',
  options,
  handlers: [requiredExport],
  method,
  requiredGrants: ({ sensor }) => [`sensor:${sensor}`],
  start({ sensor: name, everyMs }, context) {
    const { sensors, clock, emit, failed } = context
    const stopping = new AbortController()
    const startedMs = clock.monotonicMs()
    let isReading = false
    let isFailing = false
    let cancel: Cancel | null = null
    let dueMs = 0

    const fail = (why: string): void => {
      if (isFailing) return
      isFailing = true
      failed(triggerProblems.error('ERR_TRIGGER_READING', `the sensor "${name}" gave no reading: ${why}`))
    }
    const take = async (): Promise<void> => {
      const sensor = sensors.get(name)
      if (sensor === undefined) return fail('there is no such sensor here')
      isReading = true
      try {
        const reading = await readInTime(sensor, context, stopping.signal)
        if (stopping.signal.aborted) return
        isFailing = false
        emit(eventOf(name, reading))
      } catch (error) {
        if (!stopping.signal.aborted) fail(messageOf(error))
      } finally {
        isReading = false
      }
    }
    const arm = (): void => {
      const sinceStartMs = clock.monotonicMs() - startedMs
      // Periods that went by are skipped; a timer may also fire a fraction of a millisecond early, and must not
      // take the same turn twice.
      dueMs = Math.max(dueMs + everyMs, (Math.floor(sinceStartMs / everyMs) + 1) * everyMs)
      cancel = clock.after(dueMs - sinceStartMs, () => {
        if (!isReading) void take()
        arm()
      })
    }
    arm()
    return {
      stop() {
        cancel?.()
        stopping.abort(new Error('the trigger was stopped'))
      },
    }
  },
}
