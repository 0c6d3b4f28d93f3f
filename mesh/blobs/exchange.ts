/**
 * Components between nodes: fetches what this node needs from whoever has it, serves what it has to whoever asks.
 *
 * Several fetches share one channel per peer, and callers of the same component share one fetch. A fetch outlives a
 * network that is switched off and on; only its callers end it.
 */
import {
  digestOf,
  messageOf,
  systemRandom,
  type Cancel,
  type Clock,
  type Log,
  type Part,
  type Random,
} from '../../core/index.ts'
import { attackOf, type ReportAttack } from '../attacks.ts'
import type { ComponentRef } from '../releases/index.ts'
import type { NodeId, Transport } from '../transport/index.ts'
import { FetchJob, type FetchProgress } from './fetch-job.ts'
import type { FetchEvent } from './fetch.ts'
import { blobLimits } from './limits.ts'
import { Link } from './link.ts'
import { blobsProtocol, type BlobAnswer } from './messages.ts'
import { blobsProblems } from './problems.ts'
import { BlobServer } from './server.ts'
import type { BlobStore } from './store.ts'

export interface BlobExchangeOptions {
  readonly transport: Transport
  readonly store: BlobStore
  readonly clock: Clock
  readonly log: Log
  readonly random?: Random
  readonly report?: ReportAttack
}

export interface FetchCall {
  /** The only end of a fetch that no peer can serve. */
  readonly signal?: AbortSignal
  /** Called whenever something came to the disk; must not throw. */
  readonly onProgress?: (progress: FetchProgress) => void
}

/** What went between this node and its peers since it was made. */
export interface BlobTraffic {
  /** Bytes of chunks and chunk lists that came, wanted or not. */
  readonly receivedBytes: number
  /** Bytes that were handed to the network for others. */
  readonly sentBytes: number
}

export interface BlobExchange extends Part {
  readonly traffic: BlobTraffic
  /**
   * Brings a component to the disk, as far as it is not there; waits for peers as long as the signal allows.
   * @returns how many bytes came from peers, the chunk list included
   * @throws ERR_CHUNK_LIST or ERR_BLOB_MISMATCH where what was signed does not fit together, ERR_BLOB_SIZE,
   *   ERR_BLOB_STORE, ERR_DISK_FULL, ERR_FETCH_LIMIT, ERR_BLOBS_STOPPED, the signal's reason
   */
  fetch(ref: ComponentRef, call?: FetchCall): Promise<{ readonly fetchedBytes: number }>
}

/** Chunks over the transport: serves what the store has, fetches what it lacks; nothing before `start`. */
export function createBlobExchange(options: BlobExchangeOptions): BlobExchange {
  return new Exchange(options)
}

/** A fetch and those who wait for it. */
interface SharedFetch {
  readonly job: FetchJob
  readonly done: Promise<void>
  readonly calls: Set<FetchCall>
}

class Exchange implements BlobExchange {
  readonly name = 'blobs'
  readonly #options: BlobExchangeOptions
  readonly #log: Log
  readonly #random: Random
  readonly #server: BlobServer
  readonly #fetches = new Map<string, SharedFetch>()
  readonly #links = new Map<NodeId, Link>()
  #cancels: Cancel[] | null = null
  #receivedBytes = 0

  constructor(options: BlobExchangeOptions) {
    this.#options = options
    this.#log = options.log
    this.#random = options.random ?? systemRandom
    this.#server = new BlobServer(options.store, options.log)
  }

  get traffic(): BlobTraffic {
    return { receivedBytes: this.#receivedBytes, sentBytes: this.#server.sentBytes }
  }

  start(): void {
    if (this.#cancels !== null) return
    const { transport } = this.#options
    const maxFrameBytes = blobLimits.frameBytes
    this.#cancels = [
      transport.handle(blobsProtocol, (peer, channel) => this.#server.serve(peer, channel), {
        maxFrameBytes,
      }),
      transport.on('peer:admitted', ({ peer }) => this.#tellAll({ type: 'peer-up', peer })),
      transport.on('peer:lost', ({ peer }) => {
        this.#unlink(peer)
        this.#tellAll({ type: 'peer-down', peer })
      }),
    ]
  }

  stop(): void {
    if (this.#cancels === null) return
    for (const cancel of this.#cancels) cancel()
    this.#cancels = null
    for (const { job } of this.#fetches.values()) job.abort(stopped())
    for (const peer of this.#links.keys()) this.#unlink(peer)
    this.#server.stop()
  }

  async fetch(ref: ComponentRef, call: FetchCall = {}): Promise<{ fetchedBytes: number }> {
    if (this.#cancels === null) throw stopped()
    call.signal?.throwIfAborted()
    requireSizes(ref)
    const key = `${ref.digest} ${ref.sizeBytes} ${ref.chunks.digest} ${ref.chunks.sizeBytes}`
    const shared = this.#fetches.get(key) ?? this.#begin(key, ref)
    // An object of its own, so that a caller may pass the same one twice.
    const own = { ...call }
    shared.calls.add(own)
    const departure = departureOf(call.signal, () => this.#leave(key, shared, own))
    try {
      await Promise.race([shared.done, departure.aborted])
      return { fetchedBytes: shared.job.progress.fetchedBytes }
    } finally {
      departure.cancel()
    }
  }

  #begin(key: string, ref: ComponentRef): SharedFetch {
    if (this.#fetches.size >= blobLimits.fetches) {
      throw blobsProblems.error(
        'ERR_FETCH_LIMIT',
        `${this.#fetches.size} components are on their way already`,
      )
    }
    const { store, clock, transport } = this.#options
    const calls = new Set<FetchCall>()
    const job = new FetchJob({
      ref,
      store,
      clock,
      random: this.#random,
      request: (peer, digests) => this.#linkTo(peer).request(digests),
      misbehaved: (peer, reason) => this.#ban(peer, reason),
      onProgress: (progress) => {
        for (const call of calls) call.onProgress?.(progress)
      },
    })
    for (const peer of transport.peers()) job.observe({ type: 'peer-up', peer })
    const done = job.run().finally(() => {
      if (this.#fetches.get(key)?.job === job) this.#fetches.delete(key)
    })
    // Whoever waits for it hears of it; it may be that nobody does any more.
    done.catch((error: unknown) =>
      this.#log.debug('fetch:ended', { digest: ref.digest, error: messageOf(error) }),
    )
    const shared = { job, done, calls }
    this.#fetches.set(key, shared)
    return shared
  }

  #leave(key: string, shared: SharedFetch, call: FetchCall): void {
    shared.calls.delete(call)
    if (shared.calls.size > 0) return
    // Gone at once: whoever asks next starts anew rather than joining what is ending.
    if (this.#fetches.get(key) === shared) this.#fetches.delete(key)
    shared.job.abort(blobsProblems.error('ERR_BLOBS_STOPPED', 'nobody waits for the fetch any more'))
  }

  #linkTo(peer: NodeId): Link {
    const known = this.#links.get(peer)
    if (known !== undefined) return known
    const { transport, clock } = this.#options
    const link = new Link({
      transport,
      clock,
      peer,
      onAnswer: (answer) => this.#onAnswer(peer, answer),
      onBroken: (reason, error) => {
        this.#options.report?.(attackOf(error) ?? 'parser', peer, `blobs: ${reason}`)
        this.#tellAll({ type: 'wrong', peer, reason })
      },
      onLost: (reason) => {
        this.#log.debug('blobs:link-lost', { peer, reason })
        this.#tellAll({ type: 'link-lost', peer })
      },
    })
    this.#links.set(peer, link)
    return link
  }

  #onAnswer(peer: NodeId, answer: BlobAnswer): void {
    if (answer.kind === 'missing') return this.#tellAll({ type: 'missing', peer, digests: answer.digests })
    const { digest, bytes } = answer
    this.#receivedBytes += bytes.length
    const waiting = this.#jobs().filter((job) => job.awaits(digest))
    // What nobody waits for, late or never asked for, is not worth a hash.
    if (waiting.length === 0) return
    if (digestOf(bytes) === digest) return waiting.forEach((job) => job.take(peer, digest, bytes))
    const reason = `sent other bytes as ${digest}`
    this.#options.report?.('wrong-bytes', peer, `blobs: it ${reason}`)
    this.#tellAll({ type: 'wrong', peer, reason })
  }

  #ban(peer: NodeId, reason: string): void {
    // Every fetch says so; the first one is enough.
    if (!this.#unlink(peer)) return
    this.#log.warn('blobs:misbehaved', { peer, reason })
    this.#options.transport.ban(peer, blobLimits.banMs, reason)
  }

  #unlink(peer: NodeId): boolean {
    this.#links.get(peer)?.close()
    return this.#links.delete(peer)
  }

  #tellAll(event: FetchEvent): void {
    for (const job of this.#jobs()) job.observe(event)
  }

  #jobs(): FetchJob[] {
    return [...this.#fetches.values()].map(({ job }) => job)
  }
}

function requireSizes({ digest, sizeBytes, chunks }: ComponentRef): void {
  if (sizeBytes <= blobLimits.componentBytes && chunks.sizeBytes <= blobLimits.chunkListBytes) return
  throw blobsProblems.error(
    'ERR_BLOB_SIZE',
    `${digest} with ${sizeBytes} bytes and a list of ${chunks.sizeBytes} is over the limit`,
  )
}

/** `aborted` rejects with the signal's reason when it aborts, after `leave` was called, and settles never otherwise. */
function departureOf(
  signal: AbortSignal | undefined,
  leave: () => void,
): { aborted: Promise<never>; cancel: Cancel } {
  const listening = new AbortController()
  const aborted = new Promise<never>((_resolve, reject) => {
    const onAbort = (): void => {
      leave()
      reject(signal?.reason as Error)
    }
    signal?.addEventListener('abort', onAbort, { once: true, signal: listening.signal })
  })
  return { aborted, cancel: () => listening.abort() }
}

function stopped(): Error {
  return blobsProblems.error('ERR_BLOBS_STOPPED', 'the blob exchange is not running')
}
