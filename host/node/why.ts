/** What this node answers to "why": what its verdict on a member rests on, and why an app runs where it does. */
import { shortDigest, type Clock } from '../../core/index.ts'
import type { Alarm, MemberView, Mesh, ReleaseRecord } from '../../mesh/index.ts'
import type { AppPlace, AppStatus, AskedNode, NodeWhy, AppWhy, WhySource } from '../api/index.ts'
import { lacks } from '../placement/index.ts'
import type { Pauses } from './pauses.ts'
import type { NodePlacement } from './placement.ts'
import { nodeProblems } from './problems.ts'
import { nodeStatus, recordAge, releaseEntry, termsOf, wallClockOf, type Moment } from './report.ts'
import type { VerdictHistory } from './verdict-history.ts'

export interface WhyParts {
  readonly mesh: Pick<Mesh, 'self' | 'isOnline' | 'members' | 'alarms' | 'releases'>
  readonly apps: { status(): readonly AppStatus[] }
  readonly placement: Pick<NodePlacement, 'of'>
  readonly history: Pick<VerdictHistory, 'of'>
  readonly pauses: Pick<Pauses, 'last'>
  readonly clock: Clock
  /** What to do about a problem code, from the registry. */
  fixOf(code: string): string
}

export function createWhy(parts: WhyParts): WhySource {
  const momentOf = (): Moment => ({ nowMs: parts.clock.now(), monotonicMs: parts.clock.monotonicMs() })
  return {
    node: (id) => whyNode(parts, id, momentOf()),
    app: (name) => whyApp(parts, name, momentOf()),
  }
}

function whyNode(parts: WhyParts, id: string, moment: Moment): NodeWhy {
  const { mesh, history } = parts
  const members = new Map(mesh.members().map((member) => [member.id, member]))
  const member = members.get(id)
  if (member === undefined) {
    throw nodeProblems.error('ERR_MEMBER_UNKNOWN', `no member has the id ${shortDigest(id)}`)
  }
  const { votes, grounds } = member.opinion
  return {
    asked: askedNode(parts, members, moment),
    node: ownFirstHand(parts, member, moment),
    votes: votes.map((vote) => ({ ...rounded(vote), name: members.get(vote.observer)?.name ?? null })),
    watchers: (grounds?.watchers ?? []).map((watcher) => ({
      id: watcher,
      name: members.get(watcher)?.name ?? null,
      state: members.get(watcher)?.opinion.verdict ?? null,
    })),
    probes: roundedOrNone(grounds?.probes ?? null),
    word: roundedOrNone(grounds?.word ?? null),
    record: recordOf(member, moment),
    isTwofold: grounds?.isTwofold ?? false,
    history: history.of(id),
    alarms: alarmsAbout(id, mesh.alarms, parts),
  }
}

/** Each once, however often it was raised. */
function alarmsAbout(id: string, alarms: readonly Alarm[], { fixOf }: WhyParts): NodeWhy['alarms'] {
  const about = alarms.filter(({ message }) => message.includes(id))
  const once = new Map(about.map(({ code, message }) => [`${code} ${message}`, { code, message }]))
  return [...once.values()].map((alarm) => ({ ...alarm, hint: fixOf(alarm.code) }))
}

function recordOf(member: MemberView, moment: Moment): NodeWhy['record'] {
  const { held } = member
  if (held === null) return null
  const { boot, number, issuedAt, version, addresses } = held.record.report
  return { boot, number, issuedAt, version, addresses, ageMs: recordAge(member, moment) }
}

/** One's own apps are known first-hand, not by the record that is about to be sent. */
function ownFirstHand({ mesh, apps }: WhyParts, member: MemberView, moment: Moment): NodeWhy['node'] {
  const status = nodeStatus(member, moment)
  return member.id === mesh.self ? { ...status, apps: apps.status(), recordAgeMs: null } : status
}

function askedNode(
  { mesh, pauses }: WhyParts,
  members: ReadonlyMap<string, MemberView>,
  moment: Moment,
): AskedNode {
  const self = members.get(mesh.self)
  const pause = pauses.last()
  return {
    id: mesh.self,
    name: self?.name ?? '',
    state: self?.opinion.verdict ?? 'isolated',
    why: self?.opinion.why ?? 'it is no member of its mesh any more',
    stateSince: self === undefined ? moment.nowMs : wallClockOf(self.opinion, moment),
    network: mesh.isOnline ? 'on' : 'off',
    counted: self?.opinion.grounds?.counted ?? members.size,
    reached: self?.opinion.grounds?.reached ?? members.size,
    ...(pause !== null && { pause }),
  }
}

function whyApp(parts: WhyParts, app: string, moment: Moment): AppWhy {
  const { mesh, placement } = parts
  const history = mesh.releases.history(app)
  const head = history.find(({ role }) => role === 'head')
  if (head === undefined) throw nodeProblems.error('ERR_APP_UNKNOWN', `this node knows no release of ${app}`)
  const members = mesh.members()
  const placed = placement.of(app)
  const halt = mesh.releases.halted(app)
  const places = members.map((member): AppPlace => {
    const { id, name, groups, state, stateSince, recordAgeMs, apps } = ownFirstHand(parts, member, moment)
    return {
      id,
      name,
      groups,
      state,
      stateSince,
      recordAgeMs,
      app: apps.find((one) => one.app === app) ?? null,
      isPlaced: placed?.nodes.includes(id) ?? false,
      isMeant: isMeant(head.record, groups),
      lacks: lacks(head.record, { ...member, report: member.held?.record.report ?? null }),
    }
  })
  return {
    asked: askedNode(parts, new Map(members.map((member) => [member.id, member])), moment),
    app,
    head: {
      ...releaseEntry(head),
      ...(halt !== null && { halted: { of: halt.of, reason: halt.reason } }),
    },
    terms: termsOf(head.record),
    placement: placed,
    places,
  }
}

function isMeant({ groups }: ReleaseRecord, own: readonly string[]): boolean {
  return groups.length === 0 || groups.some((group) => own.includes(group))
}

function roundedOrNone<Facts extends object>(facts: Facts | null): Facts | null {
  return facts === null ? null : rounded(facts)
}

/** Times are for people: parts of a millisecond only make the answer longer. */
function rounded<Facts extends object>(facts: Facts): Facts {
  const whole = Object.entries(facts).map(([name, value]: [string, unknown]) => [
    name,
    typeof value === 'number' ? Math.round(value) : value,
  ])
  return Object.fromEntries(whole) as Facts
}
