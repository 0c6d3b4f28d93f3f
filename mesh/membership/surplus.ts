/** Which connections to close: only beyond a number that costs little, and never one to a neighbour. */
import type { NodeId } from '../identity/index.ts'

/** Neighbours are eight; others come from healed cuts, transfers and calls, and may come in handy again. */
export const keptConnections = 16

/** @param needed neighbours, and peers that some part of the node asked for @returns whom to hang up on */
export function surplusOf(peers: readonly NodeId[], needed: ReadonlySet<NodeId>): NodeId[] {
  const spare = peers.filter((peer) => !needed.has(peer))
  return spare.slice(0, Math.max(0, peers.length - keptConnections))
}
