/**
 * Whether this node is cut off: what it reaches, against the members that it counts on. A part that reaches half of them
 * or less changes nobody's state; when that ends, whatever was counted before counts no more.
 */
import type { NodeId } from '../identity/index.ts'
import type { Context } from './context.ts'
import type { Exchange } from './exchange.ts'
import type { Prober } from './prober.ts'
import { differing, type Reach } from './reach.ts'

/** It is looked at so often at the most. */
const weighMs = 100

export class Standing {
  readonly #context: Context
  readonly #prober: Prober
  readonly #exchange: Exchange
  #weighedMs = -Infinity
  /** Who was in doubt when it was last looked at. */
  #doubted: readonly NodeId[] = []

  constructor(context: Context, prober: Prober, exchange: Exchange) {
    this.#context = context
    this.#prober = prober
    this.#exchange = exchange
  }

  /** Something has changed that it depends on. */
  review(): void {
    this.#weighedMs = -Infinity
  }

  tick(nowMs: number): void {
    const context = this.#context
    const { view, isNetworkOn } = context
    if (nowMs - this.#weighedMs < (view.isWhole ? weighMs : 3 * weighMs)) return
    this.#weighedMs = nowMs
    this.#missNeighbours(nowMs)
    // Whose agreement counts changes with time alone.
    const isAll = view.isWhole || view.gone.size > 0 || context.isIsolated || this.#doubtsItself()
    for (const [node, file] of view.doubted) {
      const isExpired = !context.isIsolated && file.expire(nowMs - context.options.expireMs)
      if (isAll || isExpired || file.isCalledDead || this.#mayDiffer(node)) context.touched.add(node)
    }
    this.#doubted = [...view.doubted.keys()]
    const counted = view.rings.size - view.gone.size
    const before = context.reached
    context.reached = view.reached(nowMs)
    const reached = context.reached?.size ?? counted
    const isIsolated = !isNetworkOn || (counted > 1 && reached * 2 <= counted)
    if (before !== null || context.reached !== null) this.#touchUnreached(before)
    if (isIsolated === context.isIsolated) return this.#exchange.tellMissing(nowMs)
    context.isIsolated = isIsolated
    this.#exchange.tellMissing(nowMs)
    // A majority is in view again: whatever was counted before counts no more.
    if (isIsolated) return
    for (const file of view.doubted.values()) if (file.doubts(view.self)) file.forget(view.self)
    this.#prober.refresh(nowMs)
  }

  #doubtsItself(): boolean {
    for (const { doubt } of this.#prober.hot) if (doubt !== null) return true
    return false
  }

  /** Whether others come to count as its watchers, or count no longer: those in doubt do not, after a while. */
  #mayDiffer(node: NodeId): boolean {
    const { view } = this.#context
    if (view.links.has(node)) return true
    return view.watchers(node).some((watcher) => view.doubted.has(watcher) || this.#doubted.includes(watcher))
  }

  /** Neighbours that were never reached, or not since they hung up with a word. */
  #missNeighbours(nowMs: number): void {
    const { view, options, isIsolated } = this.#context
    for (const node of view.neighbours) {
      const link = view.links.get(node)
      if (link === undefined || link.isUp || link.doubt !== null) continue
      // Who became a neighbour because others are gone, and is doubted by those who watched it before, has not only yet
      // to be met: without this node's vote theirs may be too few from now on.
      const isDoubted = (view.cases.get(node)?.doubtedMs ?? null) !== null
      if (isIsolated) link.wantedMs = nowMs
      else if (nowMs - link.wantedMs >= (isDoubted ? options.shareMs : options.firstContactMs)) {
        this.#prober.doubt(link, 'unreachable', isDoubted ? link.wantedMs : nowMs, nowMs)
      }
    }
  }

  #touchUnreached(before: Reach | null): void {
    const { reached, touched } = this.#context
    for (const node of differing(before, reached)) touched.add(node)
  }
}
