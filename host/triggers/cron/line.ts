/** A cron line, read by croner: five fields, or six with seconds first, in a time zone. */
import { Cron } from 'croner'
import { messageOf } from '../../../core/index.ts'
import type { RunAfter } from './schedule.ts'

export const maxLineLength = 200
/** A line has no years, so it runs after any day or after none. */
const someDayMs = Date.UTC(2020, 0, 1)

/**
 * @param zone of the IANA's list; UTC where it is not said
 * @returns when it runs, or in words why it cannot
 */
export function readCronLine(line: string, zone = 'UTC'): RunAfter | { readonly why: string } {
  if (line.length > maxLineLength) return { why: `has more than ${maxLineLength} characters` }
  const zoneProblem = problemOfZone(zone)
  if (zoneProblem !== null) return { why: zoneProblem }
  try {
    const cron = new Cron(line, { timezone: zone, paused: true, mode: '5-or-6-parts' })
    if (cron.nextRun(new Date(someDayMs)) === null) {
      return { why: 'can never run: no day is as it says, as the 30th of February' }
    }
    return (ms) => cron.nextRun(new Date(ms))?.getTime() ?? null
  } catch (error) {
    return { why: `is no cron line: ${messageOf(error)}` }
  }
}

function problemOfZone(zone: string): string | null {
  try {
    new Intl.DateTimeFormat('en', { timeZone: zone }).resolvedOptions()
    return null
  } catch {
    return `has the time zone ${JSON.stringify(zone.slice(0, 60))}, which is not known here; write one as "Europe/Berlin"`
  }
}
