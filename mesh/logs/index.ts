/** The public face of mesh/logs: what apps say on other nodes, and what they may read of this one's. */
export {
  LogExchange,
  logsProtocol,
  type AnswerLogs,
  type ChargeScan,
  type LogExchangeNeeds,
} from './exchange.ts'
export { logWireLimits } from './limits.ts'
export { lineBytes, type KeptLine, type LogPage } from './page.ts'
export { logsProblems } from './problems.ts'
export type { LogFilter, LogQuestion, LogStart } from './question.ts'
