/**
 * The lines of several nodes as one sequence, in the order of their times as far as that can be known. Pure: events and the
 * time go in, lines come out.
 *
 * Each node's own order is kept, whatever its clock says. A node that is still reading what it has holds the others back;
 * of those that only tell what is new, a line waits a moment for an older one of another node.
 */

/** `reading`: it has more at hand; `live`: it tells what is new; `away`: nobody waits for it; `over`: nothing comes any more. */
export type SourceState = 'reading' | 'live' | 'away' | 'over'

interface Held<Line> {
  readonly line: Line
  /** By the clock of whoever reads, ms. */
  readonly time: number
  /** Monotonic ms. */
  readonly arrivedMs: number
}

interface Source<Line> {
  state: SourceState
  held: Held<Line>[]
}

export class LineMerge<Line> {
  readonly #windowMs: number
  readonly #sources = new Map<string, Source<Line>>()

  constructor(windowMs: number) {
    this.#windowMs = windowMs
  }

  /** A source that is known keeps what it has. */
  set(source: string, state: SourceState): void {
    const known = this.#sources.get(source)
    if (known === undefined) this.#sources.set(source, { state, held: [] })
    else known.state = state
  }

  push(
    source: string,
    lines: readonly { readonly line: Line; readonly time: number }[],
    nowMs: number,
  ): void {
    const known = this.#sources.get(source)
    if (known === undefined) return
    for (const { line, time } of lines) known.held.push({ line, time, arrivedMs: nowMs })
  }

  /** Lines of a source that nobody has seen yet. */
  heldOf(source: string): number {
    return this.#sources.get(source)?.held.length ?? 0
  }

  /** No source tells, or will tell, anything. */
  get isOver(): boolean {
    return [...this.#sources.values()].every(({ state, held }) => state === 'over' && held.length === 0)
  }

  /**
   * The next line; null where it has to wait for another.
   * @param nowMs monotonic
   */
  take(nowMs: number): Line | null {
    const next = this.#next()
    if (next === null || this.#waitMs(next, nowMs) > 0) return null
    next.held.shift()
    return next.first.line
  }

  /** After how long {@link take} may have something, though nothing happens: Infinity where something has to. */
  waitMs(nowMs: number): number {
    const next = this.#next()
    return next === null ? Infinity : this.#waitMs(next, nowMs)
  }

  #next(): { readonly held: Held<Line>[]; readonly first: Held<Line> } | null {
    let next: { readonly held: Held<Line>[]; readonly first: Held<Line> } | null = null
    for (const { held, state } of this.#sources.values()) {
      const first = held[0]
      if (first === undefined) {
        if (state === 'reading') return null
      } else if (next === null || first.time < next.first.time) next = { held, first }
    }
    return next
  }

  #waitMs({ first }: { readonly first: Held<Line> }, nowMs: number): number {
    const mayComeBefore = [...this.#sources.values()].some(
      ({ state, held }) => state === 'live' && held.length === 0,
    )
    return mayComeBefore ? Math.max(0, first.arrivedMs + this.#windowMs - nowMs) : 0
  }
}
