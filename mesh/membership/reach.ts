/**
 * The part of the mesh that this node reaches: a walk over the graph of neighbours, along every edge that no
 * vote calls broken. A part that is cut off votes about all its edges to the outside, so the walk ends there.
 */
import type { NodeId } from '../identity/index.ts'

/**
 * @param neighbours of a member; empty for those who are gone
 * @param isBroken whether somebody says that this edge carries nothing
 * @returns who is reached, this node included
 */
export function reachFrom(
  self: NodeId,
  neighbours: (node: NodeId) => readonly NodeId[],
  isBroken: (from: NodeId, to: NodeId) => boolean,
): ReadonlySet<NodeId> {
  const reached = new Set([self])
  // A set is walked in the order in which it grows.
  for (const node of reached) {
    for (const other of neighbours(node)) {
      if (!reached.has(other) && !isBroken(node, other)) reached.add(other)
    }
  }
  return reached
}
