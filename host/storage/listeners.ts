/** Who is told of changes. */
import type { Cancel } from '../../core/index.ts'

export class Listeners<Change> {
  readonly #listeners = new Set<{ readonly hear: (change: Change) => void }>()

  get isEmpty(): boolean {
    return this.#listeners.size === 0
  }

  add(hear: (change: Change) => void): Cancel {
    const listener = { hear }
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  tell(changes: readonly Change[]): void {
    for (const change of changes) for (const { hear } of this.#listeners) hear(change)
  }
}
