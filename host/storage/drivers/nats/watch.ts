/** Tells of changes in a store at a NATS server, whoever made them. The server's stream is followed, also over a loss. */
import type { Cancel, Clock } from '../../../../core/index.ts'
import type { KeyChange } from '../../contract.ts'
import type { NatsLedger } from './ledger.ts'
import { decodeEntry, entryFilter, parseEntryName } from './records.ts'

const againMs = 500

export class NatsWatch {
  readonly #ledger: NatsLedger
  readonly #clock: Clock
  readonly #listeners = new Set<(change: KeyChange) => void>()
  /** Resolves when the first attempt has come to something. */
  #ready: Promise<void> | null = null
  #end: (() => void) | null = null
  #cancelRetry: Cancel | null = null
  #isOver = false
  /** Of the last change told: steps that are done twice are told once. */
  #lastVersion = 0

  constructor(ledger: NatsLedger, clock: Clock) {
    this.#ledger = ledger
    this.#clock = clock
  }

  listen(listener: (change: KeyChange) => void): Cancel {
    const own = (change: KeyChange): void => listener(change)
    this.#listeners.add(own)
    this.#ready ??= this.#begin()
    return () => void this.#listeners.delete(own)
  }

  /** Who listens hears of all that is done from then on. */
  async ready(): Promise<void> {
    await this.#ready
  }

  stop(): void {
    this.#isOver = true
    this.#listeners.clear()
    this.#cancelRetry?.()
    this.#end?.()
  }

  async #begin(): Promise<void> {
    try {
      const { kv } = await this.#ledger.bucket()
      const changes = await kv.watch({ key: entryFilter, include: 'updates' })
      this.#end = () => changes.stop()
      if (this.#isOver) return changes.stop()
      void this.#follow(changes)
    } catch {
      this.#again()
    }
  }

  async #follow(
    changes: AsyncIterable<{ key: string; value: Uint8Array; operation: string }>,
  ): Promise<void> {
    try {
      for await (const { key: name, value, operation } of changes) {
        const named = operation === 'PUT' ? parseEntryName(name) : null
        if (named === null) continue
        const { version, content } = decodeEntry(value)
        if (version <= this.#lastVersion) continue
        this.#lastVersion = version
        const change: KeyChange = { ...named, version, kind: content === null ? 'delete' : 'set' }
        for (const listener of this.#listeners) listener(change)
      }
    } catch {
      // As where it ended: begin anew.
    }
    this.#again()
  }

  #again(): void {
    if (this.#isOver) return
    this.#cancelRetry = this.#clock.after(againMs, () => void this.#begin())
  }
}
