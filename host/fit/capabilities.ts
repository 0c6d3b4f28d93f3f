/**
 * What a node can give to apps, in the words of its node record: so that what is asked of this node and what every other
 * node computes of it is one and the same.
 */
import type { NodeReport } from '../../mesh/index.ts'

export type Capabilities = Pick<NodeReport, 'arch' | 'platform' | 'features' | 'machine'>

/** What WebAssembly can address, and so the most that a node says it can give an app. */
export const addressableBytes = 4 * 1024 ** 3

export type Tier = 1 | 2 | 3

const isBigEndian: ReadonlySet<string> = new Set(['mips', 'mips64', 'ppc', 's390', 's390x'])

/** @param arch as Node.js names it. For nodes that do not say */
export function endiannessOf(arch: string): 'little' | 'big' {
  return isBigEndian.has(arch) ? 'big' : 'little'
}

/** Node.js from which on a machine is of the second tier. */
const secondTier = 20

/**
 * @param nodeVersion as `process.versions.node` has it
 * @param features as the engine's probe names them
 */
export function tierOf(nodeVersion: string, arch: string, features: readonly string[]): Tier {
  const isCommon = arch === 'x64' || arch === 'arm64'
  if (isCommon && features.includes('component-model-async')) return 1
  return Number.parseInt(nodeVersion, 10) >= secondTier && features.includes('simd') ? 2 : 3
}

/** What a tier is, for people. */
export const tierText: Readonly<Record<Tier, string>> = {
  1: 'tier 1: everything',
  2: 'tier 2: everything but WASI 0.3',
  3: 'tier 3: the mesh and small components of WASI 0.2, without SIMD',
}
