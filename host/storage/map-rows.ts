/** Rows in memory: for `selvedge run`, for tests, and as the model that other drivers are compared with. */
import type { StoredValue, StoreUsage } from './contract.ts'
import { sizeOf, type RowFacts, type Rows } from './key-value-table.ts'

interface Row extends StoredValue {
  readonly id: number
}

export class MapRows implements Rows {
  /** A Map keeps the order of first insertion, which is the order of ids. */
  #buckets = new Map<string, Map<string, Row>>()
  #lastId = 0
  #undo: (() => void)[] | null = null

  find(bucket: string, key: string): RowFacts | undefined {
    const row = this.#buckets.get(bucket)?.get(key)
    return row && { valueBytes: row.value.length, version: row.version }
  }

  read(bucket: string, key: string): StoredValue | undefined {
    const row = this.#buckets.get(bucket)?.get(key)
    return row && { value: row.value.slice(), version: row.version }
  }

  write(bucket: string, key: string, value: Uint8Array, version: number): void {
    const rows = this.#buckets.get(bucket) ?? new Map<string, Row>()
    this.#buckets.set(bucket, rows)
    const present = rows.get(key)
    this.#undo?.push(() => (present === undefined ? rows.delete(key) : rows.set(key, present)))
    this.#lastId += present === undefined ? 1 : 0
    rows.set(key, { id: present?.id ?? this.#lastId, value: value.slice(), version })
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

  page(bucket: string, afterId: number, count: number): { id: number; key: string }[] {
    const page: { id: number; key: string }[] = []
    for (const [key, { id }] of this.#buckets.get(bucket) ?? []) {
      if (page.length >= count) break
      if (id > afterId) page.push({ id, key })
    }
    return page
  }

  totals(): StoreUsage & { version: number } {
    let [keys, bytes, version] = [0, 0, 0]
    for (const rows of this.#buckets.values()) {
      for (const [key, row] of rows) {
        keys += 1
        bytes += sizeOf(key, row.value.length)
        version = Math.max(version, row.version)
      }
    }
    return { keys, bytes, version }
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

  close(): void {
    this.#buckets.clear()
  }
}
