/**
 * Lights the pin `led` by what the sensor reads: the rule is in rule.ts, this file is what happens around it.
 *
 * A handled event leaves exactly one line in the app's log. A failed one leaves none and is answered with `err`:
 * the node counts it and logs the text.
 */
import * as pins from './bindings/selvedge-device-pins'
import { SensorEvent } from './bindings/selvedge-edge-sensor-handler'
import { done, err, Result, Unit } from './bindings/values'
import * as config from './bindings/wasi-config-store'
import { Level, log } from './bindings/wasi-logging-logging'
import { formatDecimal, parseDecimal } from './decimal'
import { shouldLight } from './rule'

/** Used where the release sets no `threshold`, in the sensor's unit. */
const defaultThreshold: f64 = 300

/**
 * The level that was last written. Unknown until the first event: the pin may still be as an earlier release, or
 * a crash, left it.
 */
const unknown: i32 = -1
let writtenLevel: i32 = unknown

/** Called for every reading, one at a time. */
export function handle(event: SensorEvent): Result<Unit, string> {
  const setting = config.get('threshold')
  if (setting.isErr) return failed('the setting "threshold" cannot be read: ' + reason(setting.error))

  let threshold = defaultThreshold
  const text = setting.value
  if (text !== null) {
    threshold = parseDecimal(text)
    if (isNaN(threshold)) {
      return failed('the setting "threshold" is no number: "' + text + '"; write it like "300" or "4.5"')
    }
  }

  const value = event.reading.value
  const lit = shouldLight(value, threshold)
  if (i32(lit) !== writtenLevel) {
    const written = pins.write('led', lit)
    // The level stays what it was, so the next event tries again.
    if (written.isErr) return failed('the pin "led" cannot be switched: ' + whyNot(written.error))
    writtenLevel = i32(lit)
  }
  const line =
    'event ' + event.id.toString() + ': ' + formatDecimal(value) + ' ' + event.reading.unit + ', led ' + (lit ? 'on' : 'off')
  log(Level.info, 'light-alarm', line)
  return done<string>()
}

function failed(why: string): Result<Unit, string> {
  return err<Unit, string>(why)
}

function reason(error: config.Error): string {
  return error.tag === config.ErrorTag.upstream ? error.asUpstream : error.asIo
}

function whyNot(error: pins.Error): string {
  return error.tag === pins.ErrorTag.unavailable ? error.asUnavailable : 'it is not granted to this app'
}
