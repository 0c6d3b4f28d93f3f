/** The temperature to keep: what somebody set last, else what the release or the node's owner says. */
import { err, ok, Result } from './bindings/values'
import * as config from './bindings/wasi-config-store'
import { formatDecimal, parseDecimal } from './decimal'
import { recall } from './memory'

export const lowestTarget: f64 = 5
export const highestTarget: f64 = 30

export const targetKey = 'target'

export function currentTarget(): Result<f64, string> {
  const set = recall(targetKey)
  if (set.isErr) return err<f64, string>(set.error)
  const text = set.value
  if (text !== null) {
    const celsius = parseDecimal(text)
    if (isTarget(celsius)) return ok<f64, string>(celsius)
  }
  return setting('target', lowestTarget, highestTarget)
}

/** A NaN is none. */
export function isTarget(celsius: f64): bool {
  return celsius >= lowestTarget && celsius <= highestTarget
}

/** A number of the release's `[config]`, which a node's owner may set otherwise. */
export function setting(key: string, least: f64, most: f64): Result<f64, string> {
  const got = config.get(key)
  const missing = got.isErr || got.value === null
  if (missing) return err<f64, string>('the setting "' + key + '" is missing; set it under [config]')
  const text = got.value!
  const value = parseDecimal(text)
  if (value >= least && value <= most) return ok<f64, string>(value)
  const range = 'from ' + formatDecimal(least) + ' to ' + formatDecimal(most)
  return err<f64, string>('the setting "' + key + '" is "' + text + '"; write a number ' + range)
}
