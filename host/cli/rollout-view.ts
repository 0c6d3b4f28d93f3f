/**
 * A rollout as a few lines for a terminal: one for each node while they fit, else one for each stage and below it
 * those that most need a look.
 */
import { paintFor, type Paint } from './paint.ts'
import type { NodeProgress, RolloutProgress } from './rollout-progress.ts'
import { padTo } from './table.ts'
import { ageText, countText, percentText, plain, rateText } from './text.ts'
import { cameText } from './transfer-text.ts'

export interface RolloutScreen {
  /** `light-alarm 2.0.1` */
  readonly title: string
  readonly elapsedMs: number
  readonly width: number
  /** Rows of the terminal. */
  readonly height: number
  readonly colour: boolean
}

const barWidth = 10
/** A bar is drawn where the line still has room for what it shows. */
const leastWidthForBar = 76
const longestName = 24
/** The head, the line below it that the shell's cursor takes, and one to breathe. */
const otherRows = 3

export const stageSigns = { running: '●', 'under way': '◐', waiting: '◐', failed: '✗' } as const

/** @returns lines that may be wider than the screen; at most as many as it has rows */
export function rolloutLines(progress: RolloutProgress, screen: RolloutScreen): string[] {
  const paint = paintFor(screen.colour)
  const { nodes, away, running } = progress
  const gone = away.length === 0 ? '' : ` · ${away.length} away`
  const head = `${paint.bold(screen.title)}  running on ${running} of ${countText(nodes.length, 'node')} · ${ageText(screen.elapsedMs)}${gone}`
  const room = Math.max(1, screen.height - otherRows)
  const body =
    nodes.length <= room
      ? nodes.map((node) => nodeLine(node, nameWidth(nodes), screen, paint))
      : [...stageLines(nodes, paint), ...neediest(nodes, room - stagesOf(nodes).length, screen, paint)]
  return [head, ...body.slice(0, room)]
}

export function toneOf({ stage }: Pick<NodeProgress, 'stage'>, paint: Paint): (text: string) => string {
  return { running: paint.green, 'under way': paint.yellow, waiting: paint.yellow, failed: paint.red }[stage]
}

function nameWidth(nodes: readonly NodeProgress[]): number {
  return Math.min(longestName, Math.max(0, ...nodes.map(({ name }) => name.length)))
}

function nodeLine(node: NodeProgress, width: number, screen: RolloutScreen, paint: Paint): string {
  const sign = toneOf(node, paint)(stageSigns[node.stage])
  const name = padTo(node.name.slice(0, longestName), width)
  const about = aboutText(node, screen, paint)
  return `  ${sign} ${name}  ${padTo(node.doing, 'preparing'.length)}  ${about}`.trimEnd()
}

function aboutText(node: NodeProgress, screen: RolloutScreen, paint: Paint): string {
  const { reason, state, stage, transfer, detail } = node
  if (reason !== null) return `${reason.code}: ${plain(reason.message)}`
  if (stage === 'running') return transfer === null ? '' : cameText(transfer)
  if (state !== 'fetching' || transfer === null) return stage === 'under way' ? '' : detail
  const share = transfer.totalBytes === 0 ? 1 : transfer.haveBytes / transfer.totalBytes
  return screen.width < leastWidthForBar ? detail : `${bar(share, paint)} ${detail}`
}

function bar(share: number, paint: Paint): string {
  const full = Math.round(Math.min(1, Math.max(0, share)) * barWidth)
  return `${paint.green('━'.repeat(full))}${paint.dim('─'.repeat(barWidth - full))}`
}

type State = NodeProgress['state']

/** As a release goes through them. */
const order: readonly State[] = [
  'running',
  'starting',
  'preparing',
  'fetching',
  'announced',
  'unaware',
  'waiting',
  'backoff',
  'failed',
  'stopped',
]

function stagesOf(nodes: readonly NodeProgress[]): State[] {
  return order.filter((state) => nodes.some((node) => node.state === state))
}

function stageLines(nodes: readonly NodeProgress[], paint: Paint): string[] {
  const digits = String(nodes.length).length
  return stagesOf(nodes).map((state) => {
    const those = nodes.filter((node) => node.state === state)
    const [first] = those as [NodeProgress, ...NodeProgress[]]
    const sign = toneOf(first, paint)(stageSigns[first.stage])
    const count = String(those.length).padStart(digits)
    const share = state === 'fetching' ? fetchingText(those) : ''
    return `  ${sign} ${padTo(state, 'preparing'.length)}  ${count}  ${bar(those.length / nodes.length, paint)}${share}`
  })
}

function fetchingText(nodes: readonly NodeProgress[]): string {
  const transfers = nodes.flatMap(({ transfer }) => transfer ?? [])
  const total = transfers.reduce((sum, { totalBytes }) => sum + totalBytes, 0)
  if (total === 0) return ''
  const have = transfers.reduce((sum, { haveBytes }) => sum + haveBytes, 0)
  const rate = transfers.reduce((sum, { bytesPerSecond = 0 }) => sum + bytesPerSecond, 0)
  return `  ${percentText(have / total)} of what they need, ${rateText(rate)} together`
}

/** Those in trouble, then those that are furthest behind. */
function neediest(
  nodes: readonly NodeProgress[],
  room: number,
  screen: RolloutScreen,
  paint: Paint,
): string[] {
  const open = nodes.filter(({ stage }) => stage !== 'running').sort((one, other) => need(other) - need(one))
  if (room < 2 || open.length === 0) return []
  const shown = open.slice(0, open.length <= room ? room : room - 1)
  const rest = open.length - shown.length
  return [
    ...shown.map((node) => nodeLine(node, nameWidth(shown), screen, paint)),
    ...(rest === 0 ? [] : [paint.dim(`    … and ${rest} more under way`)]),
  ]
}

function need({ stage, state, transfer }: NodeProgress): number {
  if (stage === 'failed') return 200
  if (stage === 'waiting' || state === 'backoff') return 150
  const share = transfer === null || transfer.totalBytes === 0 ? 0 : transfer.haveBytes / transfer.totalBytes
  return order.indexOf(state) * 10 - share * 9
}
