/** Finds out, once at the start, what this node can give to apps. The one place of the folder that looks around. */
import { endianness, totalmem } from 'node:os'
import { most32BitPages, wordBitsOf } from '../../core/index.ts'
import { addressableBytes, tierOf, type Capabilities } from './capabilities.ts'

export interface Measured {
  /** As the engine's probe names them. */
  readonly features: readonly string[]
  /** Of these, what the node's owner does not want to be used. */
  readonly without?: readonly string[] | undefined
  /** What the machine, or the control group around the node, has, bytes. */
  readonly memoryBytes?: number | undefined
  /** The most linear memory that one app may have, bytes; all that there is where nobody said. */
  readonly appMemoryBytes?: number | undefined
  /** What all components may take of the disk, bytes; Infinity for no bound. */
  readonly componentBytes?: number | undefined
}

/** What the engine lets a memory grow to there. */
const most32BitBytes = most32BitPages * 64 * 1024

export function measureCapabilities({
  features: probed,
  without = [],
  memoryBytes = totalmem(),
  appMemoryBytes = memoryBytes,
  componentBytes = Infinity,
}: Measured): Capabilities {
  const { arch, platform, versions } = process
  const features = withoutFeatures(probed, without)
  const bits = wordBitsOf(arch)
  return {
    arch,
    platform,
    features,
    machine: {
      bits,
      endianness: endianness() === 'BE' ? 'big' : 'little',
      tier: tierOf(versions.node, arch, features),
      memoryBytes,
      appMemoryBytes: Math.min(appMemoryBytes, bits === 32 ? most32BitBytes : addressableBytes),
      ...(Number.isFinite(componentBytes) && { componentBytes }),
    },
  }
}

/** WASI 0.3 cannot be had without that by which a guest is suspended. */
export function withoutFeatures(features: readonly string[], without: readonly string[]): string[] {
  const gone = new Set(without.includes('jspi') ? [...without, 'component-model-async'] : without)
  return features.filter((feature) => !gone.has(feature)).sort()
}
