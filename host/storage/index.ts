/** The public face of storage: what a node keeps for its apps. */
export type * from './contract.ts'
export type * from './drivers/contract.ts'
export { blobDrivers, keyValueDrivers } from './drivers/index.ts'
export { blobLimits, keyValueLimits, usualStorage, type BlobLimits, type KeyValueLimits } from './limits.ts'
export {
  openConnection,
  type Connection,
  type SqlRow,
  type SqlValue,
  type Statement,
} from './sqlite/connection.ts'
export { storageProblems } from './problems.ts'
export * from './group/index.ts'
export { diskStorage, memoryStorage, type StorageConfig } from './storage.ts'
export type { LifeRule } from './time-to-live.ts'
export { RequestThread } from './request-thread.ts'
