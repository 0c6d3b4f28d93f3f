/** The public face of mesh/heads/: how the newest version of everything reaches every node. */
export { compareHeads, headLimits, type Head, type HeadOutcome } from './head.ts'
export { createHeadExchange, type HeadExchange, type HeadExchangeParts } from './head-exchange.ts'
export { HeadTraffic, type HeadTally } from './head-traffic.ts'
export { headsProblems } from './message.ts'
export { RateLimit } from './rate-limit.ts'
