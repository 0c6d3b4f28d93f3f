/** Rows in memory: for `selvedge run`, for tests, and as the model that other drivers are compared with. */
import type { StoreUsage } from './contract.ts'
import { sizeOf } from './key-value-table.ts'
import type { DatedValue, KeyVersion, RowFacts, Rows } from './rows.ts'

interface Row extends DatedValue {
  readonly id: number
}

interface Grave extends KeyVersion {
  readonly bucket: string
}

export class MapRows implements Rows {
  /** A Map keeps the order of first insertion, which is the order of ids. */
  readonly #buckets = new Map<string, Map<string, Row>>()
  /** In the order of versions. */
  #graves: readonly Grave[] = []
  readonly #notes = new Map<string, number>()
  #lastId = 0
  #undo: (() => void)[] | null = null

  find(bucket: string, key: string): RowFacts | undefined {
    const row = this.#buckets.get(bucket)?.get(key)
    return row && { valueBytes: row.value.length, version: row.version, at: row.at }
  }

  followVersions(): void {}

  read(bucket: string, key: string): DatedValue | undefined {
    const row = this.#buckets.get(bucket)?.get(key)
    return row && { value: row.value.slice(), version: row.version, at: row.at }
  }

  write(bucket: string, key: string, value: Uint8Array, version: number, at: number): void {
    const rows = this.#buckets.get(bucket) ?? new Map<string, Row>()
    this.#buckets.set(bucket, rows)
    const present = rows.get(key)
    this.#undo?.push(() => (present === undefined ? rows.delete(key) : rows.set(key, present)))
    this.#lastId += present === undefined ? 1 : 0
    rows.set(key, { id: present?.id ?? this.#lastId, value: value.slice(), version, at })
  }

  remove(bucket: string, key: string): void {
    const rows = this.#buckets.get(bucket)
    const present = rows?.get(key)
    if (rows === undefined || present === undefined) return
    this.#undo?.push(() => {
      // A Map would put it behind the others, and ids would be out of order.
      const sorted = [...rows.set(key, present)].sort(([, one], [, other]) => one.id - other.id)
      rows.clear()
      for (const [name, row] of sorted) rows.set(name, row)
    })
    rows.delete(key)
  }

  page(bucket: string, afterId: number, since: number, count: number): { id: number; key: string }[] {
    const page: { id: number; key: string }[] = []
    for (const [key, { id, at }] of this.#buckets.get(bucket) ?? []) {
      if (page.length >= count) break
      if (id > afterId && at >= since) page.push({ id, key })
    }
    return page
  }

  buckets(): string[] {
    return [...this.#buckets].filter(([, rows]) => rows.size > 0).map(([bucket]) => bucket)
  }

  oldest(bucket: string, until: number, count: number): string[] {
    return this.#byVersion(bucket)
      .slice(0, count)
      .filter(([, { at }]) => at <= until)
      .map(([key]) => key)
  }

  changed(bucket: string, after: number, count: number): KeyVersion[] {
    return this.#byVersion(bucket)
      .filter(([, { version }]) => version > after)
      .slice(0, count)
      .map(([key, { version }]) => ({ key, version }))
  }

  bury(bucket: string, key: string, version: number): void {
    const others = this.#graves.filter((grave) => grave.bucket !== bucket || grave.key !== key)
    this.#setGraves([...others, { bucket, key, version }])
  }

  buried(bucket: string, after: number, count: number): KeyVersion[] {
    return this.#graves
      .filter((grave) => grave.bucket === bucket && grave.version > after)
      .slice(0, count)
      .map(({ key, version }) => ({ key, version }))
  }

  unbury(until: number): number {
    if (until > 0) this.#setGraves(this.#graves.filter(({ version }) => version > until))
    return this.#graves.length
  }

  graveAt(count: number): number | null {
    return this.#graves[count]?.version ?? null
  }

  note(name: string): number | null {
    return this.#notes.get(name) ?? null
  }

  setNote(name: string, value: number | null): void {
    const present = this.#notes.get(name)
    this.#undo?.push(() =>
      present === undefined ? this.#notes.delete(name) : this.#notes.set(name, present),
    )
    if (value === null) this.#notes.delete(name)
    else this.#notes.set(name, value)
  }

  notes(prefix: string): Map<string, number> {
    return new Map([...this.#notes].filter(([name]) => name.startsWith(prefix)))
  }

  totals(): StoreUsage & { version: number; at: number } {
    let [keys, bytes, version, at] = [0, 0, this.#notes.get('version') ?? 0, 0]
    for (const rows of this.#buckets.values()) {
      for (const [key, row] of rows) {
        keys += 1
        bytes += sizeOf(key, row.value.length)
        version = Math.max(version, row.version)
        at = Math.max(at, row.at)
      }
    }
    return { keys, bytes, version, at }
  }

  atOnce<Result>(run: () => Result): Result {
    return this.transaction(run)
  }

  transaction<Result>(run: () => Result): Result {
    const around = this.#undo
    const undo: (() => void)[] = []
    this.#undo = undo
    try {
      const result = run()
      around?.push(...undo)
      return result
    } catch (error) {
      for (const step of undo.reverse()) step()
      throw error
    } finally {
      this.#undo = around
    }
  }

  flush(): void {}

  close(): void {
    this.#buckets.clear()
  }

  #byVersion(bucket: string): [string, Row][] {
    return [...(this.#buckets.get(bucket) ?? [])].sort(([, one], [, other]) => one.version - other.version)
  }

  #setGraves(graves: readonly Grave[]): void {
    const before = this.#graves
    this.#undo?.push(() => (this.#graves = before))
    this.#graves = graves
  }
}
