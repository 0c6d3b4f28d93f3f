/**
 * How often this node took places of others, so that a node that comes and goes does not move an app each time: from the
 * third time within the window each further one waits twice as long as the one before.
 */
const windowMs = 600_000
const freeHandOvers = 2
const maxFactor = 16

export class HandOvers {
  readonly #times = new Map<string, Map<string, number[]>>()

  /** From when it may take the place; now or earlier where it has not done so of late. Monotonic ms. */
  due(app: string, place: string, replaceAfterMs: number, nowMs: number): number {
    const times = this.#recent(app, place, nowMs)
    const last = times.at(-1)
    if (last === undefined || times.length < freeHandOvers) return nowMs
    const factor = Math.min(maxFactor, 2 ** (times.length - freeHandOvers + 1))
    return last + replaceAfterMs * factor
  }

  took(app: string, place: string, nowMs: number): void {
    const places = this.#times.get(app) ?? new Map<string, number[]>()
    places.set(place, [...this.#recent(app, place, nowMs), nowMs])
    this.#times.set(app, places)
  }

  /** Forgets apps that are gone, and what is long ago. */
  keep(apps: ReadonlySet<string>, nowMs: number): void {
    for (const [app, places] of this.#times) {
      for (const place of places.keys())
        if (this.#recent(app, place, nowMs).length === 0) places.delete(place)
      if (!apps.has(app) || places.size === 0) this.#times.delete(app)
    }
  }

  #recent(app: string, place: string, nowMs: number): number[] {
    return (this.#times.get(app)?.get(place) ?? []).filter((time) => nowMs - time < windowMs)
  }
}
