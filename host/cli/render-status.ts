/**
 * The mesh at a glance: a report, the time and a width in, text out.
 *
 * What is wrong comes first, at every level: the sentence, problems before groups, groups in need before others, nodes
 * in need before others. Every fact about another node carries its age. A large mesh folds what is well into counts.
 */
import { shortDigest } from '../../core/index.ts'
import type { NodeStatus, StatusReport } from '../api/index.ts'
import { paintFor, type Paint } from './paint.ts'
import { renderFolded, renderGroup, type GroupView } from './render-status-group.ts'
import { columnsOf, headLine } from './render-status-node.ts'
import { departureLines, placementLines } from './render-status-apps.ts'
import { groupsOf, needsLook } from './status-groups.ts'
import { overviewOf } from './status-overview.ts'
import { visibleLength } from './table.ts'
import { adviceText, ageText, hanging, percentText, plain, sizeText } from './text.ts'
import type { TimeView } from './time-text.ts'
import { pulseText } from './trust/heartbeat-text.ts'

export interface StatusView extends TimeView {
  /** How long ago the report was asked for, in ms. */
  readonly reportAgeMs: number
  /** Columns to fill. */
  readonly width: number
  readonly colour: boolean
  /** Every node on a line of its own, however many there are. */
  readonly all?: boolean
  /** Only nodes of this group, or of this name or id; each in full. */
  readonly group?: string | undefined
  readonly node?: string | undefined
  /** Only nodes whose name, group, verdict or app contains it, in lower case; each in full. */
  readonly filter?: string
}

/** More nodes than fit on one screen are folded. */
const maxUnfolded = 24
/** From here on somebody should look at the disk. */
const nearlyFull = 0.9
const hourMs = 3_600_000
/** Attacks that are listed; the log has all of them. */
const maxAttacks = 8

export function renderStatus(report: StatusReport, view: StatusView): string {
  const paint = paintFor(view.colour)
  const nodes = report.nodes.filter((node) => isWanted(node, view))
  const columns = columnsOf(nodes, view.width)
  const groupView: GroupView = {
    ...view,
    paint,
    selfId: report.self.id,
    names: new Map(report.nodes.map(({ id, name }) => [id, name])),
  }
  const isPart = isNarrowed(view)
  const isFolded = view.all !== true && !isPart && nodes.length > maxUnfolded
  const groups = groupsOf(nodes).filter(({ name }) => view.group === undefined || name === view.group)
  return [
    header(report, view, paint),
    ...overview(report, view, paint),
    ...(isPart ? [] : problems(report, view, paint)),
    ...(isFolded && !nodes.some(needsLook) ? [] : [paint.dim(headLine(columns))]),
    ...groups.flatMap((group) => (isFolded ? renderFolded : renderGroup)(group, columns, groupView)),
    ...(isPart ? [] : [...placementLines(report, groupView), ...departureLines(report, groupView)]),
    ...(isFolded
      ? hanging('', 'all nodes one by one: --all; one group: --group NAME', view.width).map(paint.dim)
      : []),
    ...memoryLines(report, view, paint),
    ...writesLines(report, view, paint),
    roomLine(report, view, paint),
  ].join('\n')
}

export function isNarrowed({ group, node, filter = '' }: Partial<StatusView>): boolean {
  return group !== undefined || node !== undefined || filter !== ''
}

function isWanted(node: NodeStatus, { group, node: wanted, filter = '' }: StatusView): boolean {
  if (wanted !== undefined && node.name !== wanted && node.id !== wanted) return false
  if (group !== undefined && !node.groups.includes(group)) return false
  if (filter === '') return true
  const texts = [node.name, node.state, ...node.groups, ...node.apps.map(({ app }) => app)]
  return texts.some((text) => text.toLowerCase().includes(filter))
}

/**
 * `components here: 1.1 MB, 3 % of the 32.0 MB they may take · 4.0 MB made room for others`. Where something is wrong it
 * leaves the screen to that, unless little room is left.
 */
function roomLine({ components, problems: wrong }: StatusReport, view: StatusView, paint: Paint): string {
  if (components === undefined || components === null || isNarrowed(view)) return ''
  const { usedBytes, quotaBytes, evictedBytes } = components
  const share = quotaBytes === null || quotaBytes === 0 ? 0 : usedBytes / quotaBytes
  if (wrong.length > 0 && share < nearlyFull) return ''
  const limit =
    quotaBytes === null ? '' : `, ${percentText(share)} of the ${sizeText(quotaBytes)} they may take`
  const evicted = evictedBytes === 0 ? '' : ` · ${sizeText(evictedBytes)} made room for others`
  const lines = hanging('', `components here: ${sizeText(usedBytes)}${limit}${evicted}`, view.width)
  return `${lines.map(share >= nearlyFull ? paint.yellow : paint.dim).join('\n')}\n`
}

/**
 * `memory here: 22.0 MB of the 37.7 MB for apps are promised, of 134.2 MB in all`: where the owner set a bound, or little
 * is left.
 */
function memoryLines({ memory, problems: wrong }: StatusReport, view: StatusView, paint: Paint): string[] {
  if (memory === undefined || isNarrowed(view)) return []
  const room = memory.shares['apps'] ?? 0
  const promised = memory.apps.reduce((sum, { bytes }) => sum + bytes, 0)
  const isScarce = promised >= room * nearlyFull
  if (!isScarce && (memory.from === 'machine' || wrong.length > 0)) return []
  const apps = `${sizeText(promised)} of the ${sizeText(room)} for apps are promised`
  const lines = hanging('', `memory here: ${apps}, of ${sizeText(memory.budgetBytes)} in all`, view.width)
  return lines.map(isScarce ? paint.yellow : paint.dim)
}

/** `written to disk here: 1.2 MB in the last hour`: what wears out a flash. Where something is wrong it leaves the screen to that. */
function writesLines({ writes, problems: wrong }: StatusReport, view: StatusView, paint: Paint): string[] {
  if (writes === undefined || isNarrowed(view) || wrong.length > 0) return []
  const { bytes, overMs } = writes
  const isHour = overMs >= hourMs
  const over = isHour ? 'in the last hour' : `in the ${ageText(overMs)} since the node started`
  const text = `written to disk here: ${sizeText(isHour ? (bytes * hourMs) / overMs : bytes)} ${over}`
  return hanging('', text, view.width).map(paint.dim)
}

function header(report: StatusReport, view: StatusView, paint: Paint): string {
  const { mesh, self } = report
  const pulse =
    report.heartbeat === undefined || report.heartbeat === null ? [] : [pulseText(report.heartbeat)]
  const [name, ...facts] = [paint.bold(plain(mesh.name)), shortDigest(mesh.id), `trust v${mesh.trustVersion}`]
  const left = [`mesh ${name}`, ...facts, ...pulse].join('  ')
  const age = view.reportAgeMs < 1_000 ? 'now' : `${ageText(view.reportAgeMs)} ago`
  const right = `seen from ${plain(self.name)}, ${age}`
  const gap = view.width - visibleLength(left) - right.length
  const lines = visibleLength(left) <= view.width ? [left] : [`mesh ${name}  ${facts.join('  ')}`, ...pulse]
  const first = gap >= 2 ? `${left}${' '.repeat(gap)}${right}` : [...lines, right].join('\n')
  if (self.network === 'on') return `${first}\n`
  const off = hanging(
    '',
    'the network is off: apps run on, peers are not reached; selvedge network on',
    view.width - 2,
  )
  return `${first}\n${off.map((line, index) => `${index === 0 ? paint.yellow('◐') : ' '} ${line}`).join('\n')}\n`
}

/** The sentence. Of a node that is cut off it comes with what to do, before everything else. */
function overview(report: StatusReport, view: StatusView, paint: Paint): string[] {
  const found = overviewOf(report, view)
  // Where its owner switched the network off, the line above says all of it.
  if (found === null || (found.kind === 'cut' && report.self.network === 'off')) return []
  const { kind, text } = found
  const sign = { fine: '● ', look: '◐ ', cut: '◐ ' }[kind]
  const tone = kind === 'fine' ? paint.green : paint.yellow
  const hint = kind === 'cut' ? report.problems.find(isIsolation)?.hint : undefined
  return [
    ...hanging(sign, text, view.width, tone).map((line) => (kind === 'cut' ? paint.bold(line) : line)),
    ...(hint === undefined ? [] : hanging('  next: ', plain(hint), view.width, (head) => paint.cyan(head))),
    '',
  ]
}

function problems(report: StatusReport, view: StatusView, paint: Paint): string[] {
  const shown = report.problems.filter((problem) => !isOfOwnApp(problem, report) && !isIsolation(problem))
  const attacks = attackLines(report, view, paint)
  if (shown.length === 0 && attacks.length === 0) return []
  const text = shown.flatMap(({ code, message, hint }) => [
    ...hanging(`✗ ${code}: `, plain(message), view.width, (head) => paint.red(head)),
    ...hanging('  next: ', adviceText(hint), view.width, (head) => paint.cyan(head)),
  ])
  return [`${[...text, ...attacks].join('\n')}\n`]
}

/** The sentence says it. */
function isIsolation({ code }: StatusReport['problems'][number]): boolean {
  return code === 'ERR_NODE_ISOLATED'
}

/** `! 3 × wrong-bytes from garage-2, last 4 s ago`, the latest first. */
function attackLines({ attacks = [] }: StatusReport, view: StatusView, paint: Paint): string[] {
  const lines = attacks.slice(0, maxAttacks).flatMap(({ attack, peer, name, count, lastAgoMs }) => {
    const from = peer === null ? '' : ` from ${name === null ? `…${plain(peer.slice(-8))}` : plain(name)}`
    const text = `${count} × ${attack}${from}, last ${ageText(lastAgoMs + view.reportAgeMs)} ago`
    return hanging('! ', text, view.width, paint.yellow)
  })
  const more = attacks.length - maxAttacks
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
