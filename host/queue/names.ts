/**
 * The names that a queue remembers for deduplication, oldest first of each source. Where there are too many, the oldest go of
 * the source that has most of them: one that sends without end makes nobody forget what another sent.
 */
export class RememberedNames {
  readonly #most: number
  readonly #sourceOf: (name: string) => string | null
  readonly #names = new Map<string | null, Set<string>>()
  #size = 0

  constructor(most: number, sourceOf: (name: string) => string | null = () => null) {
    this.#most = most
    this.#sourceOf = sourceOf
  }

  has(name: string): boolean {
    return this.#names.get(this.#sourceOf(name))?.has(name) ?? false
  }

  add(name: string): void {
    const source = this.#sourceOf(name)
    const names = this.#names.get(source) ?? new Set<string>()
    this.#names.set(source, names)
    this.#size += Number(!names.has(name))
    names.add(name)
  }

  delete(name: string): void {
    const source = this.#sourceOf(name)
    const names = this.#names.get(source)
    if (names?.delete(name) !== true) return
    this.#size -= 1
    if (names.size === 0) this.#names.delete(source)
  }

  /** @returns what is forgotten, as there was too much */
  trim(): string[] {
    const forgotten: string[] = []
    while (this.#size > this.#most) {
      let largest: ReadonlySet<string> = new Set()
      for (const names of this.#names.values()) if (names.size > largest.size) largest = names
      const [oldest] = largest
      if (oldest === undefined) break
      this.delete(oldest)
      forgotten.push(oldest)
    }
    return forgotten
  }
}
