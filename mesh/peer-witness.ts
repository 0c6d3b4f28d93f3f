/** What the network itself refuses of peers, and they of this node, counted and told: connections, streams before admission, bans. */
import type { Cancel } from '../core/index.ts'
import type { MeshCounters } from './counters.ts'
import type { Stores } from './stores.ts'
import type { NodeId, Transport } from './transport/index.ts'

interface WitnessedStores extends Pick<Stores, 'witness' | 'onAlarm'> {
  readonly credentials: Pick<Stores['credentials'], 'isMember'>
}

/** @param self this node @returns how to stop */
export function witnessPeers(
  transport: Pick<Transport, 'on'>,
  counters: MeshCounters,
  { witness, onAlarm, credentials }: WitnessedStores,
  self: NodeId,
): Cancel[] {
  let isTurnedOut = false
  return [
    transport.on('peer:refused', ({ peer, by, code, message }) => {
      counters.connectionRefused(by, code)
      if (by === 'us') return witness.refusedPeer('connection', peer, { code, message })
      // Who was away when it was revoked is let in by nobody who could hand it the revocation, and takes itself for cut off.
      if (isTurnedOut || code !== 'ERR_ADMISSION_REVOKED' || !credentials.isMember(peer)) return
      isTurnedOut = true
      const told = `${peer} says that ${self}, this node, was revoked, and does not let it in`
      onAlarm({ code: 'ERR_ADMISSION_TURNED_OUT', message: told, evidence: [] })
    }),
    transport.on('stream:refused', ({ peer, protocol }) =>
      witness.seen('stream', 'before-admission', peer, `it asked for ${protocol} before admission`),
    ),
    transport.on('peer:banned', () => counters.banned()),
  ]
}
