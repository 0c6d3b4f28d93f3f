/** The public face of mesh/blobs: content-addressed components, cut in chunks, and their exchange between peers. */
export {
  componentRef,
  distinctChunks,
  readChunkList,
  type ChunkList,
  type CutComponent,
} from './chunk-list.ts'
export { cut, type Chunk } from './chunker.ts'
export { createBlobExchange } from './exchange.ts'
export type {
  BlobCaps,
  BlobExchange,
  BlobExchangeOptions,
  BlobTraffic,
  FetchCall,
} from './exchange-contract.ts'
export type { FetchProgress, FetchSource } from './fetch-progress.ts'
export { blobLimits } from './limits.ts'
export { blobsProblems } from './problems.ts'
export type { BlobUsage, NeededComponents, RoomClaim } from './room.ts'
export {
  openBlobStore,
  type BlobStore,
  type BlobStoreOptions,
  type Collected,
  type ComponentState,
} from './store.ts'
