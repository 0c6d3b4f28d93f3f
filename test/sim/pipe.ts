/** One end's line to the network: so many bytes per second, for which flows take turns piece by piece. */
import type { Clock } from '../../core/index.ts'

interface Piece {
  readonly sizeBytes: number
  readonly passed: () => void
}

export class Pipe {
  readonly #clock: Clock
  readonly bytesPerSecond: number
  /** Insertion order is the order of turns. */
  readonly #flows = new Map<object, Piece[]>()
  #isBusy = false

  /** @param bytesPerSecond Infinity for a line that is never the narrow place */
  constructor(clock: Clock, bytesPerSecond: number) {
    this.#clock = clock
    this.bytesPerSecond = bytesPerSecond
  }

  /** Calls `passed` when the piece is through; at once where the line is wide. Pieces of one flow stay in order. */
  push(flow: object, sizeBytes: number, passed: () => void): void {
    if (this.bytesPerSecond === Number.POSITIVE_INFINITY) return passed()
    const pieces = this.#flows.get(flow)
    if (pieces === undefined) this.#flows.set(flow, [{ sizeBytes, passed }])
    else pieces.push({ sizeBytes, passed })
    if (!this.#isBusy) this.#next()
  }

  #next(): void {
    const [turn] = this.#flows
    this.#isBusy = turn !== undefined
    if (turn === undefined) return
    const [flow, pieces] = turn
    const piece = pieces.shift() as Piece
    // To the back of the line, or out of it.
    this.#flows.delete(flow)
    if (pieces.length > 0) this.#flows.set(flow, pieces)
    this.#clock.after((piece.sizeBytes / this.bytesPerSecond) * 1_000, () => {
      piece.passed()
      this.#next()
    })
  }
}
