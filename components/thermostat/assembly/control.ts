/** Called by people, `selvedge call thermostat set-target 21.5`, and by other apps. */
import { err, Result, Unit } from './bindings/values'
import { remember } from './memory'
import { currentTarget, highestTarget, isTarget, lowestTarget, targetKey } from './target'
import { formatDecimal } from './decimal'

export function target(): Result<f64, string> {
  return currentTarget()
}

export function setTarget(celsius: f64): Result<Unit, string> {
  if (!isTarget(celsius)) {
    const range = 'from ' + formatDecimal(lowestTarget) + ' to ' + formatDecimal(highestTarget)
    return err<Unit, string>('a room is kept at ' + range + ' degrees Celsius')
  }
  // To a tenth, as everything is shown: what is set is what is read.
  return remember(targetKey, formatDecimal(celsius))
}
