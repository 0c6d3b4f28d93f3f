/**
 * Components that this node may have to run in another's place, fetched while that one is still there: of an app with
 * few places nobody else need have the bytes when its node dies.
 */
import {
  backoffMs,
  messageOf,
  type Cancel,
  type Clock,
  type Digest,
  type Log,
  type Random,
} from '../../core/index.ts'
import type { Mesh, ObtainProgress, ReleaseRecord } from '../../mesh/index.ts'

const retryBaseMs = 2_000
const retryCapMs = 60_000
/** A fetch waits for ever for bytes that nobody has: one that does not move for so long lets the others go first. */
const stillMs = 30_000

const nothing = (): void => {}

export interface StandbyNeeds {
  readonly source: Pick<Mesh['source'], 'obtain'>
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
}

export class Standby {
  readonly #needs: StandbyNeeds
  #wanted = new Map<Digest, ReleaseRecord>()
  readonly #there = new Set<Digest>()
  /** That did not come when they were last asked for: after the others. */
  readonly #missed = new Set<Digest>()
  /** One at a time: what runs has the wires first. */
  #current: { readonly digest: Digest; readonly gone: AbortController } | null = null
  #attempt = 0
  #cancelRetry: Cancel | null = null

  constructor(needs: StandbyNeeds) {
    this.#needs = needs
  }

  /** Exactly these are to be on this disk, beside those that run. */
  want(records: readonly ReleaseRecord[]): void {
    this.#wanted = new Map(records.map((record) => [record.component.digest, record]))
    for (const digest of this.#there) if (!this.#wanted.has(digest)) this.#there.delete(digest)
    for (const digest of this.#missed) if (!this.#wanted.has(digest)) this.#missed.delete(digest)
    if (this.#current !== null && !this.#wanted.has(this.#current.digest)) this.#current.gone.abort()
    if (this.#cancelRetry === null) this.#next()
  }

  stop(): void {
    this.want([])
    this.#cancelRetry?.()
    this.#cancelRetry = null
  }

  #next(): void {
    if (this.#current !== null) return
    const open = this.#open()
    if (open.every(({ component }) => this.#missed.has(component.digest))) this.#missed.clear()
    const record = open.find(({ component }) => !this.#missed.has(component.digest))
    if (record !== undefined) void this.#fetch(record)
  }

  #open(): ReleaseRecord[] {
    return [...this.#wanted.values()].filter(({ component }) => !this.#there.has(component.digest))
  }

  async #fetch(record: ReleaseRecord): Promise<void> {
    const { digest } = record.component
    const { source, clock, random, log } = this.#needs
    const gone = new AbortController()
    this.#current = { digest, gone }
    let cameBytes = -1
    let cancelStill: Cancel = nothing
    const waitOn = (): void => {
      cancelStill = clock.after(stillMs, () => {
        if (this.#open().length < 2) return waitOn()
        gone.abort(new Error(`nothing came in ${stillMs / 1_000} s`))
      })
    }
    const came = (bytes: number): void => {
      if (bytes === cameBytes) return
      cameBytes = bytes
      cancelStill()
      waitOn()
    }
    came(0)
    try {
      const onProgress = ({ haveBytes, fetchedBytes }: ObtainProgress): void => came(haveBytes + fetchedBytes)
      await source.obtain(record, { signal: gone.signal, onProgress })
      if (this.#wanted.has(digest)) this.#there.add(digest)
      this.#attempt = 0
      this.#current = null
      this.#next()
    } catch (error) {
      this.#current = null
      if (!this.#wanted.has(digest)) return this.#next()
      this.#missed.add(digest)
      log.debug('standby:not-fetched', { app: record.app, error: messageOf(error) })
      this.#cancelRetry = clock.after(backoffMs(this.#attempt, retryBaseMs, retryCapMs, random), () => {
        this.#cancelRetry = null
        this.#next()
      })
      this.#attempt += 1
    } finally {
      cancelStill()
    }
  }
}
