/** The public face of the metrics: what a node counts, as text for Prometheus. */
export type { BrokerReading, MeshReading, MetricSources } from './contract.ts'
export { CallTally } from './call-tally.ts'
export { HttpTally } from './http-tally.ts'
export { NodeMetrics } from './node-metrics.ts'
export { metricsProblems } from './problems.ts'
export { MetricsServer, type MetricsServerNeeds } from './server.ts'
