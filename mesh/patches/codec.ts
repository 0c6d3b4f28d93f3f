/**
 * How this node packs and unpacks: packing in a thread of its own that ends with the job, as it takes a while and up to
 * 25 MB; unpacking here, which takes 5 ms for a megabyte.
 */
import { readFile } from 'node:fs/promises'
import { Worker } from 'node:worker_threads'
import { messageOf, type Clock } from '../../core/index.ts'
import type { BlobRef } from '../releases/index.ts'
import { patchLimits } from './limits.ts'
import { nativeZstd } from './native-zstd.ts'
import { applyPatch } from './patch.ts'
import { patchesProblems } from './problems.ts'
import { wasmZstd } from './wasm-zstd.ts'
import type { Zstd } from './zstd.ts'

export interface PatchCodec {
  /** @throws ERR_PATCH_MAKING, ERR_PATCH_TOOLS */
  make(base: Uint8Array, target: Uint8Array): Promise<Uint8Array>
  /** @throws ERR_PATCH_FORMAT, ERR_PATCH_SIZE, ERR_PATCH_RESULT, ERR_PATCH_TOOLS */
  apply(base: Uint8Array, patch: Uint8Array, target: BlobRef): Promise<Uint8Array>
  /** Ends what is being made. */
  stop(): void
}

/** What the thread is given; it answers with the patch. */
export interface MakeJob {
  readonly base: Uint8Array
  readonly target: Uint8Array
}

/** @param folder where `patch.mjs` and `zstd.wasm` lie: beside the program, or dist/ when run from source */
export function systemCodec(clock: Clock, folder: URL = programFolder()): PatchCodec {
  const workers = new Set<Worker>()
  return {
    async apply(base, patch, target) {
      return applyPatch(base, patch, target, await loadZstd(folder), breathe)
    },
    make: (base, target) => makeInThread({ base, target }, clock, folder, workers),
    stop() {
      for (const worker of workers) void worker.terminate()
    },
  }
}

/** Node's own where it can, else WebAssembly's. @throws ERR_PATCH_TOOLS */
export async function loadZstd(folder: URL = programFolder()): Promise<Zstd> {
  const native = nativeZstd()
  if (native !== null) return native
  const file = new URL('zstd.wasm', folder)
  try {
    return wasmZstd(await readFile(file))
  } catch (error) {
    throw patchesProblems.error('ERR_PATCH_TOOLS', `cannot use ${file.pathname}: ${messageOf(error)}`)
  }
}

async function makeInThread(
  job: MakeJob,
  clock: Clock,
  folder: URL,
  workers: Set<Worker>,
): Promise<Uint8Array> {
  const worker = new Worker(new URL('patch.mjs', folder), {
    workerData: job,
    env: {},
    stdout: true,
    resourceLimits: { maxOldGenerationSizeMb: 64 },
  })
  workers.add(worker)
  // A node that stops does not wait for a hint.
  worker.unref()
  const failure = (what: string, cause?: unknown): Error =>
    patchesProblems.error('ERR_PATCH_MAKING', `a patch of ${job.target.length} bytes was not made: ${what}`, {
      cause,
    })
  let giveUp!: (error: Error) => void
  const made = new Promise<Uint8Array>((resolve, reject) => {
    giveUp = reject
    worker.on('message', (patch: Uint8Array) => resolve(patch))
    worker.on('error', (error) => reject(failure(messageOf(error), error)))
    worker.on('exit', () => reject(failure('its thread ended')))
  })
  const cancel = clock.after(patchLimits.makeMs, () =>
    giveUp(failure(`it took longer than ${patchLimits.makeMs} ms`)),
  )
  try {
    return await made
  } finally {
    cancel()
    workers.delete(worker)
    await worker.terminate()
  }
}

function breathe(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

function programFolder(): URL {
  return new URL(import.meta.url.endsWith('.ts') ? '../../dist/' : './', import.meta.url)
}
