/** A libp2p node that serves: its connections are watched for admission, its protocols are there before it listens. */
import type { Connection } from '@libp2p/interface'
import { messageOf, type Log } from '../../core/index.ts'
import { placeOf } from './address.ts'
import { admissionProtocol } from './admission.ts'
import type { Bans } from './bans.ts'
import { isRelayed, type Connections } from './connections.ts'
import { transportLimits, type TransportEvents } from './contract.ts'
import type { Emitter } from './emitter.ts'
import { createNode, type RunningLibp2p } from './libp2p-node.ts'
import type { Protocols } from './protocols.ts'

export interface ServingParts {
  readonly privateKeySeed: Uint8Array
  readonly announce: readonly string[]
  readonly mdns: boolean
  readonly log: Log
  readonly bans: Bans
  readonly events: Emitter<TransportEvents>
  readonly connections: Connections
  readonly protocols: Protocols
}

/** @throws what libp2p throws where it cannot listen; nothing runs then */
export async function startServing(parts: ServingParts, listen: readonly string[]): Promise<RunningLibp2p> {
  const { privateKeySeed, announce, mdns, bans, events, log, connections, protocols } = parts
  const running = await createNode({
    privateKeySeed,
    listen,
    announce,
    mdns,
    gater: {
      denyDialPeer: (peer) => bans.has(peer.toString()),
      denyInboundEncryptedConnection: (peer) => bans.has(peer.toString()),
    },
  })
  const { node } = running
  node.addEventListener('connection:open', (event) => watch(connections, event.detail))
  node.addEventListener('peer:disconnect', (event) => {
    // libp2p remembers everybody who ever connected; here, members are known by their records.
    node.peerStore.delete(event.detail).catch((error: unknown) => {
      log.debug('peer:not-forgotten', { error: messageOf(error) })
    })
  })
  node.addEventListener('peer:discovery', (event) => {
    const addresses = event.detail.multiaddrs.map(String)
    if (addresses.length > 0) events.emit('peer:found', { peer: event.detail.id.toString(), addresses })
  })
  try {
    await node.handle(
      admissionProtocol,
      (stream, connection) => connections.onAdmissionStream(stream, connection),
      { maxInboundStreams: transportLimits.admissionStreams },
    )
    await protocols.registerAt(node)
    await node.start()
  } catch (error) {
    protocols.unregister()
    await Promise.resolve(node.stop()).catch(() => {})
    throw error
  }
  return running
}

function watch(connections: Connections, connection: Connection): void {
  connections.track(connection)
  // The address of one through a gateway is the gateway's.
  if (isRelayed(connection)) return
  const place = placeOf(connection.remoteAddr.toString())
  if (place !== null) connections.rememberPlace(connection.remotePeer.toString(), place.host)
}
