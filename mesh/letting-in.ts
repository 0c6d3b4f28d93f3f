/** Redeems the invites of newcomers, and takes those that were let in among the members. */
import { messageOf, type Cancel, type Log } from '../core/index.ts'
import { serveJoins } from './admission/index.ts'
import type { Stores } from './stores.ts'
import type { Transport } from './transport/index.ts'

/** @returns how to stop */
export function letIn(needs: {
  readonly stores: Pick<Stores, 'desk' | 'trust' | 'credentials' | 'witness'>
  readonly transport: Transport
  readonly log: Log
}): Cancel {
  const { stores, transport, log } = needs
  const { desk, trust, credentials, witness } = stores
  return serveJoins({
    transport,
    desk,
    trust,
    credentials,
    log: log.scope('join'),
    onRefused: (peer, error) => witness.refusedPeer('join', peer, error),
    onJoined: (credential) => {
      witness.letIn(credential)
      credentials
        .offer(credential)
        .catch((error: unknown) => log.error('join:lost', { error: messageOf(error) }))
    },
  })
}
