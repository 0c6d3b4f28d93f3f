/**
 * The mesh at a glance: a report, the time and a width in, text out.
 *
 * What is wrong comes first, at every level: problems before groups, groups in need before others, nodes in need
 * before others. A node in several groups is shown in each, because each group is read as a whole. Every fact
 * about another node carries its age.
 */
import { shortDigest } from '../../core/index.ts'
import type { NodeStatus, StatusReport, Verdict } from '../api/index.ts'
import { appIsInTrouble, renderApps } from './render-apps.ts'
import { paintFor, type Paint } from './paint.ts'
import { padTo, visibleLength } from './table.ts'
import { ageText, countText, hanging, percentText, plain, shortAgeText, sizeText } from './text.ts'
import { pulseText } from './trust/heartbeat-text.ts'

export interface StatusView {
  /** Wall clock, ms since the epoch: for how long a state lasts. */
  readonly now: number
  /** How long ago the report was asked for, in ms. */
  readonly reportAgeMs: number
  /** Columns to fill. */
  readonly width: number
  readonly colour: boolean
}

/** Worst first. */
const order: readonly Verdict[] = ['dead', 'isolated', 'cut-off', 'suspect', 'alive', 'left']

const signs: Readonly<Record<Verdict, string>> = {
  alive: '●',
  suspect: '◐',
  'cut-off': '◐',
  isolated: '◐',
  dead: '✗',
  left: '○',
}

const ungrouped = '(no group)'
/** From here on somebody should look at the disk. */
const nearlyFull = 0.9
/** Attacks that are listed; the log has all of them. */
const maxAttacks = 8
/** Apps whose calls left the group, that are listed. */
const maxDepartures = 8

export function renderStatus(report: StatusReport, view: StatusView): string {
  const paint = paintFor(view.colour)
  const columns = columnsOf(report.nodes)
  const text = [
    header(report, view, paint),
    ...problems(report, view, paint),
    paint.dim(`${joinCells(['', 'verdict', 'arch', 'ping', 'age'], columns)}apps`),
    ...groupsOf(report.nodes).map((group) => renderGroup(group, report, columns, view, paint)),
  ].join('\n')
  return `${text}${departureLines(report, view, paint)}${roomLine(report, paint)}`
}

/** `! hello: 12 calls left the group in the last 5 min, answered by garage-1, last 4 s ago`. */
function departureLines({ departures = [] }: StatusReport, view: StatusView, paint: Paint): string {
  return departures
    .slice(0, maxDepartures)
    .map(({ app, calls, nodes, lastAgoMs }) => {
      const by = nodes.map((node) => plain(node)).join(', ')
      const last = ageText(lastAgoMs + view.reportAgeMs)
      const text = `${plain(app)}: ${countText(calls, 'call')} left the group in the last 5 min, answered by ${by}, last ${last} ago`
      return `${paint.yellow('!')} ${text}\n`
    })
    .join('')
}

/**
 * `components here: 1.1 MB, 3 % of the 32.0 MB they may take · 4.0 MB made room for others`. Where something is wrong it
 * leaves the screen to that, unless little room is left.
 */
function roomLine({ components, problems: wrong }: StatusReport, paint: Paint): string {
  if (components === undefined || components === null) return ''
  const { usedBytes, quotaBytes, evictedBytes } = components
  const share = quotaBytes === null || quotaBytes === 0 ? 0 : usedBytes / quotaBytes
  if (wrong.length > 0 && share < nearlyFull) return ''
  const limit =
    quotaBytes === null ? '' : `, ${percentText(share)} of the ${sizeText(quotaBytes)} they may take`
  const evicted = evictedBytes === 0 ? '' : ` · ${sizeText(evictedBytes)} made room for others`
  const text = `components here: ${sizeText(usedBytes)}${limit}${evicted}`
  return `${(share >= nearlyFull ? paint.yellow : paint.dim)(text)}\n`
}

function header(report: StatusReport, view: StatusView, paint: Paint): string {
  const { mesh, self } = report
  const pulse =
    report.heartbeat === undefined || report.heartbeat === null ? '' : `  ${pulseText(report.heartbeat)}`
  const left = `mesh ${paint.bold(plain(mesh.name))}  ${shortDigest(mesh.id)}  trust v${mesh.trustVersion}${pulse}`
  const age = view.reportAgeMs < 1_000 ? 'now' : `${ageText(view.reportAgeMs)} ago`
  const right = `seen from ${plain(self.name)}, ${age}`
  const gap = view.width - visibleLength(left) - right.length
  const first = gap >= 2 ? `${left}${' '.repeat(gap)}${right}` : `${left}\n${right}`
  if (self.network === 'on') return `${first}\n`
  return `${first}\n${paint.yellow('◐ the network is off')}: apps run on, peers are not reached; selvedge network on\n`
}

function problems(report: StatusReport, view: StatusView, paint: Paint): string[] {
  const shown = report.problems.filter((problem) => !isOfOwnApp(problem, report))
  const attacks = attackLines(report, view, paint)
  if (shown.length === 0 && attacks.length === 0) return []
  const text = shown.flatMap(({ code, message, hint }) => [
    ...hanging(`✗ ${code}: `, plain(message), view.width, (head) => paint.red(head)),
    ...hanging('  next: ', plain(hint), view.width, (head) => paint.cyan(head)),
  ])
  return [`${[...text, ...attacks].join('\n')}\n`]
}

/** `! 3 × wrong-bytes from garage-2, last 4 s ago`, the latest first. */
function attackLines({ attacks = [] }: StatusReport, view: StatusView, paint: Paint): string[] {
  const lines = attacks.slice(0, maxAttacks).map(({ attack, peer, name, count, lastAgoMs }) => {
    const from = peer === null ? '' : ` from ${name === null ? `…${plain(peer.slice(-8))}` : plain(name)}`
    return `${paint.yellow('!')} ${count} × ${attack}${from}, last ${ageText(lastAgoMs + view.reportAgeMs)} ago`
  })
  const more = attacks.length - lines.length
  return more > 0 ? [...lines, `! and ${more} more, see selvedge trust log`] : lines
}

/** True for what stands under this very node: the report lists its apps' reasons among the problems too. */
function isOfOwnApp({ code, message }: StatusReport['problems'][number], report: StatusReport): boolean {
  const own = report.nodes.find(({ id }) => id === report.self.id)
  return (own?.apps ?? []).some((app) =>
    [app.reason, app.next?.reason].some(
      (reason) => reason?.code === code && message === `${app.app}: ${reason.message}`,
    ),
  )
}

interface Group {
  readonly name: string
  readonly nodes: readonly NodeStatus[]
}

function groupsOf(nodes: readonly NodeStatus[]): Group[] {
  const names = new Set(nodes.flatMap(({ groups }) => (groups.length === 0 ? [ungrouped] : groups)))
  const groups = [...names].sort().map((name) => ({
    name,
    nodes: nodes.filter(({ groups: own }) => (own.length === 0 ? name === ungrouped : own.includes(name))),
  }))
  const inNeed = (group: Group): number => (group.nodes.some(needsLook) ? 0 : 1)
  return groups.sort((one, other) => inNeed(one) - inNeed(other))
}

/** True for a node that somebody should look at: not alive, or with an app that does not do its work. */
function needsLook(node: NodeStatus): boolean {
  return (node.state !== 'alive' && node.state !== 'left') || node.apps.some(appIsInTrouble)
}

function rankOf(node: NodeStatus): number {
  return order.indexOf(node.state) * 2 - (needsLook(node) ? 1 : 0)
}

interface Columns {
  readonly name: number
  readonly arch: number
}

const stateWidth = 'this node'.length
const roundTripWidth = '999 ms'.length
const ageWidth = '59 min'.length
const longestName = 24
const longestArch = 8
/** Below this many columns apps do not stand beside their node but under it. */
const leastForApps = 24

function columnsOf(nodes: readonly NodeStatus[]): Columns {
  return {
    name: Math.min(longestName, widest(nodes.map(({ name }) => plain(name)))),
    arch: Math.min(longestArch, Math.max('arch'.length, widest(nodes.map(({ arch }) => plain(arch))))),
  }
}

function widest(texts: readonly string[]): number {
  return Math.max(0, ...texts.map((text) => text.length))
}

function renderGroup(
  group: Group,
  report: StatusReport,
  columns: Columns,
  view: StatusView,
  paint: Paint,
): string {
  const inNeed = group.nodes.filter(needsLook).length
  const needs = inNeed === 0 ? '' : paint.yellow(` · ${inNeed} ${inNeed === 1 ? 'needs' : 'need'} a look`)
  const nodes = [...group.nodes].sort(
    (one, other) => rankOf(one) - rankOf(other) || one.name.localeCompare(other.name),
  )
  const lines = nodes.flatMap((node) => renderNode(node, node.id === report.self.id, columns, view, paint))
  return `${paint.bold(plain(group.name))}  ${countText(group.nodes.length, 'node')}${needs}\n${lines.join('\n')}\n`
}

function renderNode(
  node: NodeStatus,
  self: boolean,
  columns: Columns,
  view: StatusView,
  paint: Paint,
): string[] {
  const tone = toneOf(node, paint)
  const head = joinCells(
    [
      `  ${tone(signs[node.state])} ${plain(node.name).slice(0, longestName)}`,
      tone(self && node.state === 'alive' ? 'this node' : node.state),
      plain(node.arch).slice(0, longestArch),
      roundTrip(node),
      node.recordAgeMs === null ? '·' : shortAgeText(node.recordAgeMs),
    ],
    columns,
  )
  const beside = view.width - visibleLength(head)
  const indent = ' '.repeat(beside < leastForApps ? 6 : visibleLength(head))
  const apps = renderApps(node.apps, { now: view.now, width: view.width - indent.length, paint })
  const [first = '', ...more] = beside < leastForApps ? ['', ...apps.beside] : apps.beside
  return [
    `${head}${first}`.trimEnd(),
    ...more.map((line) => `${indent}${line}`),
    ...(node.state === 'alive' ? [] : whyLines(node, view)),
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
  const texts = [padTo(name, columns.name + 4), padTo(state, stateWidth), padTo(arch, columns.arch)]
  return `${[...texts, ping.padStart(roundTripWidth), age.padStart(ageWidth)].join(' ')}  `
}

/** The reason in words, with since when. */
function whyLines(node: NodeStatus, view: StatusView): string[] {
  const since = ageText(view.now - node.stateSince)
  return hanging('    ', `for ${since}: ${plain(node.why)}`, view.width, (head) => head)
}

/** None for a node that does not answer: the last one measured says nothing of now. */
function roundTrip({ rttMs, state }: NodeStatus): string {
  if (rttMs === null || state === 'dead' || state === 'left') return '·'
  return rttMs < 1 ? `${rttMs.toFixed(1)} ms` : `${Math.round(rttMs)} ms`
}

function toneOf(node: NodeStatus, paint: Paint): (text: string) => string {
  if (node.state === 'dead') return paint.red
  if (node.state === 'left') return paint.dim
  return node.state === 'alive' ? paint.green : paint.yellow
}
