/**
 * One channel on which a peer is served: takes its requests, tells it what this node has, and sends what it wants, in
 * the order and at the pace that the {@link UploadQueue} decides.
 */
import {
  delay,
  messageOf,
  type Cancel,
  type Clock,
  type Digest,
  type Log,
  type TokenBucket,
} from '../../core/index.ts'
import type { Channel } from '../transport/index.ts'
import { encodeChunkFrame, type ChunkBody } from './chunk-frame.ts'
import type { FollowedLists, Follower } from './followed-lists.ts'
import { blobLimits } from './limits.ts'
import { decodeRequest, encodeNotice, type BlobRequest } from './messages.ts'
import { UploadQueue, type SentCounts } from './upload-queue.ts'

export interface SessionNeeds {
  readonly channel: Channel
  readonly clock: Clock
  readonly log: Log
  readonly lists: FollowedLists
  readonly counts: SentCounts
  readonly budget: TokenBucket
  /** @returns null where there is no such blob */
  read(digest: Digest): Promise<Uint8Array | null>
  onSent(bytes: number): void
}

/** A peer that takes bytes faster than this has better things to do than to unpack them. */
const packsBelowBytesPerSecond = 4 * 1024 * 1024

export class Session implements Follower {
  readonly #needs: SessionNeeds
  readonly #queue: UploadQueue
  readonly #follows = new Set<Digest>()
  /** To be told, by list: each place once. */
  readonly #news = new Map<Digest, Set<number>>()
  #cancelNews: Cancel | null = null
  #isTelling = false
  #isPumping = false
  readonly #ended = new AbortController()

  constructor(needs: SessionNeeds) {
    this.#needs = needs
    this.#queue = new UploadQueue(needs.counts)
  }

  /** Serves until the channel closes. @throws what reading the channel or the disk throws, ERR_BLOB_PROTOCOL */
  async run(): Promise<void> {
    const { channel, lists } = this.#needs
    try {
      for await (const frame of channel.messages) {
        const request = decodeRequest(frame)
        if (request !== null) await this.#take(request)
        if (this.#ended.signal.aborted) return
      }
    } finally {
      this.#end()
      for (const list of this.#follows) lists.unfollow(list, this)
    }
  }

  has(list: Digest, bits: Uint8Array): void {
    if (!this.#follows.has(list)) return
    this.#say(this.#needs.channel.send(encodeNotice({ kind: 'has', list, bits })))
  }

  gains(list: Digest, place: number): void {
    const places = this.#news.get(list) ?? new Set()
    this.#news.set(list, places.add(place))
    this.#cancelNews ??= this.#needs.clock.after(blobLimits.announceMs, () => {
      this.#cancelNews = null
      this.#tellNews()
    })
  }

  async #take(request: BlobRequest): Promise<void> {
    const { channel, lists, clock } = this.#needs
    switch (request.kind) {
      case 'follow':
        if (this.#follows.has(request.list) || this.#follows.size >= blobLimits.followsPerChannel) return
        this.#follows.add(request.list)
        return lists.follow(request.list, this)
      case 'unfollow':
        this.#news.delete(request.list)
        if (this.#follows.delete(request.list)) lists.unfollow(request.list, this)
        return
      case 'want': {
        const refused = this.#queue.want(request.digests, request.list)
        if (refused.length > 0) await channel.send(encodeNotice({ kind: 'missing', digests: refused }))
        break
      }
      case 'cancel':
        return this.#queue.cancel(request.digests)
      case 'got':
        this.#queue.got(request.bytes, clock.monotonicMs())
    }
    if (!this.#isPumping) this.#say(this.#pump())
  }

  /** Sends as long as there is something that may be sent. */
  async #pump(): Promise<void> {
    const { clock, budget, channel, onSent } = this.#needs
    this.#isPumping = true
    try {
      while (!this.#ended.signal.aborted && this.#queue.isReady(clock.monotonicMs())) {
        const waitMs = budget.waitMs(clock.monotonicMs())
        if (waitMs > 0) {
          await delay(clock, waitMs, this.#ended.signal)
          continue
        }
        const { chunks, group, missing } = await this.#batch()
        if (chunks.length > 0) {
          const bytes = chunks.reduce((sum, chunk) => sum + chunk.bytes.length, 0)
          const now = clock.monotonicMs()
          const frame = encodeChunkFrame(chunks, this.#queue.bytesPerSecond(now) < packsBelowBytesPerSecond)
          budget.take(frame.length, now)
          this.#queue.sent(group, bytes, now)
          await channel.send(frame)
          onSent(bytes)
        }
        if (missing.length > 0) await channel.send(encodeNotice({ kind: 'missing', digests: missing }))
      }
    } finally {
      this.#isPumping = false
    }
  }

  async #batch(): Promise<{ chunks: ChunkBody[]; group: string; missing: Digest[] }> {
    const chunks: ChunkBody[] = []
    const missing: Digest[] = []
    const roomBytes = this.#queue.frameBytes(this.#needs.clock.monotonicMs())
    let group = ''
    let bytesSoFar = 0
    while (bytesSoFar < roomBytes && chunks.length < 255 && missing.length < blobLimits.wantsPerMessage) {
      const next = this.#queue.next()
      if (next === null) break
      group = next.group
      const bytes = await this.#needs.read(next.digest)
      if (bytes === null) missing.push(next.digest)
      else {
        chunks.push({ digest: next.digest, bytes })
        bytesSoFar += bytes.length
        // A chunk list goes alone: it may fill a frame.
        if (bytes.length > blobLimits.maxChunkBytes) break
      }
    }
    return { chunks, group, missing }
  }

  /** One after the other, so that a peer that does not read is owed sets of places and no messages. */
  #tellNews(): void {
    if (this.#isTelling || this.#ended.signal.aborted) return
    const [news] = this.#news
    if (news === undefined) return
    const [list, places] = news
    const told = [...places].slice(0, blobLimits.placesPerMessage)
    for (const place of told) places.delete(place)
    if (places.size === 0) this.#news.delete(list)
    this.#isTelling = true
    this.#say(
      this.#needs.channel.send(encodeNotice({ kind: 'have', list, places: told })).then(() => {
        this.#isTelling = false
        this.#tellNews()
      }),
    )
  }

  #say(work: Promise<void>): void {
    work.catch((error: unknown) => {
      if (!this.#ended.signal.aborted) this.#needs.log.debug('blobs:not-sent', { error: messageOf(error) })
      this.#end()
      this.#needs.channel.close()
    })
  }

  #end(): void {
    this.#ended.abort(new Error('the channel is over'))
    this.#cancelNews?.()
  }
}
