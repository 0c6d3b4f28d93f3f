/** One group of `status`: node by node, or as a line with counts where a large mesh is well. */
import type { NodeStatus } from '../api/index.ts'
import type { Paint } from './paint.ts'
import { renderNode, signs, toneOf, type Columns, type NodeView } from './render-status-node.ts'
import { needsLook, type Group } from './status-groups.ts'
import { verdictText } from './status-overview.ts'
import { cutTo } from './text-cut.ts'
import { countText, hanging, plain, shortAgeText } from './text.ts'
import { timeText, type TimeView } from './time-text.ts'

/** Nodes of one group that are listed one by one where a mesh is large; the rest is counted. */
const maxListed = 8
/** The same where all have one verdict, as of a site that is gone. */
const maxAlike = 3
/** Apps that a line of counts names. */
const maxApps = 4

export type GroupView = NodeView & TimeView & { readonly reportAgeMs: number }

export function renderGroup(group: Group, columns: Columns, view: GroupView): string[] {
  return [title(group, view.paint), ...group.nodes.flatMap((node) => renderNode(node, columns, view)), '']
}

/** Those in need in full, up to a number; all others as one line. */
export function renderFolded(group: Group, columns: Columns, view: GroupView): string[] {
  const { paint, selfId } = view
  const inNeed = group.nodes.filter(needsLook)
  const rest = group.nodes.filter((node) => !needsLook(node))
  if (inNeed.length === 0) return healthyLine(group.name, rest, view)
  const isOne = new Set(inNeed.map(({ state }) => state)).size === 1
  const room = isOne ? maxAlike : maxListed
  const listed = inNeed.length > room + 1 ? inNeed.slice(0, room) : inNeed
  const more = inNeed.slice(listed.length)
  const own = rest.filter(({ id }) => id === selfId)
  const others = rest.filter(({ id }) => id !== selfId)
  return [
    title(group, paint),
    ...[...listed, ...own].flatMap((node) => renderNode(node, columns, view)),
    ...moreLines(more, group, view),
    ...(others.length === 0
      ? []
      : hanging(`  ${signs.alive} `, `${others.length} others${factsOf(others)}`, view.width, paint.green)),
    '',
  ]
}

function title({ name, nodes, inNeed }: Group, paint: Paint): string {
  const needs = inNeed === 0 ? '' : paint.yellow(` · ${inNeed} ${inNeed === 1 ? 'needs' : 'need'} a look`)
  return `${paint.bold(plain(name))}  ${countText(nodes.length, 'node')}${needs}`
}

/** `● hall-07  20 nodes alive · light-alarm 2.0.0 on 20, uplink 1.4.2 on 19 · heard ≤ 12 s ago` */
function healthyLine(name: string, nodes: readonly NodeStatus[], { paint, width }: GroupView): string[] {
  const text = `${plain(name)}  ${countText(nodes.length, 'node')}${factsOf(nodes)}`
  return [cutTo(`${paint.green(signs.alive)} ${text}`, width)]
}

function factsOf(nodes: readonly NodeStatus[]): string {
  const left = nodes.filter(({ state }) => state === 'left').length
  const alive = nodes.length - left
  const state = left === 0 ? ' alive' : alive === 0 ? ' left' : `: ${alive} alive, ${left} left`
  const ages = nodes.flatMap(({ recordAgeMs }) => recordAgeMs ?? [])
  const age = ages.length === 0 ? '' : ` · heard ≤ ${shortAgeText(Math.max(...ages))} ago`
  const apps = appCounts(nodes)
  return `${state}${apps === '' ? '' : ` · ${apps}`}${age}`
}

function appCounts(nodes: readonly NodeStatus[]): string {
  const counts = new Map<string, number>()
  for (const node of nodes) {
    for (const { app, version, state } of node.apps) {
      const name = `${plain(app)} ${plain(version)}${state === 'running' ? '' : ` ${state}`}`
      counts.set(name, (counts.get(name) ?? 0) + 1)
    }
  }
  const all = [...counts].sort(([one, many], [other, more]) => more - many || (one < other ? -1 : 1))
  const shown = all.slice(0, maxApps).map(([name, count]) => `${name} on ${count}`)
  return [...shown, ...(all.length > maxApps ? [`${all.length - maxApps} more`] : [])].join(', ')
}

/** Those that are not listed, by verdict. */
function moreLines(nodes: readonly NodeStatus[], { name }: Group, view: GroupView): string[] {
  if (nodes.length === 0) return []
  const states = [...new Set(nodes.map(({ state }) => state))]
  return states.flatMap((state) => {
    const same = nodes.filter((node) => node.state === state)
    const since = timeText(Math.min(...same.map(({ stateSince }) => stateSince)), view)
    const what = state === 'alive' ? 'with apps that fail' : `${verdictText(state)}, the first since ${since}`
    const text = `${same.length} more ${what}: selvedge status --group ${plain(name)}`
    return hanging(`  ${signs[state]} `, text, view.width, toneOf({ state }, view.paint))
  })
}
