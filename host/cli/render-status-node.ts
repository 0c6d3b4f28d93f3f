/** One node of `status`: sign, verdict in a word, what is known of it and how old that is, its apps, and what is wrong. */
import type { NodeStatus, Verdict } from '../api/index.ts'
import { renderApps } from './render-apps.ts'
import type { Paint } from './paint.ts'
import { isAway } from './status-groups.ts'
import { padTo, visibleLength } from './table.ts'
import { ageText, hanging, plain, shortAgeText } from './text.ts'

export interface NodeView {
  readonly now: number
  readonly width: number
  readonly paint: Paint
  readonly selfId: string
  /** Names of nodes by id, for gateways. */
  readonly names: ReadonlyMap<string, string>
}

export const signs: Readonly<Record<Verdict, string>> = {
  alive: '●',
  suspect: '◐',
  'cut-off': '◐',
  isolated: '◐',
  dead: '✗',
  left: '○',
}

export interface Columns {
  readonly name: number
  /** 0 where the screen is too narrow for more than name, verdict and age. */
  readonly arch: number
}

const stateWidth = 'this node'.length
const roundTripWidth = '999 ms'.length
const ageWidth = '59 min'.length
const longestName = 24
const longestArch = 8
/** Below this many columns apps do not stand beside their node but under it. */
const leastForApps = 24
/** Narrower screens show no platform and no round trip. */
const leastForAll = 56

export function columnsOf(nodes: readonly NodeStatus[], width: number): Columns {
  const name = Math.min(longestName, widest(nodes.map((node) => plain(node.name))))
  if (width >= leastForAll) {
    const arch = Math.min(longestArch, Math.max('arch'.length, widest(nodes.map((node) => plain(node.arch)))))
    return { name, arch }
  }
  return { name: Math.min(name, Math.max(8, width - 4 - stateWidth - ageWidth - 2)), arch: 0 }
}

function widest(texts: readonly string[]): number {
  return Math.max(0, ...texts.map((text) => text.length))
}

export function headLine(columns: Columns): string {
  const apps = columns.arch === 0 ? '' : 'apps'
  return `${joinCells(['', 'verdict', 'arch', 'ping', 'age'], columns)}${apps}`.trimEnd()
}

export function renderNode(node: NodeStatus, columns: Columns, view: NodeView): string[] {
  const { paint } = view
  const tone = toneOf(node, paint)
  const isSelf = node.id === view.selfId
  const head = joinCells(
    [
      `  ${tone(signs[node.state])} ${plain(node.name).slice(0, columns.name)}`,
      tone(isSelf && node.state === 'alive' ? 'this node' : node.state),
      plain(node.arch).slice(0, longestArch),
      roundTrip(node),
      node.recordAgeMs === null ? '·' : shortAgeText(node.recordAgeMs),
    ],
    columns,
  )
  const beside = view.width - visibleLength(head)
  const isUnder = beside < leastForApps
  const indent = ' '.repeat(isUnder ? 6 : visibleLength(head))
  const apps = renderApps(node.apps, { now: view.now, width: view.width - indent.length, paint })
  const [first = '', ...more] = isUnder ? ['', ...apps.beside] : apps.beside
  return [
    `${head}${first}`.trimEnd(),
    ...more.map((line) => `${indent}${line}`),
    ...noteLines(node, isSelf, view),
    ...apps.below.flatMap(({ inTrouble, text }) =>
      inTrouble
        ? hanging('    ✗ ', text, view.width, paint.red)
        : hanging('    ◐ ', text, view.width, paint.yellow),
    ),
  ]
}

/** The columns before the apps; numbers stand to the right. */
function joinCells(cells: readonly [string, string, string, string, string], columns: Columns): string {
  const [name, state, arch, ping, age] = cells
  const head = [padTo(name, columns.name + 4), padTo(state, stateWidth)]
  const facts = columns.arch === 0 ? [] : [padTo(arch, columns.arch), ping.padStart(roundTripWidth)]
  return `${[...head, ...facts, age.padStart(ageWidth)].join(' ')}  `
}

/** Why it is not simply alive, and what leads to it. */
function noteLines(node: NodeStatus, isSelf: boolean, { now, width, names, paint }: NodeView): string[] {
  const lines: string[] = []
  if (node.state !== 'alive') {
    const ask = isAway(node) && !isSelf ? ` · selvedge why ${plain(node.name)}` : ''
    lines.push(...hanging('    ', `for ${ageText(now - node.stateSince)}: ${plain(node.why)}${ask}`, width))
  } else if (node.slow === true) {
    const text = isSelf
      ? 'slow: this node’s own loop lags'
      : `slow: it says so itself · selvedge why ${plain(node.name)}`
    lines.push(...hanging('    ', text, width).map(paint.yellow))
  }
  const unwell = node.devices.filter(({ health }) => health !== undefined)
  // Of this node the problems above say more.
  if (unwell.length > 0 && !isSelf && node.state === 'alive') {
    const texts = unwell.map(
      ({ kind, name: device, health = '' }) => `${kind} ${plain(device)} ${plain(health)}`,
    )
    lines.push(...hanging('    ◐ ', texts.join(' · '), width, paint.yellow))
  }
  if (node.via !== undefined && node.via.length > 0) {
    const gateways = node.via.map((id) => plain(names.get(id) ?? `…${id.slice(-8)}`))
    lines.push(...hanging('    ', `via ${gateways.join(' or ')}: it cannot be dialled itself`, width))
  }
  return lines
}

/** None for a node that does not answer: the last one measured says nothing of now. */
function roundTrip({ rttMs, state }: NodeStatus): string {
  if (rttMs === null || state === 'dead' || state === 'left') return '·'
  return rttMs < 1 ? `${rttMs.toFixed(1)} ms` : `${Math.round(rttMs)} ms`
}

export function toneOf({ state }: Pick<NodeStatus, 'state'>, paint: Paint): (text: string) => string {
  if (state === 'dead') return paint.red
  if (state === 'left') return paint.dim
  return state === 'alive' ? paint.green : paint.yellow
}
