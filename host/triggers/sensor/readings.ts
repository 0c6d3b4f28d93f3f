/** Reads a sensor at a steady rate. Effects only. */
import { messageOf, within, type Cancel, type Clock } from '../../../core/index.ts'
import type { Reading, Sensor } from '../../devices/index.ts'

/** A driver that has not answered by then is given up for this reading. */
const readTimeoutMs = 5_000

export interface Followed {
  readonly name: string
  readonly sensors: ReadonlyMap<string, Sensor>
  readonly everyMs: number
}

/**
 * @param take each reading @param fail why there is none
 * @returns ends it
 */
export function followReadings(
  { name, sensors, everyMs }: Followed,
  clock: Clock,
  take: (reading: Reading) => void,
  fail: (why: string) => void,
): Cancel {
  const stopping = new AbortController()
  const startedMs = clock.monotonicMs()
  let isReading = false
  let cancel: Cancel | null = null
  let dueMs = 0

  const read = async (): Promise<void> => {
    const sensor = sensors.get(name)
    if (sensor === undefined) return fail('there is no such sensor here')
    isReading = true
    try {
      const terms = { clock, ms: readTimeoutMs, signal: stopping.signal }
      const reading = await within(terms, (signal) => sensor.read(signal))
      if (!stopping.signal.aborted) take(reading)
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
      if (!isReading) void read()
      arm()
    })
  }
  arm()
  return () => {
    cancel?.()
    stopping.abort(new Error('the trigger was stopped'))
  }
}
