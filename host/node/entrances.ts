/** Where a newcomer with an invite of this node knocks. Any member lets it in, so a node that nobody can dial names others. */
import type { Mesh } from '../../mesh/index.ts'

/** What an invite holds. */
const mostAddresses = 16
/** Of this node's own, so that there is room for those of its gateways. */
const ownAtMost = 8

/** This node's own addresses and those of the gateways that keep a place for it; theirs first where only those are reached. */
export function entrancesOf(mesh: Pick<Mesh, 'addresses' | 'members' | 'gateways'>): string[] {
  const { places, isReachable } = mesh.gateways
  const own = mesh.addresses()
  const ofGateways = mesh
    .members()
    .filter(({ id }) => places.includes(id))
    .flatMap(({ id, held }) =>
      (held?.record.report.addresses ?? [])
        // A circuit is for members.
        .filter((address) => address.startsWith('/') && !address.includes('/p2p-circuit'))
        .map((address) => (address.includes('/p2p/') ? address : `${address}/p2p/${id}`)),
    )
  if (ofGateways.length === 0) return own
  const few = own.slice(0, ownAtMost)
  const all = isReachable === false ? [...ofGateways, ...few] : [...few, ...ofGateways]
  return [...new Set(all)].slice(0, mostAddresses)
}
