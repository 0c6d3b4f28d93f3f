/** Where a queue is kept: what the queue asks of a disk, and the same in memory. */
import type { QueueRow } from './ledger.ts'

export type QueueChange =
  | { readonly type: 'put'; readonly row: QueueRow; readonly body: Uint8Array }
  /** Handled, discarded or dropped. */
  | { readonly type: 'remove'; readonly ids: readonly number[] }
  | { readonly type: 'retry'; readonly id: number; readonly attempts: number; readonly lastError: string }
  | {
      readonly type: 'bury'
      readonly id: number
      readonly attempts: number
      readonly lastError: string
      readonly diedMs: number
    }
  | { readonly type: 'replay'; readonly ids: readonly number[] }
  /** Names that are remembered no longer. */
  | { readonly type: 'forget'; readonly names: readonly string[] }

export interface QueueContents {
  readonly rows: readonly QueueRow[]
  /** No id above it was ever given. */
  readonly lastId: number
  /** The names that are remembered for deduplication, oldest first. */
  readonly seen: readonly string[]
}

/** Names of `unique` that are remembered after their item is gone, beside those of items that are there. */
export const rememberedNames = 16_384

export interface QueueFile {
  load(): Promise<QueueContents>
  /** All or none; resolved means on the disk. */
  commit(changes: readonly QueueChange[]): Promise<void>
  /** In the order of the ids; null for one that is not there. */
  bodies(ids: readonly number[]): Promise<readonly (Uint8Array | null)[]>
  close(): Promise<void>
}

/** Kept by the process; what was in it is there again when it is opened again. */
export class MemoryQueueFile implements QueueFile {
  readonly #rows = new Map<number, { row: QueueRow; body: Uint8Array }>()
  readonly #seen = new Set<string>()
  #lastId = 0

  async load(): Promise<QueueContents> {
    return {
      rows: [...this.#rows.values()].map(({ row }) => row),
      lastId: this.#lastId,
      seen: [...this.#seen],
    }
  }

  async commit(changes: readonly QueueChange[]): Promise<void> {
    for (const change of changes) this.#apply(change)
  }

  async bodies(ids: readonly number[]): Promise<readonly (Uint8Array | null)[]> {
    return ids.map((id) => this.#rows.get(id)?.body ?? null)
  }

  async close(): Promise<void> {}

  #apply(change: QueueChange): void {
    switch (change.type) {
      case 'put': {
        const { row, body } = change
        this.#rows.set(row.id, { row, body: new Uint8Array(body) })
        this.#lastId = Math.max(this.#lastId, row.id)
        if (row.unique !== null) this.#seen.add(row.unique)
        return
      }
      case 'forget':
        for (const name of change.names) this.#seen.delete(name)
        return
      case 'remove':
        for (const id of change.ids) this.#rows.delete(id)
        return
      case 'replay':
        for (const id of change.ids) this.#change(id, { attempts: 0, diedMs: null })
        return
      case 'retry':
        return this.#change(change.id, { attempts: change.attempts, lastError: change.lastError })
      case 'bury': {
        const { id, attempts, lastError, diedMs } = change
        return this.#change(id, { attempts, lastError, diedMs })
      }
    }
  }

  #change(id: number, to: Partial<QueueRow>): void {
    const held = this.#rows.get(id)
    if (held !== undefined) this.#rows.set(id, { ...held, row: { ...held.row, ...to } })
  }
}
