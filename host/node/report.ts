/** What the control API shows of the mesh, drawn from what this node holds. Pure. */
import {
  hexOf,
  type Alarm,
  type AttackSighting,
  type HistoryEntry,
  type MemberView,
  type Opinion,
  type ReleaseRecord,
} from '../../mesh/index.ts'
import type {
  AppStatus,
  AttackStatus,
  NodeStatus,
  ReleaseEntry,
  ReleaseTerms,
  StatusReport,
} from '../api/index.ts'

export interface Moment {
  readonly nowMs: number
  /** Monotonic. */
  readonly monotonicMs: number
}

type Problems = StatusReport['problems']

/** A member as its own record and this node's detector have it; times by this node's clocks. */
export function nodeStatus(member: MemberView, moment: Moment): NodeStatus {
  const { opinion, held, via = [] } = member
  const report = held?.record.report
  return {
    id: member.id,
    name: member.name,
    groups: member.groups,
    roles: member.roles,
    arch: report?.arch ?? 'unknown',
    runtime: report?.runtime ?? 'unknown',
    state: opinion.verdict,
    why: opinion.why,
    stateSince: wallClockOf(opinion, moment),
    rttMs: opinion.rttMs,
    recordAgeMs: recordAge(member, moment),
    devices: report?.devices ?? [],
    apps: (report?.apps ?? []) as readonly AppStatus[],
    ...(opinion.slow === true && { slow: true }),
    ...(via.length > 0 && { via }),
    ...(report?.pause !== undefined && { pause: report.pause }),
    ...(report !== undefined && { platform: report.platform, features: report.features }),
    ...(report?.machine !== undefined && { machine: report.machine }),
  }
}

/** When an opinion began, by this node's wall clock. */
export function wallClockOf({ sinceMs }: Opinion, { nowMs, monotonicMs }: Moment): number {
  return Math.round(nowMs - (monotonicMs - sinceMs))
}

/** By this node's monotonic clock where it heard the record itself; a record from its disk has no age it could know. */
export function recordAge({ held }: MemberView, { monotonicMs }: Moment): number | null {
  const receivedAtMs = held?.receivedAtMs ?? null
  return receivedAtMs === null ? null : Math.round(monotonicMs - receivedAtMs)
}

/** Signs of attacks with the names of those members that they came from. */
export function attackStatus(
  sightings: readonly AttackSighting[],
  members: readonly MemberView[],
  monotonicMs: number,
): AttackStatus[] {
  return sightings.map(({ attack, peer, count, lastMs, detail }) => {
    const name = members.find(({ id }) => id === peer)?.name ?? null
    return { attack, peer, name, count, lastAgoMs: Math.round(monotonicMs - lastMs), detail }
  })
}

/** A held release for people and for the CLI: digests and keys in hexadecimal. */
export function releaseEntry(entry: HistoryEntry): ReleaseEntry {
  const { record, digest, role, publisher, receivedAt } = entry
  return {
    app: record.app,
    seq: record.seq,
    version: record.version,
    digest,
    component: record.component.digest,
    sizeBytes: record.component.sizeBytes,
    ...(record.variants !== undefined && {
      variants: record.variants.map(({ name, component, features = [] }) => ({
        name,
        component: component.digest,
        sizeBytes: component.sizeBytes,
        features,
      })),
    }),
    publisher: hexOf(publisher),
    signedAt: record.signedAt,
    receivedAt,
    groups: record.groups,
    grants: record.grants,
    role,
  }
}

/** What a release asks, for whoever signs the next one. */
export function termsOf(record: ReleaseRecord): ReleaseTerms {
  const { grants, groups, triggers, config, limits, run } = record
  const {
    quotas = {},
    instances = {},
    placement = {},
    calls = {},
    topics = {},
    links = {},
    stores = {},
  } = record
  return {
    grants,
    groups,
    triggers,
    config,
    limits,
    quotas,
    instances,
    placement,
    calls,
    topics,
    links,
    stores,
    args: run?.args ?? [],
  }
}

/**
 * What is wrong here, worst first: alarms, the latest first and each once, then this node's own trouble, then its apps'.
 * @param fixOf what to do about a code
 */
export function problemsOf(
  alarms: readonly Alarm[],
  self: Problems,
  apps: readonly AppStatus[],
  fixOf: (code: string) => string,
): Problems {
  const raised = new Map<string, Problems[number]>()
  for (const { code, message } of [...alarms].reverse()) {
    const key = `${code} ${message}`
    if (!raised.has(key)) raised.set(key, { code, message, hint: fixOf(code) })
  }
  const ofApps = apps.flatMap((app) => {
    const reasons = [app.reason, app.next?.reason].filter((reason) => reason !== undefined)
    return reasons.map(({ code, message, hint }) => ({ code, message: `${app.app}: ${message}`, hint }))
  })
  return [...raised.values(), ...self, ...ofApps]
}
