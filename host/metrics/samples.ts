/** Samples from the shapes in which counts are kept. */
import type { Sample } from './contract.ts'

/** One sample for each entry of a table of counts. */
export function byName(counts: Readonly<Record<string, number>>, label: string): Sample[] {
  return Object.entries(counts).map(([name, value]) => ({ labels: { [label]: name }, value }))
}

/** How often each name occurs; those of `known` also where they do not. */
export function countEach(names: readonly string[], label: string, known: readonly string[] = []): Sample[] {
  const counts = new Map(known.map((name) => [name, 0]))
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1)
  return byName(Object.fromEntries(counts), label)
}
