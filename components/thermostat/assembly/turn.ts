/**
 * One turn of the timer: reads the room, decides, and switches the heater. The rule is in rule.ts.
 *
 * A room whose sensor says nothing must not be heated for ever: after a minute of that the heater goes off.
 */
import { TimerEvent } from './bindings/selvedge-edge-timer-handler'
import * as pins from './bindings/selvedge-device-pins'
import * as sensor from './bindings/selvedge-device-sensor'
import { done, err, Result, Unit } from './bindings/values'
import { Level, log } from './bindings/wasi-logging-logging'
import { formatDecimal } from './decimal'
import { recall, remember } from './memory'
import { shouldHeat } from './rule'
import { currentTarget, setting } from './target'

/** Turns without a reading, after which the heater goes off. */
const patience = 6
const heatingKey = 'heating'

let silentTurns = 0
/** As the pin was last written; unknown until the first turn: it may be as another release, or a crash, left it. */
const unknown: i32 = -1
let writtenLevel: i32 = unknown

export function handle(event: TimerEvent): Result<Unit, string> {
  const target = currentTarget()
  if (target.isErr) return err<Unit, string>(target.error)
  const hysteresis = setting('hysteresis', 0, 10)
  if (hysteresis.isErr) return err<Unit, string>(hysteresis.error)
  const before = recall(heatingKey)
  if (before.isErr) return err<Unit, string>(before.error)
  const wasHeating = before.value !== null && before.value! == 'on'

  const read = sensor.read('room')
  if (read.isErr) return silent(wasHeating, whyNot(read.error))
  if (read.value.unit != 'Cel') return silent(wasHeating, 'it reads ' + read.value.unit + ' and not Cel')
  silentTurns = 0

  const celsius = read.value.value
  const isHeating = shouldHeat(celsius, target.value, hysteresis.value, wasHeating)
  const missed = event.missed === 0 ? '' : ', ' + event.missed.toString() + ' turns missed'
  const line = formatDecimal(celsius) + ' of ' + formatDecimal(target.value) + ' degrees, heater '
  log(Level.info, 'thermostat', line + (isHeating ? 'on' : 'off') + missed)
  return switchTo(isHeating, wasHeating)
}

function silent(wasHeating: bool, why: string): Result<Unit, string> {
  silentTurns++
  let said = 'the sensor "room" gives no temperature: ' + why
  if (silentTurns >= patience) {
    const switched = switchTo(false, wasHeating)
    said += switched.isErr ? '; ' + switched.error : '; the heater is off until it does'
  }
  return err<Unit, string>(said)
}

/** The pin first: what is remembered is what was done. */
function switchTo(isHeating: bool, wasHeating: bool): Result<Unit, string> {
  if (i32(isHeating) !== writtenLevel) {
    const written = pins.write('heater', isHeating)
    if (written.isErr) return err<Unit, string>('the pin "heater" cannot be switched: ' + whyNoPin(written.error))
    writtenLevel = i32(isHeating)
  }
  if (isHeating !== wasHeating) return remember(heatingKey, isHeating ? 'on' : 'off')
  return done<string>()
}

function whyNot(error: sensor.Error): string {
  return error.tag === sensor.ErrorTag.unavailable ? error.asUnavailable : 'it is not granted to this app'
}

function whyNoPin(error: pins.Error): string {
  return error.tag === pins.ErrorTag.unavailable ? error.asUnavailable : 'it is not granted to this app'
}
