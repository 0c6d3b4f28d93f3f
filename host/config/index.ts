/** The public face of host/config: the node's TOML. */
export { loadNodeConfig, parseNodeConfig } from './load.ts'
export {
  parseHttpAddress,
  parsePortAddress,
  parseMetricsAddress,
  type HttpAddress,
  type NodeConfig,
} from './node-config.ts'
export { configProblems } from './problems.ts'
