/** Fetching and preparing releases of one app: each may be given up at any moment, and then says nothing more. */
import {
  digestOf,
  isSelvedgeError,
  type Clock,
  type Digest,
  type Log,
  type SelvedgeError,
} from '../../core/index.ts'
import type { ReleaseRecord } from '../../mesh/index.ts'
import type { Transfer } from '../api/index.ts'
import type { Engine, Prepared } from '../engine/index.ts'
import { checkLinks, grantedInterfaces, interfaceOffers } from '../interfaces/index.ts'
import { checkHandlers, planTriggers, requiredExports } from '../triggers/index.ts'
import type { AppEvent } from './app-state.ts'
import { appProblems } from './problems.ts'
import { reasonOf, type DesiredRelease, type Reason } from './release.ts'
import { TransferMeter, type FetchProgress } from './transfer-meter.ts'

/**
 * Gets a release's component from this node's disk or from peers.
 * @returns its bytes, checked or not; null where nobody in reach has them
 */
export type FetchComponent = (
  record: ReleaseRecord,
  onProgress: (progress: FetchProgress) => void,
  signal: AbortSignal,
) => Promise<Uint8Array | null>

export interface AcquisitionNeeds {
  readonly engine: Engine
  readonly fetchComponent: FetchComponent
  readonly log: Log
  readonly clock: Clock
  /** A component came so much nearer that the mesh should hear of it. */
  moved(): void
  /** Answers of the steps. */
  dispatch(event: AppEvent): void
}

/** The component itself is at fault; anything else may pass, and is tried again. */
const refusals = [
  'ERR_NOT_WASM',
  'ERR_CORE_MODULE',
  'ERR_COMPONENT_INVALID',
  'ERR_COMPONENT_TOO_LARGE',
  'ERR_IMPORTS_REFUSED',
  'ERR_HANDLER_MISSING',
  'ERR_TRIGGER_HANDLER',
  'ERR_LINK',
  'ERR_FEATURE_MISSING',
  'ERR_MEMORY_LIMIT',
  'ERR_PREPARE_MEMORY',
  // The bytes are what the chunk list says, and not what the record says: nobody will ever have others.
  'ERR_BLOB_MISMATCH',
  'ERR_CHUNK_LIST',
]

/** Releases of one app that this remembers to have come; as many as people look back on. */
const maxPast = 16

interface Work {
  readonly abort: AbortController
  bytes: Uint8Array | null
  prepared: Prepared | null
  progress: FetchProgress
  readonly meter: TransferMeter
}

export class Acquisition {
  readonly #needs: AcquisitionNeeds
  readonly #works = new Map<Digest, Work>()
  /** How releases of before came, the last at the end. */
  readonly #past = new Map<Digest, Transfer>()

  constructor(needs: AcquisitionNeeds) {
    this.#needs = needs
  }

  progressOf(digest: Digest): FetchProgress | null {
    return this.#works.get(digest)?.progress ?? null
  }

  /** How it came or comes; null for what was not asked for since the node started. */
  transferOf(digest: Digest): Transfer | null {
    return this.#works.get(digest)?.meter.report() ?? this.#past.get(digest) ?? null
  }

  /** Why a fetch that goes on by itself does not move. */
  pausedOf(digest: Digest): Reason | null {
    return this.#works.get(digest)?.progress.paused ?? null
  }

  preparedOf(digest: Digest): Prepared | null {
    return this.#works.get(digest)?.prepared ?? null
  }

  async fetch({ record, digest }: DesiredRelease): Promise<void> {
    const before = this.#works.get(digest)
    before?.abort.abort(new Error('fetched anew'))
    const progress = before?.progress ?? { share: 0, fetchedBytes: 0 }
    const meter = before?.meter ?? new TransferMeter(record.component.sizeBytes, this.#needs.clock)
    meter.begin()
    const work: Work = { abort: new AbortController(), bytes: null, prepared: null, progress, meter }
    this.#works.set(digest, work)
    const event = await this.#fetchInto(work, record, digest)
    if (!work.abort.signal.aborted) this.#needs.dispatch(event)
  }

  async prepare({ record, digest }: DesiredRelease): Promise<void> {
    const work = this.#works.get(digest)
    if (work?.bytes === undefined || work.bytes === null) return
    const { bytes } = work
    // The engine has its own copy while it works; nobody needs a megabyte twice.
    work.bytes = null
    const event = await this.#prepareInto(work, bytes, record, digest)
    if (!work.abort.signal.aborted) this.#needs.dispatch(event)
  }

  /** Gives the release up; no event of it follows. */
  abandon(digest: Digest): void {
    const work = this.#works.get(digest)
    if (work === undefined) return
    work.abort.abort(new Error('no longer wanted'))
    this.#works.delete(digest)
    const { bytesPerSecond: _rate, ...transfer } = work.meter.report()
    this.#past.delete(digest)
    this.#past.set(digest, transfer)
    for (const oldest of this.#past.keys()) if (this.#past.size > maxPast) this.#past.delete(oldest)
  }

  /** Forgets what is neither current nor on its way. */
  keepOnly(digests: readonly Digest[]): void {
    for (const digest of this.#works.keys()) if (!digests.includes(digest)) this.abandon(digest)
  }

  async #fetchInto(work: Work, record: ReleaseRecord, digest: Digest): Promise<AppEvent> {
    try {
      const bytes = await this.#needs.fetchComponent(
        record,
        (progress) => {
          if (work.abort.signal.aborted) return
          const wasPaused = work.progress.paused?.code
          work.progress = progress
          if (work.meter.take(progress) || progress.paused?.code !== wasPaused) this.#needs.moved()
        },
        work.abort.signal,
      )
      const problem = bytes === null ? unavailable(record) : checkBytes(bytes, record)
      if (problem !== null) return { type: 'fetch-failed', digest, reason: reasonOf(problem) }
      work.bytes = bytes
      work.meter.end()
      const { app, version } = record
      this.#needs.log.info('app:fetched', { app, version, fetchedBytes: work.progress.fetchedBytes })
      return { type: 'fetched', digest }
    } catch (error) {
      return { type: 'fetch-failed', digest, reason: reasonOf(error) }
    }
  }

  async #prepareInto(
    work: Work,
    bytes: Uint8Array,
    record: ReleaseRecord,
    digest: Digest,
  ): Promise<AppEvent> {
    try {
      const triggers = planTriggers(record.triggers, record.grants)
      const prepared = await this.#needs.engine.prepare({
        bytes,
        digest: record.component.digest,
        granted: grantedInterfaces(record.grants, record.links),
        offered: interfaceOffers,
        requiredExports: requiredExports(triggers),
        memoryBytes: record.limits.memoryBytes,
      })
      checkHandlers(triggers, prepared.facts.exports)
      checkLinks(record.links, record.grants, prepared.facts)
      work.prepared = prepared
      return { type: 'prepared', digest }
    } catch (error) {
      const type = isSelvedgeError(error, ...refusals) ? 'refused' : 'prepare-failed'
      return { type, digest, reason: reasonOf(error) }
    }
  }
}

function unavailable({ app, version }: ReleaseRecord): SelvedgeError {
  const message = `nobody in reach has the component of ${app} ${version}`
  return appProblems.error('ERR_COMPONENT_UNAVAILABLE', message)
}

/** The last check before bytes are run: they are those the publisher signed. */
function checkBytes(bytes: Uint8Array, { app, version, component }: ReleaseRecord): SelvedgeError | null {
  if (digestOf(bytes) === component.digest) return null
  const message = `what was fetched for ${app} ${version} has another digest than its release says`
  return appProblems.error('ERR_COMPONENT_BYTES', message)
}
