/** How far each member of a group is known to be, and with that which deletions can be forgotten. */
import { common, isAtLeast, joined, type Stable, type Vector } from '../storage/index.ts'

/**
 * A member that was not heard of for so long does not hold deletions back any more: it is sent all keys when it returns,
 * and loses nothing that it has written.
 */
export const forgottenAfterMs = 7 * 86_400_000

interface Member {
  vector: Vector | null
  heardAtMs: number
}

export class Heard {
  readonly #members = new Map<string, Member>()

  /** Only these are members, this node not among them. */
  retain(nodes: ReadonlySet<string>, nowMs: number): void {
    for (const node of this.#members.keys()) if (!nodes.has(node)) this.#members.delete(node)
    for (const node of nodes) {
      if (!this.#members.has(node)) this.#members.set(node, { vector: null, heardAtMs: nowMs })
    }
  }

  /** It is, or was said to be, at least so far. */
  heard(node: string, vector: Vector, nowMs: number): void {
    const member = this.#members.get(node)
    if (member === undefined) return
    member.vector = joined(member.vector ?? new Map(), vector)
    member.heardAtMs = nowMs
  }

  rows(): readonly (readonly [string, Vector])[] {
    return [...this.#members].flatMap(([node, { vector }]): [string, Vector][] =>
      vector === null ? [] : [[node, vector]],
    )
  }

  /** null where somebody that counts was never heard of. @param own what is known here */
  stable(own: Vector, nowMs: number): Stable | null {
    const members = [...this.#members.values()]
    const present = members.filter(({ heardAtMs }) => nowMs - heardAtMs < forgottenAfterMs)
    const rows = present.map(({ vector }) => vector)
    if (rows.includes(null)) return null
    const stable = common([own, ...rows.filter((row) => row !== null)])
    const isWhole =
      present.length === members.length &&
      members.every(({ vector }) => vector !== null && isAtLeast(own, vector))
    return { stable, everywhere: isWhole ? stable : new Map() }
  }
}
