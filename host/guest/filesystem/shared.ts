/** Something that several hold, and that ends when the last one lets go: a stream of a file outlives its descriptor. */
export class Shared {
  readonly #end: () => void
  #users = 1

  /** @param end called once, when nobody holds it any more. The one who makes it holds it. */
  constructor(end: () => void) {
    this.#end = end
  }

  /** @returns what lets go, once */
  retain(): () => void {
    this.#users += 1
    return this.owner()
  }

  /** Of the one who made it. @returns what lets go, once */
  owner(): () => void {
    let holds = true
    return () => {
      if (!holds) return
      holds = false
      this.#users -= 1
      if (this.#users === 0) this.#end()
    }
  }
}
