/** Entries in memory: for `selvedge run`, for tests, and for the simulator, which cuts the power between two transactions. */
import { dotsOf } from './entry.ts'
import { comparePositions, sizeOfRow, type EntryRow, type EntryRows, type RowTotals } from './entry-rows.ts'
import type { Position } from './batch.ts'

type Row = EntryRow & { readonly position: Position }

/** What would be on a disk. */
export interface MapEntriesState {
  readonly rows: Map<string, Row>
  readonly vectors: Map<string, number>
  readonly facts: Map<string, string>
  lastId: number
}

export class MapEntryRows implements EntryRows {
  readonly #state: MapEntriesState
  #undo: (() => void)[] | null = null

  constructor(state: MapEntriesState = { rows: new Map(), vectors: new Map(), facts: new Map(), lastId: 0 }) {
    this.#state = state
  }

  find(bucket: string, key: string): EntryRow | undefined {
    return this.#state.rows.get(nameOf([bucket, key]))
  }

  write(bucket: string, key: string, row: Omit<EntryRow, 'id'>): void {
    const name = nameOf([bucket, key])
    const id = this.#state.rows.get(name)?.id ?? (this.#state.lastId += 1)
    this.#set(this.#state.rows, name, { ...row, id, position: [bucket, key] })
  }

  remove(bucket: string, key: string): void {
    this.#set(this.#state.rows, nameOf([bucket, key]), undefined)
  }

  page(bucket: string, afterId: number, count: number): { id: number; key: string }[] {
    return this.#sorted((one, other) => one.id - other.id)
      .filter(({ id, position, valueBytes }) => id > afterId && position[0] === bucket && valueBytes !== null)
      .slice(0, count)
      .map(({ id, position }) => ({ id, key: position[1] }))
  }

  changed(bucket: string, after: number, count: number): { key: string; version: number; isSet: boolean }[] {
    return this.#sorted((one, other) => one.version - other.version)
      .filter(({ position, version }) => position[0] === bucket && version > after)
      .slice(0, count)
      .map(({ position, version, valueBytes }) => ({ key: position[1], version, isSet: valueBytes !== null }))
  }

  writesAfter(replica: string, counter: number, count: number): [string, string, number][] {
    return [...this.#state.rows.values()]
      .flatMap(({ entry, position }) =>
        dotsOf(entry)
          .filter((dot) => dot.replica === replica && dot.counter > counter)
          .map((dot): [string, string, number] => [...position, dot.counter]),
      )
      .sort(([, , one], [, , other]) => one - other)
      .slice(0, count)
  }

  range(after: Position | null, count: number): Position[] {
    return this.#sorted((one, other) => comparePositions(one.position, other.position))
      .map(({ position }) => position)
      .filter((position) => after === null || comparePositions(position, after) > 0)
      .slice(0, count)
  }

  dead(afterId: number, count: number): [string, string, number][] {
    return this.#sorted((one, other) => one.id - other.id)
      .filter(({ id, valueBytes }) => id > afterId && valueBytes === null)
      .slice(0, count)
      .map(({ id, position }) => [...position, id])
  }

  totals(): RowTotals {
    let [keys, bytes, dead] = [0, 0, 0]
    for (const row of this.#state.rows.values()) {
      keys += row.valueBytes === null ? 0 : 1
      dead += row.valueBytes === null ? 1 : 0
      bytes += sizeOfRow(row.position[1], row)
    }
    return { keys, bytes, dead }
  }

  vector(name: 'known' | 'collected'): Map<string, number> {
    const entries = [...this.#state.vectors].filter(([key]) => key.startsWith(`${name} `))
    return new Map(entries.map(([key, counter]) => [key.slice(name.length + 1), counter]))
  }

  setVector(name: 'known' | 'collected', replica: string, counter: number): void {
    this.#set(this.#state.vectors, `${name} ${replica}`, counter)
  }

  fact(name: string): string | null {
    return this.#state.facts.get(name) ?? null
  }

  setFact(name: string, value: string): void {
    this.#set(this.#state.facts, name, value)
  }

  transaction<Result>(run: () => Result): Result {
    const undo: (() => void)[] = []
    this.#undo = undo
    try {
      return run()
    } catch (error) {
      for (const step of undo.reverse()) step()
      throw error
    } finally {
      this.#undo = null
    }
  }

  flush(): void {}

  close(): void {}

  #set<Value>(map: Map<string, Value>, name: string, value: Value | undefined): void {
    const before = map.get(name)
    const put = (next: Value | undefined): unknown =>
      next === undefined ? map.delete(name) : map.set(name, next)
    this.#undo?.push(() => put(before))
    put(value)
  }

  #sorted(order: (one: Row, other: Row) => number): Row[] {
    return [...this.#state.rows.values()].sort(order)
  }
}

function nameOf(position: Position): string {
  return JSON.stringify(position)
}
