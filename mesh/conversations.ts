/** What members ask each other and answer, over connections that are made when somebody needs them. */
import type { Clock, Log } from '../core/index.ts'
import { CallExchange } from './calls/index.ts'
import type { NodeId } from './identity/index.ts'
import { MessageExchange } from './messages/index.ts'
import type { Stores } from './stores.ts'
import type { Transport } from './transport/index.ts'

export interface Conversations {
  readonly calls: CallExchange
  readonly messages: MessageExchange
}

interface ConversationParts {
  readonly stores: Pick<Stores, 'records' | 'witness'>
  readonly transport: Transport
  readonly clock: Clock
  readonly log: Log
  /** The connection to a member is used for so long, ms. */
  readonly used: (node: NodeId, forMs: number) => void
}

export function createConversations({ stores, log, ...needs }: ConversationParts): Conversations {
  const { records, witness } = stores
  const addressesOf = (node: NodeId): readonly string[] => records.get(node)?.record.report.addresses ?? []
  return {
    calls: new CallExchange({ ...needs, addressesOf, log: log.scope('calls') }),
    messages: new MessageExchange({
      ...needs,
      addressesOf,
      log: log.scope('messages'),
      report: (attack, peer, detail) => witness.seen('message', attack, peer, detail),
    }),
  }
}
