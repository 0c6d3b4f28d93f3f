/** Times of the day for people, by the clock on their wall: `14:02`, and with its day where that was another. */

import { latestDateMs } from '../../core/index.ts'

const minuteMs = 60_000
const dayMs = 24 * 60 * minuteMs
const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']

/** Where a time is read: now, ms since the epoch, and how far the wall clock is ahead of UTC there. */
export interface TimeView {
  readonly now: number
  /** Minutes. */
  readonly utcOffset: number
}

/** @returns `14:02`, `14:02:07` where that is less than two minutes ago, `19 Nov 14:02` on another day */
export function timeText(atMs: number, { now, utcOffset }: TimeView): string {
  // What another node says of its past may be before all dates.
  const shownMs = Math.min(latestDateMs, Math.max(-latestDateMs, atMs + utcOffset * minuteMs))
  const local = new Date(shownMs)
  const text = local.toISOString()
  const dayOf = (ms: number): number => Math.floor((ms + utcOffset * minuteMs) / dayMs)
  if (dayOf(atMs) !== dayOf(now)) {
    return `${local.getUTCDate()} ${months[local.getUTCMonth()]} ${text.slice(-13, -8)}`
  }
  return Math.abs(now - atMs) < 2 * minuteMs ? text.slice(-13, -5) : text.slice(-13, -8)
}

/** How far this machine's wall clock is ahead of UTC, in minutes. */
export function utcOffsetAt(now: number): number {
  return -new Date(now).getTimezoneOffset()
}
