/** Serves admitted peers from the store: a {@link Session} for each of their channels. */
import {
  messageOf,
  type Cancel,
  type Clock,
  type Digest,
  type Log,
  type TokenBucket,
} from '../../core/index.ts'
import { attackOf, type ReportAttack } from '../attacks.ts'
import type { Channel, NodeId } from '../transport/index.ts'
import { FollowedLists } from './followed-lists.ts'
import { blobLimits } from './limits.ts'
import { Session } from './session.ts'
import type { BlobStore } from './store.ts'
import { SentCounts } from './upload-queue.ts'

export interface BlobServerNeeds {
  readonly store: BlobStore
  readonly clock: Clock
  readonly log: Log
  readonly budget: TokenBucket
  readonly report: ReportAttack | undefined
}

export class BlobServer {
  readonly #needs: BlobServerNeeds
  readonly #lists: FollowedLists
  readonly #counts = new SentCounts()
  readonly #channels = new Map<NodeId, Set<Channel>>()
  #cancel: Cancel | null = null
  #sentBytes = 0

  constructor(needs: BlobServerNeeds) {
    this.#needs = needs
    this.#lists = new FollowedLists(needs.store)
  }

  /** Of blobs that were handed to the network, since it was made. */
  get sentBytes(): number {
    return this.#sentBytes
  }

  start(): void {
    const { store, log } = this.#needs
    this.#cancel ??= store.onArrival((digest) => {
      this.#lists
        .arrived(digest)
        .catch((error: unknown) => log.warn('blobs:not-announced', { digest, error: messageOf(error) }))
    })
  }

  stop(): void {
    this.#cancel?.()
    this.#cancel = null
    for (const channels of this.#channels.values()) for (const channel of channels) channel.close()
  }

  serve(peer: NodeId, channel: Channel): void {
    const { log, clock, budget } = this.#needs
    const channels = this.#channels.get(peer) ?? new Set()
    if (channels.size >= blobLimits.channelsPerPeer) {
      log.debug('blobs:too-many-channels', { peer })
      this.#needs.report?.('flood', peer, 'blobs: it opened more channels than one peer is served on')
      return channel.close()
    }
    this.#channels.set(peer, channels.add(channel))
    const session = new Session({
      channel,
      clock,
      log,
      budget,
      lists: this.#lists,
      counts: this.#counts,
      read: (digest) => this.#read(digest),
      onSent: (bytes) => {
        this.#sentBytes += bytes
      },
    })
    session
      .run()
      .catch((error: unknown) => {
        log.debug('blobs:serving-ended', { peer, error: messageOf(error) })
        const attack = attackOf(error)
        if (attack !== null) this.#needs.report?.(attack, peer, `blobs: ${messageOf(error)}`)
      })
      .finally(() => {
        channel.close()
        channels.delete(channel)
        if (channels.size === 0 && this.#channels.get(peer) === channels) this.#channels.delete(peer)
      })
      .catch(() => {})
  }

  async #read(digest: Digest): Promise<Uint8Array | null> {
    return this.#needs.store.getChunk(digest).catch((error: unknown) => {
      this.#needs.log.warn('blob:unreadable', { digest, error: messageOf(error) })
      return null
    })
  }
}
