/** Items with a key, each key a line: only the first of a line may go, and only while none of it is away. */

interface Line {
  /** Ascending. */
  readonly ids: number[]
  takenId: number | null
}

export interface Standing {
  readonly id: number
  readonly lane: string
  readonly key: string | null
}

export class Lines {
  readonly #lines = new Map<string, Line>()

  join(item: Standing): void {
    if (item.key === null) return
    const line = this.#of(item)
    if (line === undefined) this.#lines.set(nameOf(item), { ids: [item.id], takenId: null })
    else insert(line.ids, item.id)
  }

  /** One that was replayed may stand before one that is away. */
  isNext(item: Standing): boolean {
    const line = this.#of(item)
    return item.key === null || (line?.ids[0] === item.id && line.takenId === null)
  }

  took(item: Standing): void {
    const line = this.#of(item)
    if (line !== undefined) line.takenId = item.id
  }

  /** It is back in its place. @returns who is next now */
  cameBack(item: Standing): number | null {
    const line = this.#of(item)
    if (line === undefined) return item.id
    line.takenId = null
    return line.ids[0] ?? null
  }

  /** @returns who is next now; null where nobody is, or another one is away */
  left(item: Standing): number | null {
    const line = this.#of(item)
    if (line === undefined) return null
    const at = line.ids.indexOf(item.id)
    if (at >= 0) line.ids.splice(at, 1)
    if (line.takenId === item.id) line.takenId = null
    if (line.ids.length === 0) this.#lines.delete(nameOf(item))
    return line.takenId === null ? (line.ids[0] ?? null) : null
  }

  #of(item: Standing): Line | undefined {
    return item.key === null ? undefined : this.#lines.get(nameOf(item))
  }
}

function nameOf({ lane, key }: Standing): string {
  return `${lane}\0${key}`
}

function insert(ids: number[], id: number): void {
  let at = ids.length
  while (at > 0 && (ids[at - 1] as number) > id) at -= 1
  ids.splice(at, 0, id)
}
