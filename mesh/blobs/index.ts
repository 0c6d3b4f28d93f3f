/** The public face of mesh/blobs: content-addressed components, cut in chunks, and their exchange between peers. */
export {
  componentRef,
  distinctChunks,
  readChunkList,
  type ChunkList,
  type CutComponent,
} from './chunk-list.ts'
export { cut, type Chunk } from './chunker.ts'
export {
  createBlobExchange,
  type BlobExchange,
  type BlobExchangeOptions,
  type BlobTraffic,
  type FetchCall,
} from './exchange.ts'
export type { FetchProgress } from './fetch-job.ts'
export { blobLimits } from './limits.ts'
export { blobsProblems } from './problems.ts'
export {
  openBlobStore,
  type BlobStore,
  type BlobStoreOptions,
  type Collected,
  type ComponentState,
} from './store.ts'
