/** The verdicts as they were last told, so that a change of one is told once. */
import type { NodeId } from '../identity/index.ts'
import type { Context } from './context.ts'
import type { Verdict } from './events.ts'
import { verdictOf } from './words.ts'

interface Known {
  readonly verdict: Verdict
  readonly sinceMs: number
}

export class Verdicts {
  readonly #context: Context
  readonly #startedMs: number
  /** Of members whose verdict was ever another than the first. */
  readonly #known = new Map<NodeId, Known>()
  #selfVerdict: Verdict = 'alive'
  #selfSinceMs: number

  constructor(context: Context, nowMs: number) {
    this.#context = context
    this.#startedMs = nowMs
    this.#selfSinceMs = nowMs
  }

  /** Since when a verdict has stood: monotonic ms. */
  sinceMs(node: NodeId): number {
    if (node === this.#context.self) return this.#selfSinceMs
    return this.#known.get(node)?.sinceMs ?? this.#startedMs
  }

  /** Forgets those that are no members any more. */
  keep(isMember: (node: NodeId) => boolean): void {
    for (const node of this.#known.keys()) if (!isMember(node)) this.#known.delete(node)
  }

  tell(nowMs: number): void {
    const { view, touched, outbox } = this.#context
    const self: Verdict = this.#context.isIsolated ? 'isolated' : 'alive'
    if (self !== this.#selfVerdict) {
      outbox.add({ type: 'verdict', node: view.self, from: this.#selfVerdict, to: self })
      this.#selfVerdict = self
      this.#selfSinceMs = nowMs
    }
    for (const node of touched) {
      if (node === view.self || !view.rings.has(node)) continue
      const verdict = verdictOf(this.#context, node, nowMs)
      const before = this.#known.get(node)?.verdict ?? 'alive'
      if (verdict === before) continue
      this.#known.set(node, { verdict, sinceMs: nowMs })
      outbox.add({ type: 'verdict', node, from: before, to: verdict })
    }
    touched.clear()
  }
}
