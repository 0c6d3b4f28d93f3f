/** Which nodes share a group's store, and which of them one speaks with, from signed records alone. */

/**
 * The group that a node belongs to with an app's store: of the app's groups that the node is in, the first by name, so
 * that a node in several does not carry one group's data into another. Nodes of no group are among themselves.
 * @param appGroups empty means all @returns null where the app is not for this node
 */
export function storeGroup(nodeGroups: readonly string[], appGroups: readonly string[]): string | null {
  const shared = nodeGroups.filter((group) => appGroups.length === 0 || appGroups.includes(group))
  const [first] = [...shared].sort()
  return first ?? (nodeGroups.length + appGroups.length === 0 ? '' : null)
}

/** Up to so many members each speaks with all others, as the mesh connects them anyway. */
const allUpTo = 9
const neighboursEachWay = 2

/** With whom a node keeps a connection, beside those that the mesh connects it with: neighbours in a ring of the group. */
export function neighboursOf(self: string, members: readonly string[]): string[] {
  const ring = [...new Set([...members, self])].sort()
  const others = ring.filter((node) => node !== self)
  if (ring.length <= allUpTo) return others
  const at = ring.indexOf(self)
  const chosen = new Set<string>()
  // Beside the nearest ones some far across the ring, so that what is new is everywhere after a few steps.
  for (const step of [1, neighboursEachWay, Math.floor(ring.length / 2)]) {
    for (const sign of [1, -1]) {
      const node = ring[(at + sign * step + ring.length) % ring.length]
      if (node !== undefined && node !== self) chosen.add(node)
    }
  }
  return [...chosen]
}
