/**
 * Version vectors: how far somebody knows the writes of each replica.
 *
 * A replica is one life of a store on one node, `NODE/HEX`: the second half is drawn anew each time the store is opened
 * and written to, so that a disk that was restored to an older state never names two writes alike.
 */

/** Counters by replica; each replica numbers its writes from 1. */
export type Vector = ReadonlyMap<string, number>

export const noVector: Vector = new Map()

/** The node whose life a replica is. */
export function ownerOf(replica: string): string {
  return replica.slice(0, replica.indexOf('/'))
}

/** Whether the write is among those that the vector counts. */
export function covers(vector: Vector, replica: string, counter: number): boolean {
  return (vector.get(replica) ?? 0) >= counter
}

/** Whether `one` knows all that `other` knows. */
export function isAtLeast(one: Vector, other: Vector): boolean {
  for (const [replica, counter] of other) if (!covers(one, replica, counter)) return false
  return true
}

/** What either knows. */
export function joined(one: Vector, other: Vector): Map<string, number> {
  const both = new Map(one)
  for (const [replica, counter] of other) if (!covers(both, replica, counter)) both.set(replica, counter)
  return both
}

/** What all of them know. */
export function common(vectors: readonly Vector[]): Map<string, number> {
  const [first = noVector, ...rest] = vectors
  const least = new Map<string, number>()
  for (const [replica, counter] of first) {
    const known = Math.min(counter, ...rest.map((vector) => vector.get(replica) ?? 0))
    if (known > 0) least.set(replica, known)
  }
  return least
}

/** The entries of `one` that `other` does not know. */
export function beyond(one: Vector, other: Vector): Map<string, number> {
  return new Map([...one].filter(([replica, counter]) => !covers(other, replica, counter)))
}
