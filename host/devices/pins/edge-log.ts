/** The changes of a pin's level: the last ones kept, and each told to whoever watches. For drivers of pins. */
import type { Cancel } from '../../../core/index.ts'
import { maxPinEdges, type PinEdge } from '../contract.ts'

export class EdgeLog {
  readonly #edges: PinEdge[] = []
  readonly #listeners = new Set<(edge: PinEdge) => void>()

  /** Takes a change; the caller has seen that it is one. */
  add(edge: PinEdge): void {
    this.#edges.push(edge)
    if (this.#edges.length > maxPinEdges) this.#edges.shift()
    for (const listener of this.#listeners) listener(edge)
  }

  /** Oldest first. */
  edges(): readonly PinEdge[] {
    return this.#edges.slice()
  }

  watch(listener: (edge: PinEdge) => void): Cancel {
    // Its own function, so that one who watches twice can end each by itself.
    const told = (edge: PinEdge): void => listener(edge)
    this.#listeners.add(told)
    return () => void this.#listeners.delete(told)
  }
}
