/** Bodies kept in memory, so that what is handled soon is not read again. Bounded: what does not fit is read when it is wanted. */

const maxBytes = 1_048_576

export class BodyCache {
  readonly #bodies = new Map<number, Uint8Array>()
  #bytes = 0

  get(id: number): Uint8Array | undefined {
    return this.#bodies.get(id)
  }

  /** A copy: whoever put it may write into its own again. */
  add(id: number, body: Uint8Array): void {
    if (this.#bytes + body.length > maxBytes) return
    this.#bodies.set(id, new Uint8Array(body))
    this.#bytes += body.length
  }

  drop(id: number): void {
    this.#bytes -= this.#bodies.get(id)?.length ?? 0
    this.#bodies.delete(id)
  }
}
