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
  type Log,
  type Random,
  TokenBucket,
} from '../../core/index.ts'
import { attackOf } from '../attacks.ts'
import type { ComponentRef } from '../releases/index.ts'
import type { NodeId } from '../transport/index.ts'
import type { ChunkBody } from './chunk-frame.ts'
import type { BlobExchange, BlobExchangeOptions, BlobTraffic, FetchCall } from './exchange-contract.ts'
import { FetchJob } from './fetch-job.ts'
import type { FetchEvent } from './fetch-events.ts'
import { blobLimits } from './limits.ts'
import { Link } from './link.ts'
import { blobsProtocol } from './messages.ts'
import { blobsProblems } from './problems.ts'
import { BlobServer } from './server.ts'
import { SharedWork } from './shared-work.ts'

/** Chunks over the transport: serves what the store has, fetches what it lacks; nothing before `start`. */
export function createBlobExchange(options: BlobExchangeOptions): BlobExchange {
  return new Exchange(options)
}

class Exchange implements BlobExchange {
  readonly name = 'blobs'
  readonly #options: BlobExchangeOptions
  readonly #log: Log
  readonly #random: Random
  readonly #server: BlobServer
  readonly #budget: TokenBucket
  readonly #fetches = new SharedWork<FetchJob, FetchCall>()
  readonly #links = new Map<NodeId, Link>()
  #cancels: Cancel[] | null = null
  #receivedBytes = 0

  constructor(options: BlobExchangeOptions) {
    const { store, clock, log, report, caps = {} } = options
    this.#options = options
    this.#log = log
    this.#random = options.random ?? systemRandom
    const {
      uploadBytesPerSecond = Number.POSITIVE_INFINITY,
      downloadBytesPerSecond = Number.POSITIVE_INFINITY,
    } = caps
    this.#budget = new TokenBucket(downloadBytesPerSecond)
    this.#server = new BlobServer({
      store,
      clock,
      log,
      report,
      budget: new TokenBucket(uploadBytesPerSecond),
    })
  }

  get traffic(): BlobTraffic {
    return { receivedBytes: this.#receivedBytes, sentBytes: this.#server.sentBytes }
  }

  start(): void {
    if (this.#cancels !== null) return
    const { transport } = this.#options
    const maxFrameBytes = blobLimits.frameBytes
    this.#server.start()
    this.#cancels = [
      transport.handle(blobsProtocol, (peer, channel) => this.#server.serve(peer, channel), {
        maxFrameBytes,
      }),
      transport.on('peer:admitted', ({ peer }) => {
        this.#tellAll({ type: 'peer-up', peer, isRelayed: transport.ways?.isRelayed(peer) ?? false })
        for (const { list } of this.#jobs()) this.#linkTo(peer).follow(list)
      }),
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
    for (const job of this.#jobs()) job.abort(stopped())
    for (const peer of this.#links.keys()) this.#unlink(peer)
    this.#server.stop()
  }

  async fetch(ref: ComponentRef, call: FetchCall = {}): Promise<{ fetchedBytes: number }> {
    if (this.#cancels === null) throw stopped()
    call.signal?.throwIfAborted()
    requireSizes(ref)
    const key = `${ref.digest} ${ref.sizeBytes} ${ref.chunks.digest} ${ref.chunks.sizeBytes}`
    const count = this.#jobs().length
    if (!this.#fetches.has(key) && count >= blobLimits.fetches) {
      throw blobsProblems.error('ERR_FETCH_LIMIT', `${count} components are on their way already`)
    }
    const job = await this.#fetches.join(key, call, {
      make: (calls) => this.#begin(ref, calls),
      ended: (ended, error) => {
        if (error !== null) this.#log.debug('fetch:ended', { digest: ref.digest, error: messageOf(error) })
        if (this.#jobs().some(({ list }) => list === ended.list)) return
        for (const link of this.#links.values()) link.unfollow(ended.list)
      },
    })
    return { fetchedBytes: job.progress.fetchedBytes }
  }

  #begin(ref: ComponentRef, calls: ReadonlySet<FetchCall>): FetchJob {
    const { store, clock, transport } = this.#options
    const job = new FetchJob({
      self: transport.self,
      ref,
      store,
      clock,
      random: this.#random,
      budget: this.#budget,
      relayed: () => transport.peers().filter((peer) => transport.ways?.isRelayed(peer) ?? false),
      request: (peer, digests) => this.#linkTo(peer).request(digests, ref.chunks.digest),
      cancel: (peer, digests) => this.#links.get(peer)?.cancel(digests),
      misbehaved: (peer, reason) => this.#ban(peer, reason),
      stalled: (peer, reason) => this.#options.report?.('slow-retrieval', peer, `blobs: ${reason}`),
      onProgress: (progress) => {
        for (const call of calls) call.onProgress?.(progress)
      },
      takers: () => [...calls].flatMap(({ onWhole }) => onWhole ?? []),
    })
    for (const peer of transport.peers()) {
      job.observe({ type: 'peer-up', peer, isRelayed: transport.ways?.isRelayed(peer) ?? false })
      this.#linkTo(peer).follow(ref.chunks.digest)
    }
    return job
  }

  #linkTo(peer: NodeId): Link {
    const known = this.#links.get(peer)
    if (known !== undefined) return known
    const { transport, clock } = this.#options
    const link = new Link({
      transport,
      clock,
      random: this.#random,
      peer,
      onChunks: (chunks) => {
        for (const chunk of chunks) this.#onChunk(peer, chunk)
      },
      onNotice: (notice) => {
        for (const job of this.#jobs()) job.hear(peer, notice)
      },
      onBroken: (reason, error) => {
        this.#options.report?.(attackOf(error) ?? 'parser', peer, `blobs: ${reason}`)
        this.#tellAll({ type: 'wrong', peer, reason })
        // Also where no fetch is left to say so.
        this.#ban(peer, reason)
      },
      onLost: (reason) => {
        this.#log.debug('blobs:link-lost', { peer, reason })
        this.#tellAll({ type: 'link-lost', peer })
      },
    })
    this.#links.set(peer, link)
    return link
  }

  #onChunk(peer: NodeId, { digest, bytes }: ChunkBody): void {
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
    return [...this.#fetches.all()]
  }
}

function requireSizes({ digest, sizeBytes, chunks }: ComponentRef): void {
  if (sizeBytes <= blobLimits.componentBytes && chunks.sizeBytes <= blobLimits.chunkListBytes) return
  throw blobsProblems.error(
    'ERR_BLOB_SIZE',
    `${digest} with ${sizeBytes} bytes and a list of ${chunks.sizeBytes} is over the limit`,
  )
}

function stopped(): Error {
  return blobsProblems.error('ERR_BLOBS_STOPPED', 'the blob exchange is not running')
}
