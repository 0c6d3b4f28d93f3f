/** How verdicts changed since this node started: what happened tonight is asked in the morning, when all is well again. */
import type { Cancel, Clock, Part } from '../../core/index.ts'
import type { Mesh } from '../../mesh/index.ts'
import type { VerdictStep } from '../api/index.ts'

/** Kept for each member; the oldest go. */
const maxSteps = 16

export interface VerdictHistoryParts {
  readonly mesh: Pick<Mesh, 'opinion' | 'onVerdict' | 'onChange'>
  readonly clock: Clock
}

export class VerdictHistory implements Part {
  readonly name = 'verdict history'
  readonly #parts: VerdictHistoryParts
  readonly #steps = new Map<string, VerdictStep[]>()
  #cancels: Cancel[] = []

  constructor(parts: VerdictHistoryParts) {
    this.#parts = parts
  }

  start(): void {
    if (this.#cancels.length > 0) return
    const { mesh, clock } = this.#parts
    this.#cancels = [
      mesh.onVerdict(({ node, from, to }) => {
        const opinion = mesh.opinion(node)
        const boot = opinion?.grounds?.word?.boot ?? null
        const steps = this.#steps.get(node) ?? []
        steps.push({ at: clock.now(), from, to, why: opinion?.why ?? '', boot })
        this.#steps.set(node, steps.slice(-maxSteps))
      }),
      mesh.onChange(() => {
        for (const node of this.#steps.keys()) if (mesh.opinion(node) === null) this.#steps.delete(node)
      }),
    ]
  }

  stop(): void {
    for (const cancel of this.#cancels.splice(0)) cancel()
  }

  /** Oldest first. */
  of(node: string): readonly VerdictStep[] {
    return this.#steps.get(node) ?? []
  }
}
