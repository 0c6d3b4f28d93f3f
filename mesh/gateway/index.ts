/** The public face of mesh/gateway/: how nodes that nobody can dial are reached through those that everybody can. */
export { Gateways, type GatewayMember, type GatewaysParts, type GatewayState } from './gateways.ts'
export { gatewayLimits } from './limits.ts'
export { gatewayProblems } from './problems.ts'
export type { Reachable } from './reachability.ts'
export { GatewayServer, type GatewayCounts } from './server.ts'
