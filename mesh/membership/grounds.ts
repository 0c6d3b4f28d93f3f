/**
 * What a verdict rests on, for a person who asks why: this node's own probes, who may vote, and what the member itself
 * said last. Ages are as of the moment when it was asked for.
 */
import type { NodeId } from '../identity/index.ts'
import type { Context } from './context.ts'
import type { Grounds, ProbeView } from './grounds-view.ts'
import type { Link } from './link.ts'

export function groundsOf(context: Context, node: NodeId, nowMs: number): Grounds {
  const { view } = context
  const file = view.cases.get(node)
  const link = node === view.self ? undefined : view.links.get(node)
  const counted = view.rings.size - view.gone.size
  const own = file?.own ?? null
  return {
    watchers: view.watchers(node),
    probes: link === undefined ? null : probesOf(link, nowMs),
    word:
      own === null || file === undefined
        ? null
        : {
            kind: own.statement.kind,
            ...(own.statement.farewell !== undefined && { farewell: own.statement.farewell }),
            ...own.statement.incarnation,
            ageMs: Math.max(0, nowMs - file.ownReceivedMs),
          },
    isTwofold: file?.isTwofold ?? false,
    counted,
    reached: context.reached?.size ?? counted,
  }
}

function probesOf(link: Link, nowMs: number): ProbeView {
  const { doubt } = link
  const ageOf = (atMs: number | null | undefined): number | null =>
    atMs === null || atMs === undefined ? null : Math.max(0, nowMs - atMs)
  return {
    isConnected: link.isUp,
    heardAgoMs: ageOf(link.heardMs),
    // A connection that closed has taken its last probe along.
    unanswered: link.unansweredMs === null ? 0 : link.sent - link.answered,
    askedAgoMs: ageOf(link.unansweredMs),
    evidence: doubt?.evidence ?? null,
    doubtedForMs: ageOf(doubt?.sinceMs),
    vouchedAgoMs: ageOf(doubt?.vouchedMs),
    isOneWay: link.isOneWay,
    slow: link.slow,
  }
}
