/** Which ways lead to a peer: directly or through gateways, and how one is changed for the other. */
import type { Connection } from '@libp2p/interface'
import { parseMultiaddr, peerOfAddress, placeOf } from './address.ts'
import { gatewayOf, isCircuit } from './circuit-address.ts'
import type { Wiring } from './circuits.ts'
import type { Connections } from './connections.ts'
import type { NodeId, Ways } from './contract.ts'
import { connectTo, type DialParts } from './dialling.ts'
import { knock } from './knock.ts'
import { transportProblems } from './problems.ts'

export interface WaysParts {
  readonly connections: Connections
  /** @throws ERR_NETWORK_OFF */
  running(): { readonly wiring: Wiring }
  dialParts(): DialParts
}

export function createWays({ connections, running, dialParts }: WaysParts): Ways {
  const isRelayed = (peer: NodeId): boolean =>
    connections.directTo(peer) === undefined && connections.admittedTo(peer).length > 0
  return {
    isRelayed,
    gatewaysTo(peer) {
      if (!isRelayed(peer)) return []
      const ways = connections.admittedTo(peer).map(({ remoteAddr }) => gatewayOf(remoteAddr.toString()))
      return [...new Set(ways.flatMap((way) => (way === null ? [] : [way.gateway])))].sort()
    },
    async connectDirectly(peer, addresses, signal) {
      if (connections.directTo(peer) !== undefined) return
      const direct = addresses.filter((address) => !isCircuit(address))
      if (direct.length === 0) {
        throw transportProblems.error('ERR_ADDRESS', `${peer} has no address of its own`)
      }
      const connection = await connectTo(dialParts(), peer, direct, signal)
      requirePeer(connection, peer)
      await connections.admit(connection, signal)
    },
    async answersAt(peer, address, signal) {
      if (isCircuit(address)) return false
      const place = peerOfAddress(address) === null ? `${address}/p2p/${peer}` : address
      const { wiring } = running()
      let connection: Connection
      try {
        // Past the queue of dials, where it would be joined with one under way, and closed for that as well.
        connection = await wiring.transportManager.dial(parseMultiaddr(place), { signal })
      } catch {
        return false
      }
      const isIt = connection.remotePeer.toString() === peer
      await connection.close({ signal }).catch((error: Error) => connection.abort(error))
      return isIt
    },
    async knock(peer, addresses, signal) {
      const met = connections.metAt(peer)
      const places = addresses.filter((address) => !isCircuit(address)).map(placeOf)
      const place = places.find((one) => one !== null && one.host === met)
      if (place === undefined || place === null) return null
      const { clock } = dialParts()
      return knock(place, clock, signal)
    },
  }
}

function requirePeer(connection: Connection, peer: NodeId): void {
  if (connection.remotePeer.toString() === peer) return
  connection.abort(new Error('another node answers there'))
  throw transportProblems.error('ERR_DIAL_UNREACHABLE', `another node than ${peer} answers at its address`)
}
