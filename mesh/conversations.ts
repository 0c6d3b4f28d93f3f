/** What members ask each other and answer, over connections that are made when somebody needs them. */
import type { Clock, Log } from '../core/index.ts'
import { CallExchange } from './calls/index.ts'
import type { NodeId } from './identity/index.ts'
import { LoadExchange } from './load/index.ts'
import { LogExchange } from './logs/index.ts'
import { MessageExchange } from './messages/index.ts'
import type { Stores } from './stores.ts'
import type { Transport } from './transport/index.ts'

export interface Conversations {
  readonly calls: CallExchange
  readonly messages: MessageExchange
  readonly load: LoadExchange
  readonly logs: LogExchange
  start(): void
  stop(): void
}

interface ConversationParts {
  readonly stores: Pick<Stores, 'records' | 'credentials' | 'witness'>
  readonly transport: Transport
  readonly clock: Clock
  readonly log: Log
  /** The connection to a member is used for so long, ms. */
  readonly used: (node: NodeId, forMs: number) => void
}

export function createConversations({ stores, log, ...needs }: ConversationParts): Conversations {
  const { records, credentials, witness } = stores
  const addressesOf = (node: NodeId): readonly string[] => records.get(node)?.record.report.addresses ?? []
  const calls = new CallExchange({
    ...needs,
    addressesOf,
    log: log.scope('calls'),
    report: (attack, peer, detail) => witness.seen('call', attack, peer, detail),
  })
  const messages = new MessageExchange({
    ...needs,
    addressesOf,
    log: log.scope('messages'),
    report: (attack, peer, detail) => witness.seen('message', attack, peer, detail),
  })
  const load = new LoadExchange({
    ...needs,
    log: log.scope('load'),
    isNear: (node) => credentials.shareGroup(needs.transport.self, node),
    report: (attack, peer, detail) => witness.seen('load', attack, peer, detail),
  })
  const logs = new LogExchange({
    ...needs,
    addressesOf,
    log: log.scope('logs'),
    report: (attack, peer, detail) => witness.seen('log', attack, peer, detail),
  })
  const parts = [calls, messages, load, logs]
  return {
    calls,
    messages,
    load,
    logs,
    start: () => parts.forEach((part) => part.start()),
    stop: () => parts.forEach((part) => part.stop()),
  }
}
