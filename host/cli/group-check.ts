/**
 * Whether anybody would run a release, asked before it is signed: a misspelt group would otherwise end the app
 * wherever it runs today.
 */
import { nearestName } from '../../core/index.ts'
import type { StatusReport } from '../api/index.ts'
import { cliProblems } from './problems.ts'
import { plain } from './text.ts'

/**
 * @param groups those the release is for; empty means every node, and is always right
 * @throws ERR_NOBODY_IN_GROUP where no member, alive or not, belongs to any of them; it names the nearest group
 */
export function requireSomebodyIn(groups: readonly string[], { nodes }: StatusReport): void {
  const members = nodes.filter(({ state }) => state !== 'left')
  const known = [...new Set(members.flatMap((node) => node.groups))].sort()
  if (groups.length === 0 || groups.some((group) => known.includes(group))) return
  const near = groups.map((group) => nearestName(group, known)).find((name) => name !== null)
  const guess = near === undefined ? '' : `; did you mean ${plain(near)}?`
  const others = known.length === 0 ? 'no node has a group' : `its groups are ${known.map(plain).join(', ')}`
  throw cliProblems.error(
    'ERR_NOBODY_IN_GROUP',
    `no node of this mesh belongs to ${groups.map(plain).join(' or ')}${guess}\n  ${others}; nothing was published`,
  )
}
