/** The public face of durable queues. */
export type * from './contract.ts'
export { diskQueues } from './disk.ts'
export { memoryQueues } from './memory.ts'
export { queueProblems } from './problems.ts'
export { unusableQueue } from './unusable.ts'
