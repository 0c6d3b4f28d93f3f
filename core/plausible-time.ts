/** Whether a wall clock can be believed: boards without a battery begin in 1970, and a worn one may say anything. */

/** Nothing of ours was there before it. */
const firstMs = Date.UTC(2023, 0, 1)
const lastMs = Date.UTC(2100, 0, 1)

/** The last moment that a date can name: a later one cannot be shown. */
export const latestDateMs = 8.64e15

export type TimeDoubt = 'never-set' | 'far-future'

/** @param nowMs wall clock, ms since the epoch @returns null for a time that may be true */
export function timeDoubt(nowMs: number): TimeDoubt | null {
  if (nowMs < firstMs) return 'never-set'
  return nowMs > lastMs ? 'far-future' : null
}

/** `1970-01-01 00:00:12 UTC` */
export function timeOfDay(nowMs: number): string {
  const text = new Date(Math.min(Math.max(nowMs, -latestDateMs), latestDateMs)).toISOString()
  return text.replace(/\.\d+Z$/, ' UTC').replace('T', ' ')
}
