/** The public face of mesh/patches: how an update moves little more than what changed. */
export { systemCodec, type PatchCodec } from './codec.ts'
export {
  createPatchExchange,
  type PatchExchange,
  type PatchExchangeOptions,
  type PatchSeek,
  type PatchTraffic,
} from './exchange.ts'
export { patchLimits } from './limits.ts'
export { openPatchStore, type PatchStore } from './patch-store.ts'
export { patchesProblems } from './problems.ts'
export type { PatchAttack } from './search-job.ts'
