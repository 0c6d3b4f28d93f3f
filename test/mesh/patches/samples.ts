/** Components that differ a little, and what packs them in this process. */
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import type { PatchCodec } from '../../../mesh/patches/index.ts'
import { applyPatch, makePatch } from '../../../mesh/patches/patch.ts'
import { wasmZstd } from '../../../mesh/patches/wasm-zstd.ts'
import { joined, sample } from '../blobs/samples.ts'

const zstdPackage = dirname(createRequire(import.meta.url).resolve('@bokuweb/zstd-wasm'))

export const zstd = wasmZstd(readFileSync(join(zstdPackage, 'zstd.wasm')))

/** Needs neither thread nor timer, so that it works in virtual time. */
export const directCodec: PatchCodec = {
  make: async (base, target) => makePatch(base, target, zstd),
  apply: (base, patch, target) => applyPatch(base, patch, target, zstd, async () => {}),
  stop: () => {},
}

/** Incompressible by itself, so whatever is small is small for what it shares. */
export const older = sample(41, 300_000)
export const newer = joined([older.subarray(0, 120_000), sample(42, 200), older.subarray(120_040)])
