/**
 * Decimal numbers in the two ways this app meets them. The standard library's own conversions would add several
 * kilobytes for exponents, infinities and the last digit, none of which a threshold or a log line has.
 */

/** @returns the value of `300`, `-4.5`, ` 12 `; NaN for anything else, also for exponents and `12abc` */
export function parseDecimal(text: string): f64 {
  const digits = text.trim()
  const end = digits.length
  let at = 0
  const negative = end > 0 && digits.charCodeAt(0) === 0x2d
  if (negative) at = 1

  let value: f64 = 0
  let scale: f64 = 1
  let count = 0
  let fraction = false
  for (; at < end; at++) {
    const code = digits.charCodeAt(at)
    if (code === 0x2e && !fraction && count > 0) {
      fraction = true
      count = 0
      continue
    }
    if (code < 0x30 || code > 0x39) return NaN
    value = value * 10 + f64(code - 0x30)
    if (fraction) scale *= 10
    count++
  }
  // No digit at all, none behind the point, or so many that the value is no longer finite.
  if (count === 0 || !isFinite(value) || !isFinite(scale)) return NaN
  return negative ? -value / scale : value / scale
}

/** @returns the value with at most one decimal, `312`, `-0.5`; beyond a quadrillion only which side it is on */
export function formatDecimal(value: f64): string {
  if (Math.abs(value) > 1e15) return value < 0 ? '<-1e15' : '>1e15'
  const tenths = i64(Math.round(Math.abs(value) * 10))
  const whole = (tenths / 10).toString()
  const rest = tenths % 10
  const sign = value < 0 && tenths !== 0 ? '-' : ''
  return rest === 0 ? sign + whole : sign + whole + '.' + rest.toString()
}
