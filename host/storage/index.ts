/** The public face of storage: what a node keeps for its apps. */
export type * from './contract.ts'
export { blobLimits, keyValueLimits, usualStorage, type BlobLimits, type KeyValueLimits } from './limits.ts'
export { storageProblems } from './problems.ts'
export { diskStorage, memoryStorage } from './storage.ts'
export * from './group/index.ts'
