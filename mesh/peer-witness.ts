/** What the network itself refuses of peers, counted and told: connections, streams before admission, bans. */
import type { Cancel } from '../core/index.ts'
import type { MeshCounters } from './counters.ts'
import type { Transport } from './transport/index.ts'
import type { Witness } from './witness.ts'

/** @returns how to stop */
export function witnessPeers(
  transport: Pick<Transport, 'on'>,
  counters: MeshCounters,
  witness: Witness,
): Cancel[] {
  return [
    transport.on('peer:refused', ({ peer, by, code, message }) => {
      counters.connectionRefused(by, code)
      if (by === 'us') witness.refusedPeer('connection', peer, { code, message })
    }),
    transport.on('stream:refused', ({ peer, protocol }) =>
      witness.seen('stream', 'before-admission', peer, `it asked for ${protocol} before admission`),
    ),
    transport.on('peer:banned', () => counters.banned()),
  ]
}
