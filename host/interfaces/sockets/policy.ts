/** What an app may do on the network. The grants make it; everything that reaches a network asks it first. */
import type { NetworkUse, WireAddress } from '../../guest/index.ts'

export interface NetworkPolicy {
  /** @param goal the address to be bound or reached; for `lookup` the name */
  allows(use: NetworkUse, goal: WireAddress | string): boolean
}

/** The kind of grant, and also the list under `[grants]`: `network = ["tcp-connect", "lookup"]`. */
export const networkGrantKind = 'network'

export const networkUses = [
  'tcp-connect',
  'tcp-listen',
  'udp',
  'lookup',
] as const satisfies readonly NetworkUse[]

/** A misspelt use would open nothing, and nobody would see why. */
export const networkNames = {
  canonical: (name: string): string | null => networkUses.find((use) => use === name) ?? null,
  rule: `write network:USE, USE being one of ${networkUses.join(', ')}`,
}

/** @param names as granted; one that this version does not know allows nothing */
export function networkPolicy(names: readonly string[]): NetworkPolicy {
  const granted = new Set<NetworkUse>(networkUses.filter((use) => names.includes(use)))
  return { allows: (use) => granted.has(use) }
}
