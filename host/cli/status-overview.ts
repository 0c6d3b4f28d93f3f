/** A whole mesh in one sentence: `3 of 4 sites fine; garage is cut off since 14:02`. */
import type { AppState, NodeStatus, StatusReport, Verdict } from '../api/index.ts'
import { appIsInTrouble } from './render-apps.ts'
import { groupsOf, isAway, needsLook, ungrouped, type Group } from './status-groups.ts'
import { countText, plain } from './text.ts'
import { timeText, type TimeView } from './time-text.ts'

export interface Overview {
  /** `cut`: this very node is cut off, so all else is what it last knew. */
  readonly kind: 'fine' | 'look' | 'cut'
  readonly text: string
}

/** What is told of at once; the rest stands below. */
const maxClauses = 3
/** Apps that fail are named up to here. */
const maxApps = 2

/** null for a mesh of this node alone, which is read in a glance as it is. */
export function overviewOf(report: StatusReport, view: TimeView): Overview | null {
  const self = report.nodes.find(({ id }) => id === report.self.id)
  if (self?.state === 'isolated') {
    const since = timeText(self.stateSince, view)
    return { kind: 'cut', text: `this node is isolated since ${since}: ${plain(self.why)}; its apps run` }
  }
  const there = report.nodes.filter(({ state }) => state !== 'left')
  const groups = groupsOf(there).filter(({ name }) => name !== ungrouped)
  const troubles = troublesOf(there, groups, view)
  if (there.length < 2) return null
  const gone = report.nodes.length - there.length
  const left = gone === 0 ? '' : ` (${gone} left)`
  const head = headOf(there, groups)
  if (troubles.length === 0) return { kind: 'fine', text: `${head}${left}${appsText(there)}` }
  const told = troubles.slice(0, maxClauses)
  const more = troubles.length - told.length
  const rest = more === 0 ? [] : [`${more} more ${more === 1 ? 'needs' : 'need'} a look`]
  return { kind: 'look', text: [`${head}${left}`, ...told, ...rest].join('; ') }
}

function headOf(nodes: readonly NodeStatus[], groups: readonly Group[]): string {
  const isBySite = groups.length > 1 && nodes.every((node) => node.groups.length > 0)
  const all = isBySite ? groups.length : nodes.length
  const fine = isBySite
    ? groups.filter(({ inNeed }) => inNeed === 0).length
    : nodes.filter((node) => !needsLook(node)).length
  const unit = countText(all, isBySite ? 'site' : 'node').replace(/^\d+ /, '')
  if (fine < all) return `${fine} of ${all} ${unit} fine`
  const which = all === 1 ? `the one ${unit}` : `all ${all} ${unit}`
  return isBySite ? `${which} fine: ${countText(nodes.length, 'node')}` : `${which} fine`
}

function appsText(nodes: readonly NodeStatus[]): string {
  const apps = new Set(nodes.flatMap((node) => node.apps.map(({ app }) => app)))
  return apps.size === 0 ? '' : `, ${countText(apps.size, 'app')}`
}

/** Whole sites first, then nodes, then apps, then devices. */
function troublesOf(nodes: readonly NodeStatus[], groups: readonly Group[], view: TimeView): string[] {
  const lost = groups.filter((group) => groups.length > 1 && group.nodes.every(isAway))
  const inLost = new Set(lost.flatMap((group) => group.nodes.map(({ id }) => id)))
  const away = nodes.filter((node) => isAway(node) && !inLost.has(node.id))
  const failing = nodes.filter((node) => !isAway(node) && needsLook(node))
  return [
    ...lost.map((group) => lostText(group, view)),
    ...awayTexts(away, view),
    ...failTexts(failing.filter(({ apps }) => apps.some(appIsInTrouble))),
    ...deviceTexts(failing),
    ...idleTexts(nodes),
  ]
}

/** Apps that no node runs, as each waits for a sensor or something else that somebody has to bring: no node is the worse for it. */
function idleTexts(nodes: readonly NodeStatus[]): string[] {
  const byApp = new Map<string, AppState[]>()
  for (const { apps } of nodes)
    for (const { app, state } of apps) byApp.set(app, [...(byApp.get(app) ?? []), state])
  const idle = [...byApp].filter(([, states]) => states.every((state) => state === 'waiting'))
  const [first] = idle
  if (first === undefined) return []
  if (idle.length > maxApps) return [`${idle.length} apps run nowhere: they wait`]
  return idle.map(
    ([app, states]) => `${plain(app)} runs nowhere: it waits on ${countText(states.length, 'node')}`,
  )
}

function lostText({ name, nodes }: Group, view: TimeView): string {
  const states = new Set(nodes.map(({ state }) => state))
  const [first] = states
  const since = timeText(Math.max(...nodes.map(({ stateSince }) => stateSince)), view)
  const what = states.size === 1 && first !== undefined ? verdictText(first) : 'out of reach'
  return `${plain(name)} is ${what} since ${since}`
}

function awayTexts(nodes: readonly NodeStatus[], view: TimeView): string[] {
  const byState = new Map<Verdict, NodeStatus[]>()
  for (const node of nodes) byState.set(node.state, [...(byState.get(node.state) ?? []), node])
  return [...byState].map(([state, list]) => {
    const [node] = list
    if (node !== undefined && list.length === 1)
      return `${plain(node.name)} is ${verdictText(state)} since ${timeText(node.stateSince, view)}`
    return `${countText(list.length, 'node')} are ${verdictText(state)}`
  })
}

function failTexts(nodes: readonly NodeStatus[]): string[] {
  const byApp = new Map<string, string[]>()
  for (const node of nodes) {
    for (const app of node.apps.filter(appIsInTrouble))
      byApp.set(app.app, [...(byApp.get(app.app) ?? []), node.name])
  }
  if (byApp.size > maxApps) return [`${byApp.size} apps fail on ${countText(nodes.length, 'node')}`]
  return [...byApp].map(([app, names]) => {
    const [name = ''] = names
    return `${plain(app)} fails on ${names.length === 1 ? plain(name) : countText(names.length, 'node')}`
  })
}

function deviceTexts(nodes: readonly NodeStatus[]): string[] {
  const unwell = nodes.flatMap(({ name: node, devices }) =>
    devices.flatMap(({ kind, name, health }) => (health === undefined ? [] : [{ node, kind, name, health }])),
  )
  const [first] = unwell
  if (first === undefined) return []
  if (unwell.length > 1) return [`${unwell.length} sensors and pins are not well`]
  return [`${first.kind} ${plain(first.name)} is ${plain(first.health)} on ${plain(first.node)}`]
}

export function verdictText(verdict: Verdict): string {
  return verdict === 'cut-off' ? 'cut off' : verdict
}
