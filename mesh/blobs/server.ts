/**
 * Answers the wants of admitted peers from the store, one blob after another.
 *
 * A peer that asks faster than it takes is held back by its own channel: no more than one blob per channel is in memory.
 */
import { messageOf, type Digest, type Log } from '../../core/index.ts'
import type { Channel, NodeId } from '../transport/index.ts'
import { blobLimits } from './limits.ts'
import { decodeWant, encodeAnswer } from './messages.ts'
import type { BlobStore } from './store.ts'

export class BlobServer {
  readonly #store: BlobStore
  readonly #log: Log
  readonly #channels = new Map<NodeId, Set<Channel>>()
  #bytesInHand = 0
  #sentBytes = 0

  constructor(store: BlobStore, log: Log) {
    this.#store = store
    this.#log = log
  }

  /** Of blobs that were handed to the network, since it was made. */
  get sentBytes(): number {
    return this.#sentBytes
  }

  serve(peer: NodeId, channel: Channel): void {
    const channels = this.#channels.get(peer) ?? new Set()
    if (channels.size >= blobLimits.channelsPerPeer) {
      this.#log.debug('blobs:too-many-channels', { peer })
      return channel.close()
    }
    this.#channels.set(peer, channels.add(channel))
    this.#answerAll(channel)
      .catch((error: unknown) => this.#log.debug('blobs:serving-ended', { peer, error: messageOf(error) }))
      .finally(() => {
        channel.close()
        channels.delete(channel)
        if (channels.size === 0 && this.#channels.get(peer) === channels) this.#channels.delete(peer)
      })
      .catch(() => {})
  }

  stop(): void {
    for (const channels of this.#channels.values()) for (const channel of channels) channel.close()
  }

  async #answerAll(channel: Channel): Promise<void> {
    for await (const frame of channel.messages) {
      const digests = decodeWant(frame)
      if (digests === null) continue
      const missing: Digest[] = []
      for (const digest of digests) if (!(await this.#send(channel, digest))) missing.push(digest)
      if (missing.length > 0) await channel.send(encodeAnswer({ kind: 'missing', digests: missing }))
    }
  }

  /** @returns false where the blob is not here, cannot be read, or so much is in hand that the peer must ask later */
  async #send(channel: Channel, digest: Digest): Promise<boolean> {
    if (this.#bytesInHand > blobLimits.servingBytes) return false
    const bytes = await this.#store.getChunk(digest).catch((error: unknown) => {
      this.#log.warn('blob:unreadable', { digest, error: messageOf(error) })
      return null
    })
    if (bytes === null) return false
    this.#bytesInHand += bytes.length
    try {
      await channel.send(encodeAnswer({ kind: 'chunk', digest, bytes }))
      this.#sentBytes += bytes.length
      return true
    } finally {
      this.#bytesInHand -= bytes.length
    }
  }
}
