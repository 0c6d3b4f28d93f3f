/** The public face of mesh/calls: calls to other members, and theirs to this one. */
export {
  callLimits,
  NotStarted,
  type CallAnswer,
  type CallBody,
  type CallHandler,
  type CallStream,
  type IncomingCall,
  type OutgoingCall,
} from './contract.ts'
export { CallExchange, type CallExchangeNeeds } from './exchange.ts'
export { callsProblems } from './problems.ts'
