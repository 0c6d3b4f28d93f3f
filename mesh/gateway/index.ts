/** The public face of mesh/gateway/: how nodes that nobody can dial are reached through those that everybody can. */
export { gatewayLimits } from './limits.ts'
export { gatewayProblems } from './problems.ts'
export { GatewayServer, type GatewayCounts } from './server.ts'
