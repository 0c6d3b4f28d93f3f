/** Called by other apps, and by `selvedge call thermo`. */
import { Reading } from './bindings/acme-thermo-api'
import { err, ok, Result } from './bindings/values'

const absoluteZero: f64 = -273.15

export function toFahrenheit(celsius: f64): Result<f64, string> {
  if (!(celsius >= absoluteZero)) return err<f64, string>('nothing is colder than -273.15 degrees')
  return ok<f64, string>(celsius * 1.8 + 32)
}

export function warmest(readings: Reading[]): Reading | null {
  let found: Reading | null = null
  for (let index = 0; index < readings.length; index++) {
    const reading = readings[index]
    if (found === null || reading.celsius > found.celsius) found = reading
  }
  return found
}
