/** The public face of host/config: the node's TOML. */
export { parseHttpAddress, parsePortAddress, parseMetricsAddress, type HttpAddress } from './addresses.ts'
export { loadNodeConfig, parseNodeConfig } from './load.ts'
export type { NodeConfig } from './node-config.ts'
export { configProblems } from './problems.ts'
