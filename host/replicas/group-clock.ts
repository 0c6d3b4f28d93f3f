/**
 * What time it is in a group, as far as that can be known: the median of the clocks of those that were heard. With an even
 * number the earlier of the two in the middle, as a clock that is ahead does more harm than one that is behind.
 */
import type { Clock } from '../../core/index.ts'
import { mostAheadMs, unsetBeforeMs, type GroupTime } from '../storage/index.ts'

export class GroupClock {
  readonly #clock: Clock
  /** By how much each one's wall clock is ahead of our monotonic one. */
  readonly #offsets = new Map<string, number>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** The node's own, or 0 where it is not set. */
  get wallMs(): number {
    const now = this.#clock.now()
    return now < unsetBeforeMs ? 0 : Math.floor(now)
  }

  /** @param wallMs 0 where its clock is not set */
  heard(node: string, wallMs: number): void {
    if (wallMs < unsetBeforeMs) this.#offsets.delete(node)
    else this.#offsets.set(node, wallMs - this.#clock.monotonicMs())
  }

  /** Only these are members. */
  retain(nodes: ReadonlySet<string>): void {
    for (const node of this.#offsets.keys()) if (!nodes.has(node)) this.#offsets.delete(node)
  }

  time(): GroupTime {
    const { wallMs } = this
    const median = this.#median(wallMs)
    return { wallMs, latestMs: median === null ? Infinity : median + mostAheadMs }
  }

  /** By how much the node's own clock is ahead of the group's, ms; 0 where it is not set. */
  aheadMs(): number {
    const { wallMs } = this
    return wallMs === 0 ? 0 : wallMs - (this.#median(wallMs) ?? wallMs)
  }

  #median(wallMs: number): number | null {
    const nowMs = this.#clock.monotonicMs()
    const offsets = [...this.#offsets.values(), ...(wallMs === 0 ? [] : [wallMs - nowMs])]
    offsets.sort((one, other) => one - other)
    const middle = offsets[Math.ceil(offsets.length / 2) - 1]
    return middle === undefined ? null : nowMs + middle
  }
}
