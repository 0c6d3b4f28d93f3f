/** The smallest first: a binary heap of numbers with a rank each. Entries are never removed but from the top. */
export interface Ranked {
  readonly rank: number
  readonly id: number
}

export class Heap {
  readonly #entries: Ranked[] = []

  get size(): number {
    return this.#entries.length
  }

  peek(): Ranked | null {
    return this.#entries[0] ?? null
  }

  push(entry: Ranked): void {
    const entries = this.#entries
    let at = entries.push(entry) - 1
    while (at > 0) {
      const above = (at - 1) >> 1
      const parent = entries[above] as Ranked
      if (!isBefore(entry, parent)) break
      entries[at] = parent
      at = above
    }
    entries[at] = entry
  }

  pop(): Ranked | null {
    const entries = this.#entries
    const top = entries[0]
    const last = entries.pop()
    if (top === undefined || last === undefined) return null
    if (entries.length > 0) this.#sink(last)
    return top
  }

  /** The last entry takes the place of the top, and goes down to where it belongs. */
  #sink(entry: Ranked): void {
    const entries = this.#entries
    let at = 0
    for (;;) {
      let below = 2 * at + 1
      const left = entries[below]
      if (left === undefined) break
      const right = entries[below + 1]
      if (right !== undefined && isBefore(right, left)) below += 1
      const child = entries[below] as Ranked
      if (!isBefore(child, entry)) break
      entries[at] = child
      at = below
    }
    entries[at] = entry
  }
}

function isBefore(a: Ranked, b: Ranked): boolean {
  return a.rank < b.rank || (a.rank === b.rank && a.id < b.id)
}
