/**
 * What is wanted and asked of nobody, the most urgent first: what the fewest sources have, so that what only one peer has
 * is soon with several (Cohen, "Incentives Build Robustness in BitTorrent", 2003); among these, what this node comes first
 * for (`turns.ts`); among equals chance decides.
 */
import type { Random } from '../../core/index.ts'

export interface Ranked {
  /** Sources that have it. */
  holders: number
  /** How many of the others that fetch it come before this node. */
  turn: number
}

/** Of so many equals that a source has, one is drawn. */
const drawnFrom = 8
/** Turns that are told apart. */
const turns = 16

export class Rarity<Item extends Ranked> {
  readonly #random: Random
  readonly #ranks: (Set<Item> | undefined)[] = []
  #size = 0

  constructor(random: Random) {
    this.#random = random
  }

  get size(): number {
    return this.#size
  }

  add(item: Item): void {
    const rank = this.#rankOf(item)
    if (rank.has(item)) return
    rank.add(item)
    this.#size++
  }

  delete(item: Item): void {
    if (this.#rankOf(item).delete(item)) this.#size--
  }

  /** Changes what the item is ranked by. */
  change(item: Item, { holders = item.holders, turn = item.turn }: Partial<Ranked>): void {
    const isOpen = this.#rankOf(item).delete(item)
    item.holders = holders
    item.turn = turn
    if (isOpen) this.#rankOf(item).add(item)
  }

  /** @returns one of the most urgent that fit, or null */
  pick(fits: (item: Item) => boolean): Item | null {
    for (const rank of this.#ranks) {
      if (rank === undefined || rank.size === 0) continue
      const found: Item[] = []
      for (const item of rank) {
        if (!fits(item)) continue
        found.push(item)
        if (found.length === drawnFrom) break
      }
      if (found.length > 0) return found[Math.floor(this.#random.fraction() * found.length)] ?? null
    }
    return null
  }

  #rankOf({ holders, turn }: Item): Set<Item> {
    return (this.#ranks[holders * turns + Math.min(turn, turns - 1)] ??= new Set())
  }
}

export function shuffled<T>(items: readonly T[], random: Random): T[] {
  const result = [...items]
  for (let at = result.length - 1; at > 0; at--) {
    const other = Math.floor(random.fraction() * (at + 1))
    const [a, b] = [result[at], result[other]]
    if (a !== undefined && b !== undefined) [result[at], result[other]] = [b, a]
  }
  return result
}
