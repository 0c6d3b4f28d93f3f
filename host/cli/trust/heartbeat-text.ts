/** The last heartbeat in one line: `heartbeat 4 min old`. */
import type { HeartbeatStatus } from '../../api/index.ts'
import { ageText, shortAgeText } from '../text.ts'

/** For a narrow place: `heartbeat 4 min old`, `heartbeat unknown`. */
export function pulseText({ ageMs, state }: HeartbeatStatus): string {
  if (ageMs === null) return 'heartbeat unknown'
  return `heartbeat ${shortAgeText(ageMs)} old${state === 'fresh' ? '' : ` (${state})`}`
}

export function heartbeatText({ state, ageMs, everyMs }: HeartbeatStatus): string {
  const promised = everyMs === null ? '' : `, one every ${ageText(everyMs)} was promised`
  if (state === 'unknown' || ageMs === null) {
    return `heartbeat of unknown age: none came since this node was started${promised}`
  }
  const verdict = { fresh: '', overdue: ': overdue', behind: ': it tells of news that did not come here' }
  return `heartbeat ${ageText(ageMs)} old${promised}${verdict[state]}`
}
