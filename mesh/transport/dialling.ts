/** From a target to a connection: which addresses to try, and what it means when none of them works. */
import type { Connection } from '@libp2p/interface'
import { peerIdFromString } from '@libp2p/peer-id'
import { isLoopback, parseAddress, parseMultiaddr, peerOfAddress } from './address.ts'
import { transportLimits, type NodeId } from './contract.ts'
import { dialError, type AddressFailure } from './dial-failure.ts'
import type { Libp2p } from './libp2p-node.ts'
import { transportProblems } from './problems.ts'

export interface DialParts {
  readonly node: Libp2p
  readonly self: NodeId
  isBanned(peer: NodeId): boolean
  /** True, false, or null for a peer never met since the start. */
  metOnLoopback(peer: NodeId): boolean | null
}

/** @throws ERR_ADDRESS */
export async function addressesFor(node: Libp2p, target: string | readonly string[]): Promise<string[]> {
  if (typeof target !== 'string') return usableOf(target.slice(0, transportLimits.addressesPerDial))
  if (target.includes('/') || target.includes(':')) return [parseAddress(target)]
  let peer
  try {
    peer = peerIdFromString(target)
  } catch (error) {
    throw transportProblems.error('ERR_ADDRESS', `"${target}" is neither a node id nor an address`, {
      cause: error,
    })
  }
  const known = await node.peerStore.get(peer).catch(() => null)
  const bare = (known?.addresses ?? []).map(({ multiaddr }) => multiaddr.toString())
  return bare.map((address) => (peerOfAddress(address) === null ? `${address}/p2p/${target}` : address))
}

/** One address that this release cannot read, a newer node's perhaps, does not spoil the others. */
function usableOf(addresses: readonly string[]): string[] {
  const usable: string[] = []
  let failure: unknown = transportProblems.error('ERR_ADDRESS', 'there is no address to dial')
  for (const address of addresses) {
    try {
      usable.push(parseAddress(address))
    } catch (error) {
      failure = error
    }
  }
  if (usable.length === 0) throw failure
  return usable
}

/**
 * Tries the addresses of one peer in turn, so that each failure keeps its meaning.
 * @throws ERR_ADDRESS, ERR_PEER_BANNED, ERR_DIAL_REFUSED, ERR_DIAL_UNREACHABLE, ERR_DIAL_TIMEOUT
 */
export async function connectTo(
  parts: DialParts,
  peer: NodeId | null,
  addresses: readonly string[],
  signal: AbortSignal,
): Promise<Connection> {
  const { node, self } = parts
  if (peer === self) throw transportProblems.error('ERR_ADDRESS', `${addresses[0]} is this node itself`)
  if (peer !== null && parts.isBanned(peer)) {
    throw transportProblems.error('ERR_PEER_BANNED', `${peer} is shut out for now`)
  }
  const metOnLoopback = peer === null ? true : parts.metOnLoopback(peer)
  // Loopback addresses of a node on another machine lead back to this one.
  const remote = addresses.filter((address) => metOnLoopback !== false || !isLoopback(address))
  const failures: AddressFailure[] = []
  for (const address of remote.length > 0 ? remote : addresses) {
    signal.throwIfAborted()
    try {
      const connection = await node.dial(parseMultiaddr(address), { signal })
      if (connection.remotePeer.toString() !== self) return connection
      await connection.close()
      throw transportProblems.error('ERR_ADDRESS', `${address} is this node itself`)
    } catch (error) {
      failures.push({ address, error, isTelling: !isLoopback(address) || metOnLoopback === true })
    }
  }
  throw dialError(peer ?? addresses[0] ?? 'a peer without addresses', failures)
}
