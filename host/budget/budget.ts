/**
 * The node's memory, shared out: one number goes in, a named share for each thing that takes memory comes out.
 *
 * Each share has what it cannot do without (`floor`), a part of what is left, and what it never needs more than (`cap`);
 * what the others leave is the apps'. Shares are counted in steps, so that none gets smaller when the whole gets larger.
 */

const mib = 1024 * 1024

/** One share of all that is left after the floors, in sixteenths; the apps have the rest. */
interface Rule {
  readonly floorMib: number
  readonly sixteenths: number
  readonly capMib: number
}

/**
 * - `node`: the daemon itself, with libp2p, the mesh's tables, and one connection to each neighbour: 50 to 60 MB
 *   beside the pages of Node's binary, which the kernel can drop and read again;
 * - `preparing`: the short-lived child that turns a component into what runs (one at a time), beside Node's own binary;
 * - `storage`: the threads that have the apps' stores open, with their page caches;
 * - `caches`: verified chunks and patches on their way to neighbours;
 * - `queues`: events, log lines and requests that wait in memory;
 * - `spares`: a sandbox that is started before an app asks for it.
 */
const rules = {
  node: { floorMib: 60, sixteenths: 1, capMib: 192 },
  preparing: { floorMib: 44, sixteenths: 3, capMib: 1_536 },
  storage: { floorMib: 4, sixteenths: 1, capMib: 256 },
  caches: { floorMib: 2, sixteenths: 0.5, capMib: 32 },
  queues: { floorMib: 2, sixteenths: 0.5, capMib: 64 },
  spares: { floorMib: 0, sixteenths: 1, capMib: 24 },
} as const satisfies Readonly<Record<string, Rule>>

/** The memories of the apps, and the threads or processes that they run in. One small app fits. */
const appsFloorMib = 16

export type ShareName = keyof typeof rules | 'apps'
const ruled = Object.keys(rules) as (keyof typeof rules)[]
export const shareNames: readonly ShareName[] = [...ruled, 'apps']

export interface MemoryBudget {
  readonly totalBytes: number
  /** Bytes of each share; together at most the whole. */
  readonly shares: Readonly<Record<ShareName, number>>
}

/** The least that a node can be told to live with: all floors together. */
export const smallestBudgetBytes =
  (ruled.reduce((sum, name) => sum + rules[name].floorMib, 0) + appsFloorMib) * mib

/** What a share may grow by at once. The smallest part of it, half a sixteenth, is 32 KiB. */
const stepBytes = mib

/**
 * @param totalBytes of all that the node and its apps may take; below {@link smallestBudgetBytes} it is taken for that
 */
export function shareMemory(totalBytes: number): MemoryBudget {
  const whole = Math.max(smallestBudgetBytes, Math.floor(totalBytes))
  const steps = Math.floor((whole - smallestBudgetBytes) / stepBytes)
  const shares = { apps: 0 } as Record<ShareName, number>
  let left = smallestBudgetBytes + steps * stepBytes
  for (const name of ruled) {
    const { floorMib, sixteenths, capMib } = rules[name]
    const bytes = Math.min(capMib * mib, floorMib * mib + (steps * stepBytes * sixteenths) / 16)
    shares[name] = bytes
    left -= bytes
  }
  shares.apps = left
  return { totalBytes: whole, shares }
}

/**
 * What a node takes where its owner did not say: half of what it can have, as a device runs other things as well.
 * @param limitBytes what the machine, or the control group around the node, has
 */
export function automaticBudgetBytes(limitBytes: number): number {
  return Math.max(smallestBudgetBytes, Math.floor(limitBytes / 2))
}
