/** The public face of mesh/messages: batches of messages to other members, and theirs to this one. */
export { wireSize, type Verdict, type Verdicts, type WireMessage } from './batch.ts'
export {
  MessageExchange,
  messagesProtocol,
  type MessageExchangeNeeds,
  type ReceiveMessages,
} from './exchange.ts'
export { messageWireLimits } from './limits.ts'
export { messagesProblems } from './problems.ts'
