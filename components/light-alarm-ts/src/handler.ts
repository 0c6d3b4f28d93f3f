/**
 * Lights the pin `led` by what the sensor reads: the rule is in rule.ts, this file is what happens around it.
 *
 * A handled event leaves exactly one line in the app's log. A failed one leaves none and is answered with `err`,
 * whose text the node counts and logs.
 */
import { write } from 'selvedge:device/pins@0.1.0'
import { get } from 'wasi:config/store@0.2.0-rc.1'
import { log } from 'wasi:logging/logging@0.1.0-draft'
import { formatDecimal, parseDecimal } from './decimal.ts'
import { Failure, reasonOf } from './failure.ts'
import { shouldLight } from './rule.ts'

/** Used where the release sets no `threshold`, in the sensor's unit. */
const defaultThreshold = 300

/**
 * The level that was last written. Unknown until the first event: the pin may still be as an earlier release, or
 * a crash, left it.
 */
let writtenLevel: boolean | null = null

/**
 * @param id a number in QuickJS, a bigint in StarlingMonkey
 * @throws Failure where the event is not handled
 */
export function handleEvent(id: number | bigint, value: number, unit: string): void {
  const lit = shouldLight(value, readThreshold())
  if (lit !== writtenLevel) {
    try {
      write('led', lit)
    } catch (error) {
      // The level stays what it was, so the next event tries again.
      throw new Failure(`the pin "led" cannot be switched: ${reasonOf(error)}`)
    }
    writtenLevel = lit
  }
  log('info', 'light-alarm-ts', `event ${id}: ${formatDecimal(value)} ${unit}, led ${lit ? 'on' : 'off'}`)
}

function readThreshold(): number {
  let text: string | null
  try {
    // What is not set is null in QuickJS and undefined in StarlingMonkey.
    text = get('threshold') ?? null
  } catch (error) {
    throw new Failure(`the setting "threshold" cannot be read: ${reasonOf(error)}`)
  }
  if (text === null) return defaultThreshold
  const threshold = parseDecimal(text)
  if (threshold === null) {
    throw new Failure(`the setting "threshold" is no number: "${text}"; write it like "300" or "4.5"`)
  }
  return threshold
}
