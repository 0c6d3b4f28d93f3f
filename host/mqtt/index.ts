/** The public face of host/mqtt: brokers, and the bridges between them and the mesh. */
export { createBridges, keptBrokers, type Bridges } from './bridge/bridges.ts'
export type * from './bridge/contract.ts'
export { createBrokers, type BrokersNeeds } from './brokers.ts'
export type * from './contract.ts'
export { mqttProblems } from './problems.ts'
export { filterProblem, topicProblem } from './topics.ts'
