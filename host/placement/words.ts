/** Why an app does not run here, for people. */
import type { ReleaseRecord } from '../../mesh/index.ts'
import { lacks } from './eligibility.ts'
import type { PlacementView } from './view.ts'

export function nameOf(node: string | null, { members }: PlacementView): string {
  return members.find(({ id }) => id === node)?.name ?? 'nobody'
}

export function elsewhere(nodes: readonly string[], view: PlacementView, record: ReleaseRecord): string {
  const self = view.members.find(({ id }) => id === view.self)
  const missing = self === undefined ? [] : lacks(record, self)
  const there =
    nodes.length === 0
      ? 'no node can run it now'
      : `placed on ${nodes.map((node) => nameOf(node, view)).join(', ')}`
  return missing.length === 0 || self?.report === null
    ? there
    : `${there}; this node lacks ${missing.join(', ')}`
}
