/** What `status` says of apps across nodes: where those run that do not run everywhere, and whose calls left the group. */
import type { StatusReport } from '../api/index.ts'
import { unfitOf, unfitTexts } from './release-fit.ts'
import type { GroupView } from './render-status-group.ts'
import { ageText, countText, hanging, plain } from './text.ts'
import { namesText } from './why-votes.ts'

const maxPlacements = 8
/** Apps whose calls left the group, that are listed. */
const maxDepartures = 8

/** Where apps run that do not run everywhere: `uplink 1.4.2  on lobby-1 and garage-1`. */
export function placementLines({ placements = [] }: StatusReport, view: GroupView): string[] {
  if (placements.length === 0) return []
  const lines = placements.slice(0, maxPlacements).flatMap((placement) => {
    const { app, version, nodes, why } = placement
    const names = nodes.map((id) => view.names.get(id) ?? `…${id.slice(-8)}`)
    const where = names.length === 0 ? `nowhere: ${plain(why)}` : `on ${namesText(names)}`
    const members = [...view.names].map(([id, name]) => ({ id, name }))
    const not = unfitTexts(unfitOf(placement, members)).map((text) => ` · ${text}`)
    const text = `${plain(app)} ${plain(version)} ${where}${not.join('')} · selvedge why ${plain(app)}`
    return hanging('  ', text, view.width)
  })
  const more = placements.length - maxPlacements
  const rest = more > 0 ? [`  and ${more} more`] : []
  return [`${view.paint.bold('places')}  ${countText(placements.length, 'app')}`, ...lines, ...rest, '']
}

/** `! hello: 12 calls left the group in the last 5 min, answered by garage-1, last 4 s ago`. */
export function departureLines({ departures = [] }: StatusReport, view: GroupView): string[] {
  const lines = departures.slice(0, maxDepartures).flatMap(({ app, calls, nodes, lastAgoMs }) => {
    const last = ageText(lastAgoMs + view.reportAgeMs)
    const text = `${plain(app)}: ${countText(calls, 'call')} left the group in the last 5 min, answered by ${namesText(nodes)}, last ${last} ago`
    return hanging('! ', text, view.width, view.paint.yellow)
  })
  return lines.length === 0 ? [] : [...lines, '']
}
