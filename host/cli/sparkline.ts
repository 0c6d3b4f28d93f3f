/** A row of values as a picture of one line, as high as they are far apart: `▁▂▅▇▆▃`. */
const steps = '▁▂▃▄▅▆▇█'

/** @param width characters at most: the last values are drawn */
export function sparkline(values: readonly number[], width: number): string {
  const shown = values.slice(-width)
  const [low, high] = [Math.min(...shown), Math.max(...shown)]
  // What does not move is a flat line, and not a full one.
  if (high === low) return (steps[0] ?? '').repeat(shown.length)
  return shown.map((value) => steps[Math.round(((value - low) / (high - low)) * (steps.length - 1))]).join('')
}
