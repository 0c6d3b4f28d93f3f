/** The public face of replicas: what the nodes of a group write to one store. */
export { GroupReplicas, type GroupReplicasNeeds, type GroupStoreReport } from './group-replicas.ts'
export { replicasProblems } from './problems.ts'
export { storeProblems } from './signs.ts'
