/**
 * Addresses that lead through a gateway: `/ip4/…/tcp/…/p2p/GATEWAY/p2p-circuit/p2p/NODE`, as libp2p writes them, so that
 * they stand in records and tokens beside all others.
 */
import { peerOfAddress } from './address.ts'
import type { NodeId } from './contract.ts'

const circuit = '/p2p-circuit'

/** True for an address that leads through a gateway. */
export function isCircuit(address: string): boolean {
  return address.includes(circuit)
}

/** Where `node` is found behind a gateway that listens at `address`. */
export function circuitAddress(address: string, gateway: NodeId, node: NodeId): string {
  const place = peerOfAddress(address) === null ? `${address}/p2p/${gateway}` : address
  return `${place}${circuit}/p2p/${node}`
}

/** The ways of such an address: its gateway, and the address of that. @returns null for what is none */
export function gatewayOf(address: string): { readonly gateway: NodeId; readonly place: string } | null {
  const [place = '', ...rest] = address.split(circuit)
  const gateway = peerOfAddress(place)
  // A circuit in a circuit is none that a gateway of ours would serve.
  return rest.length === 1 && gateway !== null ? { gateway, place } : null
}
