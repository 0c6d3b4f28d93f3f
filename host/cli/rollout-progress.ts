/**
 * How far a release has come, from one node's view: which nodes should run it, which do, and what each of the
 * others waits for.
 */
import type { AppState, NodeStatus, StatusReport, Transfer, Verdict } from '../api/index.ts'
import { unfitOf, type ReleaseFit } from './release-fit.ts'
import { ageText, percentText, plain } from './text.ts'
import { comingText } from './transfer-text.ts'

export interface Wanted {
  readonly app: string
  readonly seq: number
  /** Empty means every node. */
  readonly groups: readonly string[]
}

/** A problem in words, as a node tells it. */
export interface ToldReason {
  readonly code: string
  readonly message: string
  readonly hint: string
}

export interface NodeProgress {
  readonly name: string
  /**
   * `failed` will not become `running` without another release, `waiting` not before somebody changes something on
   * that node.
   */
  readonly stage: 'running' | 'under way' | 'waiting' | 'failed'
  /** Of this release there; `unaware` before the node has heard of it, or has told so. */
  readonly state: AppState | 'unaware'
  /** What it does or waits for, in words that change only when something changes. */
  readonly doing: string
  /** More of it, which changes all the time: percent, rate, age. */
  readonly detail: string
  /** How the component comes or came; null where that node does not say. */
  readonly transfer: Transfer | null
  readonly reason: ToldReason | null
}

export interface AwayNode {
  readonly name: string
  readonly state: Verdict
}

export interface RolloutProgress {
  /** By name. */
  readonly nodes: readonly NodeProgress[]
  /** Nodes that should run it too and are not alive from here: nobody waits for them. */
  readonly away: readonly AwayNode[]
  /** Nodes of its groups whose machines cannot run it: it is not placed there. */
  readonly unfit: ReleaseFit['unfit']
  readonly running: number
  /** Why it runs nowhere: its placement cannot be met. */
  readonly held: ToldReason | null
}

export function rolloutProgress(report: StatusReport, wanted: Wanted, now: number): RolloutProgress {
  const placement = report.placements?.find(({ app }) => app === wanted.app)
  const places = placement?.seq === wanted.seq ? new Set(placement.nodes) : null
  const placed = report.nodes.filter(
    ({ id, groups, state }) =>
      state !== 'left' &&
      (places?.has(id) ?? true) &&
      (wanted.groups.length === 0 || groups.some((group) => wanted.groups.includes(group))),
  )
  const isHere = (node: NodeStatus): boolean => node.state === 'alive' || node.id === report.self.id
  // The same order at each look: a line that moves cannot be read.
  const nodes = placed
    .filter(isHere)
    .map((node) => progressOf(node, wanted, now))
    .sort((one, other) => byName(one.name, other.name))
  return {
    nodes,
    away: placed
      .filter((node) => !isHere(node))
      .map(({ name, state }) => ({ name: plain(name), state }))
      .sort((one, other) => byName(one.name, other.name)),
    unfit: placement?.seq === wanted.seq ? unfitOf(placement, report.nodes) : [],
    running: nodes.filter(({ stage }) => stage === 'running').length,
    held: placement?.held?.seq === wanted.seq ? placement.held : null,
  }
}

let collator: Intl.Collator | null = null

/** `lobby-2` before `lobby-10`. Made when first asked: it takes as long as a tenth of `node -e 0`, and a daemon has no use for it. */
function byName(one: string, other: string): number {
  collator ??= new Intl.Collator('en', { numeric: true })
  return collator.compare(one, other)
}

/** True when nothing more will happen by itself: every node that is here runs it, waits for a person, or refused it. */
export function isSettled({ nodes, held }: RolloutProgress): boolean {
  return held !== null || (nodes.length > 0 && nodes.every(({ stage }) => stage !== 'under way'))
}

function progressOf(node: NodeStatus, { app, seq }: Wanted, now: number): NodeProgress {
  const name = plain(node.name)
  const found = node.apps.find((candidate) => candidate.app === app)
  if (found?.next !== undefined && found.next.seq >= seq) {
    const { state, progress, reason = null, transfer = null } = found.next
    const share = progress === undefined ? '' : percentText(progress)
    return {
      name,
      stage: stageOf(state),
      state,
      doing: state,
      detail: transfer !== null && state === 'fetching' ? comingText(transfer) : share,
      transfer,
      reason,
    }
  }
  if (found === undefined || found.seq < seq) {
    const doing = 'has not heard of it yet'
    return { name, stage: 'under way', state: 'unaware', doing, detail: '', transfer: null, reason: null }
  }
  const { state, since, reason = null, transfer = null } = found
  return {
    name,
    stage: state === 'running' ? 'running' : stageOf(state),
    state,
    doing: found.seq > seq ? `${state} a newer release, ${plain(found.version)}` : state,
    detail: state === 'fetching' && transfer !== null ? comingText(transfer) : `for ${ageText(now - since)}`,
    // Of a newer release it says nothing about this one.
    transfer: found.seq > seq ? null : transfer,
    reason,
  }
}

/** Of a release that does not run. */
function stageOf(state: AppState): NodeProgress['stage'] {
  if (state === 'failed' || state === 'stopped') return 'failed'
  return state === 'waiting' ? 'waiting' : 'under way'
}
