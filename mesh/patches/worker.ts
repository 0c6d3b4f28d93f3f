/** The thread that packs one patch and ends. It has no environment, and reads no file but the packer. */
import { parentPort, workerData } from 'node:worker_threads'
import { loadZstd, type MakeJob } from './codec.ts'
import { makePatch } from './patch.ts'

const { base, target } = workerData as MakeJob
const patch = makePatch(base, target, await loadZstd())
parentPort?.postMessage(patch)
