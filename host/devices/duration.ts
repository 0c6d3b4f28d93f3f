/** A duration as people write it in a driver's options: `"250ms"`, `"6s"`, `"24h"`; milliseconds inside. */
import * as v from 'valibot'

const unitMs: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }
const pattern = /^(\d{1,9}(?:\.\d{1,3})?)(ms|s|m|h|d)$/

/** @returns milliseconds, or null where `text` is no duration */
export function parseDuration(text: string): number | null {
  const match = pattern.exec(text)
  const scale = unitMs[match?.[2] ?? '']
  return match === null || scale === undefined ? null : Number(match[1]) * scale
}

/** A schema for a duration between two bounds, in milliseconds. */
export function duration(minMs: number, maxMs: number) {
  const problem = `is no duration from ${minMs} ms to ${maxMs} ms; write a number and a unit, such as "250ms", "6s", "1h"`
  return v.pipe(
    v.string(),
    v.check((text) => {
      const ms = parseDuration(text)
      return ms !== null && ms >= minMs && ms <= maxMs
    }, problem),
    v.transform((text) => parseDuration(text) ?? minMs),
  )
}
