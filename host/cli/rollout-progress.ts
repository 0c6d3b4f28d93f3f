/**
 * How far a release has come, from one node's view: which nodes should run it, which do, and what each of the
 * others waits for.
 */
import type { AppState, NodeStatus, StatusReport } from '../api/index.ts'
import { ageText, percentText, plain } from './text.ts'

export interface Wanted {
  readonly app: string
  readonly seq: number
  /** Empty means every node. */
  readonly groups: readonly string[]
}

export interface NodeProgress {
  readonly name: string
  /**
   * `failed` will not become `running` without another release, `waiting` not before somebody changes something on
   * that node.
   */
  readonly stage: 'running' | 'under way' | 'waiting' | 'failed'
  /** What it does or waits for, in words that change only when something changes. */
  readonly doing: string
  /** More of it, which changes all the time: percent, age. */
  readonly detail: string
  readonly reason: { readonly code: string; readonly message: string; readonly hint: string } | null
}

export interface RolloutProgress {
  readonly nodes: readonly NodeProgress[]
  /** Nodes that should run it too and are not alive from here: nobody waits for them. */
  readonly away: readonly string[]
  readonly running: number
}

export function rolloutProgress(report: StatusReport, wanted: Wanted, now: number): RolloutProgress {
  const placed = report.nodes.filter(
    ({ groups, state }) =>
      state !== 'left' &&
      (wanted.groups.length === 0 || groups.some((group) => wanted.groups.includes(group))),
  )
  const isHere = (node: NodeStatus): boolean => node.state === 'alive' || node.id === report.self.id
  const nodes = placed.filter(isHere).map((node) => progressOf(node, wanted, now))
  return {
    nodes,
    away: placed.filter((node) => !isHere(node)).map(({ name, state }) => `${plain(name)} (${state})`),
    running: nodes.filter(({ stage }) => stage === 'running').length,
  }
}

/** True when nothing more will happen by itself: every node that is here runs it, waits for a person, or refused it. */
export function isSettled({ nodes }: RolloutProgress): boolean {
  return nodes.length > 0 && nodes.every(({ stage }) => stage !== 'under way')
}

function progressOf(node: NodeStatus, { app, seq }: Wanted, now: number): NodeProgress {
  const name = plain(node.name)
  const found = node.apps.find((candidate) => candidate.app === app)
  const nothing = { name, detail: '', reason: null }
  if (found?.next !== undefined && found.next.seq >= seq) {
    const { state, progress, reason = null } = found.next
    return {
      name,
      stage: stageOf(state),
      doing: state,
      detail: progress === undefined ? '' : percentText(progress),
      reason,
    }
  }
  if (found === undefined || found.seq < seq) {
    return { ...nothing, stage: 'under way', doing: 'has not heard of it yet' }
  }
  const { state, since, reason = null } = found
  const newer = found.seq > seq ? `${state} a newer release, ${plain(found.version)}` : state
  return {
    name,
    stage: state === 'running' ? 'running' : stageOf(state),
    doing: newer,
    detail: `for ${ageText(now - since)}`,
    reason,
  }
}

/** Of a release that does not run. */
function stageOf(state: AppState): NodeProgress['stage'] {
  if (state === 'failed' || state === 'stopped') return 'failed'
  return state === 'waiting' ? 'waiting' : 'under way'
}
