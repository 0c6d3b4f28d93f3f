/** Opinions: what the votes and this node's own probes come to, and that in words a person can act on. */
import type { NodeId } from '../identity/index.ts'
import type { HeldVote } from './case-file.ts'
import type { Context } from './context.ts'
import type { Opinion, Verdict, VoteView } from './events.ts'
import { groundsOf } from './grounds.ts'
import type { Link } from './link.ts'
import type { Evidence } from './statement.ts'

/** A neighbour of a large mesh that was only just chosen is not yet missed. */
const newNeighbourMs = 3_000

const saw: Readonly<Record<Evidence, string>> = {
  'no-answer': 'its probes get no answer',
  closed: 'its connection closed',
  refused: 'its host refuses the connection',
  frozen: 'its host takes connections, but the node does not speak',
  unreachable: 'it cannot be reached',
  heard: 'it is heard',
}

/** What this node holds of a member now. */
export function verdictOf(context: Context, node: NodeId, nowMs: number): Verdict {
  const { view } = context
  const file = view.cases.get(node)
  if (file !== undefined && file.settled !== null) return file.settled
  const link = view.links.get(node)
  if (link?.doubt) return isHeardByOthers(context, link, nowMs) ? 'cut-off' : 'suspect'
  if (link?.isUp) return 'alive'
  if (isDoubtedByOthers(context, node, nowMs)) return 'suspect'
  if (context.unreached(node)) return 'suspect'
  if (link === undefined || link.heardMs !== null || !view.neighbours.includes(node)) return 'alive'
  return view.isWhole || nowMs - link.wantedMs > newNeighbourMs ? 'suspect' : 'alive'
}

export function opinionOf(context: Context, node: NodeId, sinceMs: number, nowMs: number): Opinion {
  const { view } = context
  const verdict = verdictOf(context, node, nowMs)
  const link = view.links.get(node)
  const opinion = {
    verdict,
    why: whyOf(context, node, verdict, nowMs),
    sinceMs,
    rttMs: link?.roundTrip.ms ?? null,
    votes: votesOf(context, node, nowMs),
    grounds: groundsOf(context, node, nowMs),
  }
  return isSlow(link) ? { ...opinion, slow: true } : opinion
}

/** What this node holds of itself. */
export function ownOpinion(context: Context, sinceMs: number, nowMs: number): Opinion {
  const { view, isNetworkOn, isIsolated, health } = context
  const counted = view.rings.size - view.gone.size
  const reached = context.reached?.size ?? counted
  const shared = {
    sinceMs,
    rttMs: null,
    votes: votesOf(context, view.self, nowMs),
    grounds: groundsOf(context, view.self, nowMs),
  }
  if (!isNetworkOn) return { verdict: 'isolated', why: 'its network is switched off', ...shared }
  if (isIsolated) {
    const why = `it reaches ${reached - 1} of the ${counted - 1} peers it counts on, and changes nobody’s state`
    return { verdict: 'isolated', why, ...shared }
  }
  const slow = health.score > 1
  const why = `reaches ${reached - 1} of ${counted - 1} peers${slow ? ', and is slow itself' : ''}`
  return { verdict: 'alive', why, ...shared, ...(slow ? { slow } : {}) }
}

function whyOf(context: Context, node: NodeId, verdict: Verdict, nowMs: number): string {
  const { view } = context
  const file = view.cases.get(node)
  const twofold = file?.isTwofold ? '; two machines speak with its identity' : ''
  return `${reasonOf(context, node, verdict, nowMs)}${twofold}`
}

function reasonOf(context: Context, node: NodeId, verdict: Verdict, nowMs: number): string {
  const { view } = context
  const link = view.links.get(node)
  const file = view.cases.get(node)
  if (file !== undefined && file.settled !== null) return file.reason
  if (link?.doubt) {
    const { evidence, sinceMs } = link.doubt
    const own = `${saw[evidence]} here, for ${seconds(nowMs - sinceMs)}`
    if (verdict === 'cut-off') return `${own}, though others hear it`
    const watchers = view.watchers(node)
    const doubters = [...view.doubters(node, watchers)].length
    return watchers.length > 1
      ? `${own}; ${doubters} of the ${watchers.length} nodes that watch it miss it`
      : own
  }
  if (verdict === 'alive') return aliveReason(context, node, link)
  const [vote] = [...view.doubters(node, view.watchers(node))]
  if (vote !== undefined) return `a node that watches it says: ${saw[vote.sealed.statement.evidence]}`
  const isNew = link !== undefined && link.heardMs === null && view.neighbours.includes(node)
  if (isNew || !context.unreached(node)) return 'not reached since this node started'
  return 'it is outside the part of the mesh that this node reaches'
}

function aliveReason(context: Context, node: NodeId, link: Link | undefined): string {
  const { view } = context
  if (link === undefined || !link.isUp) return 'the nodes that watch it hear it'
  if (link.isOneWay) return 'it is heard, but gives no answer: messages get through one way only'
  const missing = [...view.doubters(node, view.watchers(node))].length
  const others = missing > 0 ? `, though ${missing} of its watchers do not hear it` : ''
  if (isSlow(link)) return `answers its probes slowly${others}`
  return link.roundTrip.ms === null ? `connected${others}` : `answers its probes${others}`
}

function isSlow(link: Link | undefined): boolean {
  return link !== undefined && link.slow > 1
}

function isHeardByOthers(context: Context, { node, doubt }: Link, nowMs: number): boolean {
  const { view } = context
  if (doubt === null) return false
  if (doubt.vouchedMs !== null) return true
  return view.othersHear(node, view.reachableWatchers(node, nowMs), doubt.sinceMs) > 0
}

function isDoubtedByOthers({ view }: Context, node: NodeId, nowMs: number): boolean {
  const file = view.cases.get(node)
  if (file === undefined || file.doubtedMs === null) return false
  // What the watchers say among themselves they also take back among themselves.
  const isParty = view.isWatcher(view.self, node)
  let isDoubted = false
  for (const watcher of view.watchers(node)) {
    const held = file.standing(watcher)
    if (held === undefined || !view.isReachable(watcher, nowMs)) continue
    const { verdict, isWide } = held.sealed.statement
    if (verdict !== 'alive') isDoubted ||= isParty || isWide
    else if (watcher !== view.self && held.receivedMs >= file.doubtedMs) return false
  }
  return isDoubted
}

function votesOf({ view }: Context, node: NodeId, nowMs: number): VoteView[] {
  const file = view.cases.get(node)
  if (file === undefined) return []
  const held: HeldVote[] = [...file.standingVotes()]
  return held
    .sort((a, b) => b.receivedMs - a.receivedMs)
    .map(({ sealed: { statement }, receivedMs }) => ({
      observer: statement.by,
      verdict: statement.verdict,
      evidence: statement.evidence,
      silentMs: statement.silentMs,
      ageMs: Math.max(0, nowMs - receivedMs),
      self: statement.by === view.self,
    }))
}

function seconds(ms: number): string {
  return ms < 9_950 ? `${(ms / 1_000).toFixed(1)} s` : `${Math.round(ms / 1_000)} s`
}
