/**
 * gossipsub, as a rival of our heads: libp2p nodes of one process, over loopback that is made as slow as the wires of the
 * simulation. Nothing is fetched into the checkout: it comes from the folder that is named with `--rivals` (or
 * SELVEDGE_BENCH_RIVALS), or is installed into one of the system's temporary ones.
 */
import { execFile, spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { build } from 'esbuild'
import type { BenchContext } from '../benchmark.ts'
import type { CrowdAnswer, CrowdQuestion } from './crowd.ts'

const run = promisify(execFile)
const packages = [
  '@libp2p/gossipsub@17',
  '@libp2p/identify@4',
  '@libp2p/noise@17',
  '@libp2p/tcp@11',
  '@libp2p/yamux@8',
  '@multiformats/multiaddr@13',
  'libp2p@3',
]

/** @returns null where it is not here and cannot be installed */
export async function askGossipsub(
  { root, rivals }: BenchContext,
  question: CrowdQuestion,
): Promise<CrowdAnswer | null> {
  const folder = rivals ?? join(tmpdir(), 'selvedge-bench-rivals-gossipsub')
  const isThere = (): boolean => existsSync(join(folder, 'node_modules/@libp2p/gossipsub'))
  if (!isThere() && rivals === null) {
    const args = ['install', '--no-save', '--no-audit', '--no-fund', '--prefix', folder, ...packages]
    spawnSync('npm', args, { stdio: 'ignore', timeout: 120_000 })
  }
  if (!isThere()) return null
  const outfile = join(folder, 'crowd-gossipsub.mjs')
  await build({
    entryPoints: [join(root, 'bench/distribution/crowd-gossipsub.mjs')],
    outfile,
    bundle: true,
    platform: 'node',
    target: 'node20',
    format: 'esm',
    inject: [join(root, 'core/compat.ts')],
    // Resolved from where the program lies, which is beside them.
    packages: 'external',
    logLevel: 'warning',
  })
  const options = { timeout: 600_000, maxBuffer: 64 * 1024 * 1024 }
  const { stdout } = await run(process.execPath, [outfile, JSON.stringify(question)], options)
  return JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as CrowdAnswer
}
