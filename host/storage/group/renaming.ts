/**
 * When somebody claims to know writes that a replica has not made: what it wrote is said again by another name. Whoever
 * believes the claim would take the writes of the old name for overwritten, and drop what was acknowledged.
 */
import type { Batch } from './batch.ts'
import { dotsOf, inOrder, seenSum, type Entry, type Tally } from './entry.ts'

export type Claim = Pick<Batch, 'vector' | 'entries' | 'kind'>

/** The highest number of a replica's writes that a batch claims to know, or has. */
export function claimed({ vector, entries, kind }: Claim, replica: string): number {
  let most = vector.get(replica) ?? 0
  if (kind.type === 'fresh' && kind.replica === replica) most = Math.max(most, kind.to)
  for (const { entry } of entries) {
    most = Math.max(most, entry.context.get(replica) ?? 0)
    for (const dot of dotsOf(entry)) if (dot.replica === replica) most = Math.max(most, dot.counter)
  }
  return most
}

/** @param name of the next write of the new name */
export function renamed(
  entry: Entry,
  replica: string,
  name: () => { readonly replica: string; readonly counter: number },
): Entry {
  const { siblings, tallies, context } = entry
  return {
    siblings: inOrder(siblings.map((one) => (one.replica === replica ? { ...one, ...name() } : one))),
    tallies: inOrder(
      tallies.flatMap((tally): Tally[] => {
        if (tally.replica !== replica) return [tally]
        // A sum that a write has seen is in its value, and the write knows it by the old name alone.
        const sum = tally.sum - seenSum(entry, tally)
        if (sum === 0n && entry.siblings.length > 0) return []
        const next = name()
        return [{ ...next, life: next.counter, sum }]
      }),
    ),
    context,
  }
}
