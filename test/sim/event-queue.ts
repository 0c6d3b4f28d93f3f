/** What happens next: a binary heap of numbered moments, for simulations of many millions of events. */
export class EventQueue<Item> {
  readonly #times: number[] = []
  readonly #orders: number[] = []
  readonly #items: Item[] = []
  #order = 0

  get size(): number {
    return this.#items.length
  }

  /** The earliest moment; Infinity where there is none. */
  get nextMs(): number {
    return this.#times[0] ?? Infinity
  }

  push(atMs: number, item: Item): void {
    const [times, orders, items] = [this.#times, this.#orders, this.#items]
    const order = this.#order++
    let at = items.length
    items.push(item)
    times.push(atMs)
    orders.push(order)
    while (at > 0) {
      const parent = (at - 1) >> 1
      const parentMs = times[parent] as number
      // Later pushed comes later among equals, so it never passes one of the same time.
      if (parentMs <= atMs) break
      this.#move(parent, at)
      at = parent
    }
    times[at] = atMs
    orders[at] = order
    items[at] = item
  }

  /** The earliest of all, in the order of pushing where equal. */
  pop(): Item | undefined {
    const [times, orders, items] = [this.#times, this.#orders, this.#items]
    const first = items[0]
    const lastItem = items.pop()
    const lastMs = times.pop() as number
    const lastOrder = orders.pop() as number
    const size = items.length
    if (size === 0 || lastItem === undefined) return first
    let at = 0
    for (;;) {
      let child = at * 2 + 1
      if (child >= size) break
      if (child + 1 < size && this.#isBefore(child + 1, times[child] as number, orders[child] as number))
        child++
      if (!this.#isBefore(child, lastMs, lastOrder)) break
      this.#move(child, at)
      at = child
    }
    times[at] = lastMs
    orders[at] = lastOrder
    items[at] = lastItem
    return first
  }

  #isBefore(at: number, ms: number, order: number): boolean {
    const own = this.#times[at] as number
    return own < ms || (own === ms && (this.#orders[at] as number) < order)
  }

  #move(from: number, to: number): void {
    this.#times[to] = this.#times[from] as number
    this.#orders[to] = this.#orders[from] as number
    this.#items[to] = this.#items[from] as Item
  }
}
