/**
 * Lights the pin `led` by what the sensor reads: the rule is in rule.ts, this file is what happens around it.
 *
 * A handled event leaves exactly one line in the app's log. A failed one leaves none and is answered with `err`:
 * the node counts it and logs the text.
 */
import { getSetting } from './abi/config'
import { logInfo } from './abi/logging'
import { writePin } from './abi/pins'
import { formatDecimal, parseDecimal } from './decimal'
import { shouldLight } from './rule'

/** Used where the release sets no `threshold`, in the sensor's unit. */
const defaultThreshold: f64 = 300

/**
 * The level that was last written. Unknown until the first event: the pin may still be as an earlier release, or
 * a crash, left it. Numbers only: the heap is emptied after every event (see abi/arena.ts).
 */
const unknown: i32 = -1
let writtenLevel: i32 = unknown

/** @returns null when the event is handled, or why it is not. */
export function handleEvent(id: u64, value: f64, unit: string): string | null {
  const setting = getSetting('threshold')
  const problem = setting.problem
  if (problem !== null) return 'the setting "threshold" cannot be read: ' + problem

  let threshold = defaultThreshold
  const text = setting.value
  if (text !== null) {
    threshold = parseDecimal(text)
    if (isNaN(threshold)) return 'the setting "threshold" is no number: "' + text + '"; write it like "300" or "4.5"'
  }

  const lit = shouldLight(value, threshold)
  if (i32(lit) !== writtenLevel) {
    const failure = writePin('led', lit)
    // The level stays what it was, so the next event tries again.
    if (failure !== null) return 'the pin "led" cannot be switched: ' + failure
    writtenLevel = i32(lit)
  }
  logInfo('light-alarm', 'event ' + id.toString() + ': ' + formatDecimal(value) + ' ' + unit + ', led ' + (lit ? 'on' : 'off'))
  return null
}
