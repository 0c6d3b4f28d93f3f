/** Whether to heat: between the two edges whatever was done before goes on, so that the heater does not chatter. */
export function shouldHeat(celsius: f64, target: f64, hysteresis: f64, isHeating: bool): bool {
  if (celsius <= target - hysteresis / 2) return true
  if (celsius >= target + hysteresis / 2) return false
  return isHeating
}
