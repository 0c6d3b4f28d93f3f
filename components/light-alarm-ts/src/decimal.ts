/** Decimal numbers in the two ways this app meets them. */

/** @returns the value of `300`, `-4.5`, ` 12 `; null for anything else, also for exponents and `12abc` */
export function parseDecimal(text: string): number | null {
  const digits = text.trim()
  const value = Number(digits)
  return /^-?[0-9]+(\.[0-9]+)?$/.test(digits) && Number.isFinite(value) ? value : null
}

/** @returns the value with at most one decimal, `312`, `-0.5`; beyond a quadrillion only which side it is on */
export function formatDecimal(value: number): string {
  if (Math.abs(value) > 1e15) return value < 0 ? '<-1e15' : '>1e15'
  // Rounded by its amount, so that -0.25 and 0.25 differ by their sign alone; `+ 0` has no -0.
  const tenths = Math.round(Math.abs(value) * 10)
  return String((value < 0 ? -tenths : tenths) / 10 + 0)
}
