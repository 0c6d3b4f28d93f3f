/**
 * Patches between nodes: makes them where a node has both releases, asks for them where it has the older one, and hands
 * on what it made or used. Only a hint: whoever gets none, or a wrong one, fetches chunks as before.
 */
import type { Cancel, Clock, Digest, Log, Part } from '../../core/index.ts'
import type { BlobStore } from '../blobs/index.ts'
import type { ComponentRef, ReleaseLog } from '../releases/index.ts'
import type { NodeId, Transport } from '../transport/index.ts'
import type { PatchCodec } from './codec.ts'
import { isPatchable, patchLimits } from './limits.ts'
import { Link } from './link.ts'
import { PatchMaker } from './maker.ts'
import { patchesProtocol, type PatchAnswer, type PatchRequest } from './messages.ts'
import type { PatchStore } from './patch-store.ts'
import { SearchJob, type PatchAttack } from './search-job.ts'
import { PatchServer } from './server.ts'
import { Shunned } from './shunned.ts'

export interface PatchExchangeOptions {
  readonly transport: Transport
  readonly store: PatchStore
  readonly blobs: Pick<BlobStore, 'readComponent' | 'readList' | 'holds'>
  /** Says which components an app has had. */
  readonly releases: Pick<ReleaseLog, 'history'>
  readonly codec: PatchCodec
  readonly clock: Clock
  readonly log: Log
  /** Told of what looks like an attack, by its name. */
  readonly report?: (attack: PatchAttack, peer: NodeId, detail: string) => void
}

export interface SeekCall {
  /** Asked first: whoever told of the release probably has a patch. */
  readonly likely?: NodeId | undefined
  readonly onPiece: (receivedBytes: number) => void
}

/** A search under way; its end is the caller's. */
export type PatchSeek = Pick<SearchJob, 'unpromising' | 'found' | 'observe' | 'stop'>

/** What went between this node and its peers since it was made. */
export interface PatchTraffic {
  readonly receivedBytes: number
  readonly sentBytes: number
  /** Patches that this node made, and components that it got by one. */
  readonly made: number
  readonly applied: number
}

export interface PatchExchange extends Part {
  readonly traffic: PatchTraffic
  /**
   * Makes a patch for others, where this node has both and it is worth it. Resolves when it is made or not.
   * Never rejects: a release without a patch travels in chunks.
   */
  make(base: ComponentRef, target: ComponentRef): Promise<void>
  /**
   * Looks for a patch from what this node has.
   * @param app whose components these are
   * @param bases components that this node has, the likeliest first
   * @returns null where none can help
   */
  seek(app: string, target: ComponentRef, bases: readonly ComponentRef[], call: SeekCall): PatchSeek | null
  /** Drops the patches that lead to anything else. */
  retain(targets: readonly ComponentRef[]): Promise<void>
}

/** Serves nothing and asks nobody before `start`. */
export function createPatchExchange(options: PatchExchangeOptions): PatchExchange {
  return new Exchange(options)
}

class Exchange implements PatchExchange {
  readonly name = 'patches'
  readonly #options: PatchExchangeOptions
  readonly #server: PatchServer
  readonly #maker: PatchMaker
  readonly #shunned: Shunned
  readonly #searches = new Map<number, SearchJob>()
  readonly #targets = new Map<number, Digest>()
  readonly #links = new Map<NodeId, Link>()
  #cancels: Cancel[] | null = null
  #nextQuestion = 0
  #receivedBytes = 0
  #applied = 0

  constructor(options: PatchExchangeOptions) {
    this.#options = options
    this.#shunned = new Shunned(options.clock)
    const { store, log } = options
    this.#maker = new PatchMaker({ ...options, onChange: (target) => this.#server.changed(target) })
    this.#server = new PatchServer({
      store,
      log,
      isExpecting: (target) => this.#isExpecting(target),
      onLacking: (app, target, bases) => void this.#maker.makeFor(app, target, bases),
    })
  }

  get traffic(): PatchTraffic {
    return {
      receivedBytes: this.#receivedBytes,
      sentBytes: this.#server.sentBytes,
      made: this.#maker.made,
      applied: this.#applied,
    }
  }

  start(): void {
    if (this.#cancels !== null) return
    const { transport } = this.#options
    const { frameBytes: maxFrameBytes } = patchLimits
    this.#cancels = [
      transport.handle(patchesProtocol, (peer, channel) => this.#server.serve(peer, channel), {
        maxFrameBytes,
      }),
      transport.on('peer:admitted', ({ peer }) => {
        if (!this.#shunned.has(peer)) this.#tellAll({ type: 'peer-up', peer })
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
    for (const job of this.#searches.values()) job.stop()
    for (const peer of this.#links.keys()) this.#unlink(peer)
    this.#server.stop()
    this.#options.codec.stop()
  }

  make(base: ComponentRef, target: ComponentRef): Promise<void> {
    return this.#cancels === null ? Promise.resolve() : this.#maker.make(base, target)
  }

  seek(app: string, target: ComponentRef, bases: readonly ComponentRef[], call: SeekCall): PatchSeek | null {
    const usable = bases.filter((base) => isPatchable(base, target)).slice(0, patchLimits.basesPerFind)
    if (this.#cancels === null || usable.length === 0 || this.#searches.size >= patchLimits.searches)
      return null
    const { transport, clock, log, codec, blobs } = this.#options
    const n = this.#nextQuestion++
    const job: SearchJob = new SearchJob({
      n,
      app,
      target,
      bases: usable,
      worthBytes: target.sizeBytes + target.chunks.sizeBytes,
      clock,
      log,
      codec,
      readBase: (ref) => blobs.readComponent(ref),
      send: (peer, request) => this.#send(peer, request),
      misbehaved: (peer, attack, reason) => this.#misbehaved(peer, attack, reason),
      dawdled: (peer, reason) => this.#options.report?.('slow-retrieval', peer, `patches: ${reason}`),
      proven: (base, patch) => this.#proven(base, target, patch),
      onPiece: call.onPiece,
      onExpecting: () => this.#server.changed(target.digest),
    })
    this.#searches.set(n, job)
    this.#targets.set(n, target.digest)
    const ended = (): void => {
      this.#searches.delete(n)
      this.#targets.delete(n)
    }
    job.found.then(ended, ended)
    const peers = transport.peers().filter((peer) => peer !== call.likely && !this.#shunned.has(peer))
    const isLikelyThere = call.likely !== undefined && transport.peers().includes(call.likely)
    const first = isLikelyThere && !this.#shunned.has(call.likely ?? '') ? [call.likely ?? ''] : []
    job.start([...first, ...peers])
    return job
  }

  retain(targets: readonly ComponentRef[]): Promise<void> {
    return this.#options.store.retain(new Set(targets.map(({ digest }) => digest)))
  }

  async #proven(base: Digest, target: ComponentRef, patch: Uint8Array): Promise<void> {
    this.#applied++
    await this.#options.store.put(base, target.digest, patch)
    this.#server.changed(target.digest)
  }

  #isExpecting(target: Digest): boolean {
    if (this.#maker.isMaking(target)) return true
    return [...this.#searches].some(([n, job]) => this.#targets.get(n) === target && job.isExpecting)
  }

  #send(peer: NodeId, request: PatchRequest): void {
    if (request.kind === 'forget') this.#links.get(peer)?.sendIfOpen(request)
    else this.#linkTo(peer).send(request)
  }

  #linkTo(peer: NodeId): Link {
    const known = this.#links.get(peer)
    if (known !== undefined) return known
    const { transport, clock, log } = this.#options
    const link = new Link({
      transport,
      clock,
      peer,
      onAnswer: (answer) => this.#take(peer, answer),
      onBroken: (reason) => {
        for (const job of this.#searches.values()) job.broken(peer, reason)
      },
      onLost: (reason) => {
        log.debug('patches:link-lost', { peer, reason })
        this.#tellAll({ type: 'link-lost', peer })
      },
    })
    this.#links.set(peer, link)
    return link
  }

  #take(peer: NodeId, answer: PatchAnswer): void {
    if (answer.kind === 'piece') this.#receivedBytes += answer.bytes.length
    this.#searches.get(answer.n)?.take(peer, answer)
  }

  /** Not banned, as it still may have the right chunks; and a patch is only a hint, which its maker did not sign. */
  #misbehaved(peer: NodeId, attack: PatchAttack, reason: string): void {
    if (this.#shunned.has(peer)) return
    this.#shunned.add(peer)
    this.#unlink(peer)
    this.#options.log.warn('patches:misbehaved', { peer, attack, reason })
    this.#options.report?.(attack, peer, `patches: ${reason}`)
    this.#tellAll({ type: 'peer-down', peer })
  }

  #unlink(peer: NodeId): void {
    this.#links.get(peer)?.close()
    this.#links.delete(peer)
  }

  #tellAll(event: Parameters<SearchJob['observe']>[0]): void {
    for (const job of this.#searches.values()) job.observe(event)
  }
}
