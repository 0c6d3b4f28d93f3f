/** Whether a release's own rule about its places can be met by the members there are. */
import type { ReleaseRecord } from '../../mesh/index.ts'
import { lacks } from './eligibility.ts'
import type { PlacementView } from './view.ts'
import { isInScope, ruleOf, scopesOf } from './rule.ts'

/**
 * The rule that cannot be met, in words; null where all can. Who is away for now counts, also by its own word, as each
 * node that is started anew says that it leaves: what runs must not end of that.
 */
export function unmet(record: ReleaseRecord, { members }: Pick<PlacementView, 'members'>): string | null {
  const rule = ruleOf(record)
  if (!rule.everyGroup) return null
  const groups =
    rule.groups.length > 0
      ? rule.groups
      : scopesOf(
          { ...rule, per: 'group' },
          members.map((one) => one.groups),
        )
  const wanted = rule.per === 'group' ? (rule.replicas ?? 1) : 1
  for (const group of groups) {
    const inside = members.filter((member) => isInScope({ ...rule, per: 'group' }, group, member.groups))
    const able = inside.filter((member) => lacks(record, member).length === 0)
    if (able.length >= wanted) continue
    const title = group === '' ? 'the nodes of no group' : `group ${group}`
    const lacking = [...new Set(inside.flatMap((member) => lacks(record, member)))].sort()
    const nodes = `${able.length} ${able.length === 1 ? 'node' : 'nodes'} of ${title} can run it, and it wants ${wanted}`
    return lacking.length === 0 ? nodes : `${nodes}; others lack ${lacking.join(', ')}`
  }
  return null
}
