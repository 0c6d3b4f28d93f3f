/** The public face of mesh/replicas: the way between replicas of one group's stores. */
export { ReplicaLines, type ReplicaLineHandlers } from './lines.ts'
