/** Why an app runs where it does, and why not elsewhere, in sentences. A report and the time go in, text comes out. */
import type { AppPlace, AppWhy } from '../api/index.ts'
import { placementText } from './placement-text.ts'
import { variantText } from './render-apps.ts'
import { ageText, countText, plain } from './text.ts'
import { timeText, type TimeView } from './time-text.ts'
import { namesText } from './why-votes.ts'

export type PlaceSign = 'good' | 'waiting' | 'bad' | 'none'

export interface PlaceLine {
  readonly sign: PlaceSign
  readonly text: string
}

export interface AppExplanation {
  readonly summary: string
  readonly places: readonly PlaceLine[]
  readonly rules: readonly string[]
  readonly next: readonly string[]
}

export function explainApp(why: AppWhy, view: TimeView): AppExplanation {
  const wanted = why.places.filter(({ isPlaced }) => isPlaced)
  const others = why.places.filter(({ isPlaced }) => !isPlaced)
  return {
    summary: summaryOf(why, view),
    places: [...wanted.map((place) => placedLine(place, why, view)), ...otherLines(others, why)],
    rules: ruleLines(why),
    next: nextLines(why),
  }
}

/** 0 where it runs wherever it has a place, 3 where that is under way, 1 where something is in its way. */
export function appExitCodeOf(why: AppWhy): number {
  if (why.head.halted !== undefined || why.placement === null || why.placement.held !== undefined) return 1
  const signs = why.places.filter(({ isPlaced }) => isPlaced).map((place) => signOf(place, why))
  if (signs.length === 0 || signs.includes('bad')) return 1
  return signs.includes('waiting') ? 3 : 0
}

function summaryOf(why: AppWhy, view: TimeView): string {
  const { head, placement, app, places } = why
  const name = `${plain(app)} ${plain(placement?.version ?? head.version)}`
  if (head.halted !== undefined)
    return `${plain(app)} must not run: its ${head.halted.of} was revoked (${plain(head.halted.reason)})`
  if (placement === null) return `${name} may run nowhere`
  const wanted = places.filter(({ isPlaced }) => isPlaced)
  if (wanted.length === 0) return `${name} runs nowhere: ${plain(placement.why)}`
  const running = wanted.filter((place) => signOf(place, why) === 'good').length
  const whole = `${countText(wanted.length, 'node')} that should run it`
  const signed = `signed at ${timeText(head.signedAt, view)}`
  return running === wanted.length
    ? `${name} runs on ${running === 1 ? 'the one node' : `all ${running} nodes`} that should run it, ${signed}`
    : `${name} runs on ${running} of the ${whole}, ${signed}`
}

function signOf(place: AppPlace, { placement }: AppWhy): PlaceSign {
  const { app, state } = place
  if (state === 'dead' || state === 'left') return 'bad'
  if (app === null) return 'waiting'
  const states = [app.state, app.next?.state]
  if (states.includes('failed') || states.includes('backoff')) return 'bad'
  const isNew = app.seq >= (placement?.seq ?? 0)
  return app.state === 'running' && isNew && state === 'alive' ? 'good' : 'waiting'
}

function placedLine(place: AppPlace, why: AppWhy, view: TimeView): PlaceLine {
  const { name, state, app, recordAgeMs } = place
  const heard = recordAgeMs === null ? '' : `, as it said ${ageText(recordAgeMs)} ago`
  const away = state === 'alive' ? '' : `the node is ${state} since ${timeText(place.stateSince, view)}; `
  const sign = signOf(place, why)
  if (app === null) {
    const text = `${plain(name)}: ${away}has a place, and has not said that it runs it${heard}`
    return { sign, text }
  }
  const did = `${app.state} ${plain(app.version)}${variantText(app)} since ${timeText(app.since, view)}`
  const reason = app.reason === undefined ? '' : `: ${app.reason.code}: ${plain(app.reason.message)}`
  const next =
    app.next === undefined
      ? ''
      : `; ${plain(app.next.version)} is ${app.next.state}${app.next.reason === undefined ? '' : `: ${app.next.reason.code}: ${plain(app.next.reason.message)}`}`
  return { sign, text: `${plain(name)}: ${away}${did}${reason}${next}${heard}` }
}

/** Nodes without a place, those with one reason together. */
function otherLines(places: readonly AppPlace[], { head, placement, terms }: AppWhy): PlaceLine[] {
  const reasons = new Map<string, string[]>()
  const rule = terms.placement === undefined ? '' : placementText(terms.placement)
  for (const place of places) {
    const lacking = place.lacks.map(plain).join(', ')
    const because = !place.isMeant
      ? `not for ${place.groups.length === 0 ? 'nodes of no group' : `group ${place.groups.map(plain).join(', ')}`}: the release is for ${head.groups.map(plain).join(', ')}`
      : place.lacks.length > 0
        ? `cannot run it without ${lacking}`
        : placement === null || placement.nodes.length === 0
          ? 'could run it, and nothing of it may run now'
          : `could run it, and has no place${rule === '' ? '' : `: ${rule}`}`
    const key = `${because}${awayOrStill(place)}`
    reasons.set(key, [...(reasons.get(key) ?? []), place.name])
  }
  return [...reasons].map(([because, names]) => ({
    sign: 'none' as const,
    text: `${namesText(names)}: ${because}`,
  }))
}

/** What a node said before it went is no longer so. */
function awayOrStill({ app, state }: AppPlace): string {
  const isGone = state === 'dead' || state === 'left'
  if (app === null) return isGone ? `; the node is ${state}` : ''
  const did = `${app.state} ${plain(app.version)}`
  return isGone ? `; the node is ${state}, and was ${did} when it was last heard` : `; still ${did} there`
}

function ruleLines({ placement, terms, head, asked }: AppWhy): string[] {
  const rule = terms.placement === undefined ? '' : placementText(terms.placement)
  const where = head.groups.length === 0 ? 'every group' : namesText(head.groups)
  return [
    `the release is for ${where}${rule === '' ? '' : `; ${rule}`}`,
    ...(placement === null ? [] : [`here on ${plain(asked.name)}: ${plain(placement.why)}`]),
    ...(placement?.held === undefined
      ? []
      : [`${plain(placement.held.version)} is held: ${plain(placement.held.message)}`]),
  ]
}

function nextLines({ placement, places, head, app }: AppWhy): string[] {
  const hints = new Set<string>()
  if (head.halted !== undefined) hints.add(`publish a release that counts: selvedge publish`)
  if (placement?.held !== undefined) hints.add(plain(placement.held.hint))
  for (const { app: one, isPlaced, state, name } of places) {
    if (!isPlaced) continue
    if (state !== 'alive') hints.add(`ask about the node: selvedge why ${plain(name)}`)
    for (const reason of [one?.reason, one?.next?.reason])
      if (reason !== undefined) hints.add(plain(reason.hint))
  }
  if (places.some(({ isPlaced }) => isPlaced) || hints.size > 0) return [...hints].slice(0, 4)
  return [`let a node in that has what it needs, or publish ${plain(app)} with another placement`]
}
