/** Nodes whose machines cannot run a release that is for them, and what goes on there instead. */
import type { ReleaseRecord, Rest } from '../../mesh/index.ts'
import { unfit } from './eligibility.ts'
import type { PlacementView } from './view.ts'

export interface Misfit {
  /** Its id. */
  readonly node: string
  /** In the words of needs. */
  readonly lacks: readonly string[]
}

/** Members that a release is for, and whose machines cannot run it. */
export function misfitsIn(record: ReleaseRecord, { members }: PlacementView): Misfit[] {
  return members.flatMap((member) => {
    if (member.verdict === 'left' || !isMeantFor(record, member.groups)) return []
    const missing = unfit(record, member)
    return missing.length === 0 ? [] : [{ node: member.id, lacks: missing }]
  })
}

export function isMeantFor({ groups }: ReleaseRecord, own: readonly string[]): boolean {
  return groups.length === 0 || own.some((group) => groups.includes(group))
}

/**
 * What this node's machine cannot run and others might count on it for: a version that counts otherwise what an app takes, or
 * reads nothing of a machine, would give it a place that nobody then fills. All versions heed what a node rests from.
 */
export function restsOfMisfit(
  records: readonly ReleaseRecord[],
  { self, members }: Pick<PlacementView, 'self' | 'members'>,
): Rest[] {
  const own = members.find(({ id }) => id === self)
  if (own === undefined) return []
  return records.flatMap((record) => {
    const isCounted = record.placement?.replicas !== undefined && isMeantFor(record, own.groups)
    return isCounted && unfit(record, own).length > 0 ? [{ app: record.app, seq: record.seq }] : []
  })
}

/**
 * What ran here before a release came that this machine cannot run: an update that is for others must not end it. Only
 * where every node runs the app; places that are counted go to nodes that can.
 */
export function staying<Release extends { readonly record: ReleaseRecord }>(
  { record }: Release,
  releases: readonly Release[],
  { self, members, ranBefore }: PlacementView,
): Release | null {
  const own = members.find(({ id }) => id === self)
  if (own === undefined || record.placement?.replicas !== undefined) return null
  if (unfit(record, own).length === 0 || !isMeantFor(record, own.groups)) return null
  const ran = own.report?.apps.find(({ app }) => app === record.app)?.seq ?? ranBefore?.get(record.app)
  if (ran === undefined || ran >= record.seq) return null
  const stays = releases.find((release) => release.record.seq === ran)
  return stays === undefined || unfit(stays.record, own).length > 0 ? null : stays
}
