/** A release's placement with every default filled in, and which of its scopes a node belongs to. */
import type { ReleaseRecord } from '../../mesh/index.ts'

/** A restart, a short cut and a laptop's nap should not move an app; a dead node should not be missed for minutes. */
const defaultReplaceAfterMs = 30_000

export interface Rule {
  readonly app: string
  /** null: every node that can. */
  readonly replicas: number | null
  readonly per: 'group' | 'mesh'
  readonly groups: readonly string[]
  readonly everyGroup: boolean
  readonly replaceAfterMs: number
  readonly minority: 'run' | 'stop'
  readonly stableNames: boolean
}

export function ruleOf({ app, groups, placement = {} }: ReleaseRecord): Rule {
  return {
    app,
    replicas: placement.replicas ?? null,
    per: placement.per ?? 'group',
    groups,
    everyGroup: placement.everyGroup ?? false,
    replaceAfterMs: placement.replaceAfterMs ?? defaultReplaceAfterMs,
    minority: placement.minority ?? 'run',
    stableNames: placement.stableNames ?? false,
  }
}

/** Nodes of no group are a group of their own: what runs per group runs there too, where it may run anywhere. */
export const noGroup = ''

/** The scopes in which places are given out: groups by name, or the one whole mesh. */
export function scopesOf(rule: Rule, groupsOfMembers: Iterable<readonly string[]>): string[] {
  if (rule.per === 'mesh') return [noGroup]
  if (rule.groups.length > 0) return [...rule.groups]
  const known = new Set<string>()
  for (const groups of groupsOfMembers) {
    if (groups.length === 0) known.add(noGroup)
    for (const group of groups) known.add(group)
  }
  return [...known].sort()
}

export function isInScope(rule: Rule, scope: string, groups: readonly string[]): boolean {
  const isMeant = rule.groups.length === 0 || rule.groups.some((group) => groups.includes(group))
  if (rule.per === 'mesh') return isMeant
  return isMeant && (scope === noGroup ? groups.length === 0 : groups.includes(scope))
}
