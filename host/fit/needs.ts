/** What a release may ask of a machine in words: `arch:arm64`, `bits:64`, `memory:64MiB`. */
import { isSelvedgeError, wordBitsOf } from '../../core/index.ts'
import { parseSize } from '../toml/index.ts'
import { endiannessOf, type Capabilities } from './capabilities.ts'

export const machineNeeds = ['arch', 'platform', 'feature', 'bits', 'endian', 'memory'] as const
export type MachineNeed = (typeof machineNeeds)[number]

/** False for a value that nobody can mean: `bits:12`. */
export function isMachineNeed(kind: MachineNeed, value: string): boolean {
  switch (kind) {
    case 'bits':
      return value === '32' || value === '64'
    case 'endian':
      return value === 'little' || value === 'big'
    case 'memory':
      return sizeOf(value) !== null
    default:
      return value !== ''
  }
}

/** A node that does not say how much memory it has is believed to have enough: it refuses what it cannot start. */
export function meetsNeed(
  kind: MachineNeed,
  value: string,
  { arch, platform, features, machine = {} }: Capabilities,
): boolean {
  switch (kind) {
    case 'arch':
      return arch === value
    case 'platform':
      return platform === value
    case 'feature':
      return features.includes(value)
    case 'bits':
      return (machine.bits ?? wordBitsOf(arch)) >= Number(value)
    case 'endian':
      return (machine.endianness ?? endiannessOf(arch)) === value
    case 'memory':
      return (machine.appMemoryBytes ?? Infinity) >= (sizeOf(value) ?? Infinity)
  }
}

function sizeOf(text: string): number | null {
  try {
    return parseSize(text)
  } catch (error) {
    if (isSelvedgeError(error)) return null
    throw error
  }
}
