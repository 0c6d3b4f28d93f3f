/** Which life of a node is meant: boots are counted on its disk, refutations within one boot. Only the node itself raises either. */
export interface Incarnation {
  readonly boot: number
  readonly number: number
}

/** Of a node that has not said anything here yet. */
export const unheardOf: Incarnation = { boot: 0, number: 0 }

/** Above 0 where `a` is the later one. */
export function compareIncarnations(a: Incarnation, b: Incarnation): number {
  return a.boot - b.boot || a.number - b.number
}
