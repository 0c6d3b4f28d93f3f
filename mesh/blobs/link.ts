/**
 * The one channel on which this node asks a peer for blobs: opened when first needed, again after it was lost. Says what
 * is followed each time anew, and acknowledges what came.
 */
import {
  backoffMs,
  isSelvedgeError,
  messageOf,
  type Cancel,
  type Clock,
  type Digest,
  type Random,
} from '../../core/index.ts'
import type { Channel, NodeId, Transport } from '../transport/index.ts'
import { decodeChunkFrame, isChunkFrame, type ChunkBody } from './chunk-frame.ts'
import { blobLimits } from './limits.ts'
import { blobsProtocol, decodeNotice, encodeRequest, type BlobNotice, type BlobRequest } from './messages.ts'
import { blobsProblems } from './problems.ts'

export interface LinkNeeds {
  readonly transport: Transport
  readonly clock: Clock
  readonly random: Random
  readonly peer: NodeId
  onChunks(chunks: readonly ChunkBody[]): void
  onNotice(notice: BlobNotice): void
  /** What was asked for and not answered will not come. */
  onLost(reason: string): void
  /** The peer broke the protocol. */
  onBroken(reason: string, error: unknown): void
}

const reopenBaseMs = 250
const reopenCapMs = 5_000

export class Link {
  readonly #needs: LinkNeeds
  readonly #follows = new Set<Digest>()
  /** Asked for on this channel and not come, also what was cancelled: it may be on its way. */
  readonly #asked = new Set<Digest>()
  #unaskedBytes = 0
  #session: Promise<Channel> | null = null
  #gotBytes = 0
  #toldBytes = 0
  #cancelTelling: Cancel | null = null
  /** To be said with the next message: small ones cost a processor as much as large ones. */
  readonly #wanted = new Map<Digest | undefined, Set<Digest>>()
  readonly #cancelled = new Set<Digest>()
  #cancelReopening: Cancel | null = null
  #attempt = 0
  readonly #ended = new AbortController()

  constructor(needs: LinkNeeds) {
    this.#needs = needs
  }

  /** Asks to be told which chunks of this list the peer has. */
  follow(list: Digest): void {
    if (this.#follows.has(list)) return
    this.#follows.add(list)
    // A new channel begins with all that is followed.
    if (this.#session === null) this.#open()
    else this.#send({ kind: 'follow', list })
  }

  unfollow(list: Digest): void {
    if (this.#follows.delete(list) && this.#session !== null) this.#send({ kind: 'unfollow', list })
  }

  request(digests: readonly Digest[], list?: Digest): void {
    for (const digest of digests) this.#asked.add(digest)
    for (const oldest of this.#asked) {
      if (this.#asked.size <= blobLimits.rememberedWants) break
      this.#asked.delete(oldest)
    }
    const wanted = this.#wanted.get(list) ?? new Set()
    this.#wanted.set(list, wanted)
    for (const digest of digests) {
      this.#cancelled.delete(digest)
      wanted.add(digest)
    }
    this.#tellSoon()
  }

  cancel(digests: readonly Digest[]): void {
    if (this.#session === null) return
    for (const digest of digests) {
      let isUnsaid = false
      for (const wanted of this.#wanted.values()) isUnsaid = wanted.delete(digest) || isUnsaid
      if (!isUnsaid) this.#cancelled.add(digest)
    }
    this.#tellSoon()
  }

  close(): void {
    const session = this.#session
    this.#session = null
    this.#cancelTelling?.()
    this.#cancelReopening?.()
    this.#ended.abort(blobsProblems.error('ERR_BLOBS_STOPPED', 'the link is closed'))
    closeOf(session)
  }

  #send(request: BlobRequest): void {
    if (this.#ended.signal.aborted) return
    const session = this.#session ?? this.#open()
    session
      .then((channel) => channel.send(encodeRequest(request)))
      .catch((error: unknown) => this.#lose(session, messageOf(error)))
  }

  #open(): Promise<Channel> {
    this.#gotBytes = 0
    this.#toldBytes = 0
    const session: Promise<Channel> = this.#connect().then((channel) => {
      for (const list of this.#follows) {
        channel
          .send(encodeRequest({ kind: 'follow', list }))
          .catch((error: unknown) => this.#lose(session, messageOf(error)))
      }
      this.#read(session, channel)
        .then(() => this.#lose(session, 'the channel closed'))
        .catch((error: unknown) => {
          if (isSelvedgeError(error, 'ERR_FRAME_TOO_LARGE', 'ERR_BLOB_PROTOCOL', 'ERR_BLOB_ENDLESS')) {
            this.#needs.onBroken(error.message, error)
          }
          this.#lose(session, messageOf(error))
        })
      return channel
    })
    session.catch((error: unknown) => this.#lose(session, messageOf(error)))
    this.#session = session
    return session
  }

  async #connect(): Promise<Channel> {
    const { transport, clock, peer } = this.#needs
    const deadline = new AbortController()
    const giveUp = (): void => deadline.abort(this.#ended.signal.reason)
    const cancel = clock.after(blobLimits.openMs, giveUp)
    this.#ended.signal.addEventListener('abort', giveUp, { once: true })
    try {
      return await transport.open(peer, blobsProtocol, deadline.signal)
    } finally {
      cancel()
      this.#ended.signal.removeEventListener('abort', giveUp)
    }
  }

  async #read(session: Promise<Channel>, channel: Channel): Promise<void> {
    for await (const frame of channel.messages) {
      if (this.#ended.signal.aborted || this.#session !== session) return
      if (isChunkFrame(frame)) {
        const chunks = decodeChunkFrame(frame)
        for (const { digest, bytes } of chunks) {
          this.#gotBytes += bytes.length
          if (!this.#asked.delete(digest)) this.#unasked(bytes.length)
        }
        this.#acknowledge()
        this.#needs.onChunks(chunks)
      } else {
        const notice = decodeNotice(frame)
        this.#attempt = 0
        if (notice !== null) this.#needs.onNotice(notice)
      }
    }
  }

  /** @throws ERR_BLOB_ENDLESS where the peer goes on and on */
  #unasked(bytes: number): void {
    this.#unaskedBytes += bytes
    if (this.#unaskedBytes <= blobLimits.unaskedBytes) return
    throw blobsProblems.error('ERR_BLOB_ENDLESS', `${this.#unaskedBytes} bytes came that nobody asked for`)
  }

  #acknowledge(): void {
    if (this.#gotBytes - this.#toldBytes >= blobLimits.gotBytes) this.#tell()
    else this.#tellSoon()
  }

  #tellSoon(): void {
    this.#cancelTelling ??= this.#needs.clock.after(blobLimits.tellMs, () => this.#tell())
  }

  /** What is withdrawn, before what is asked for in its place. */
  #tell(): void {
    this.#cancelTelling?.()
    this.#cancelTelling = null
    const cancelled = [...this.#cancelled]
    const wanted = [...this.#wanted]
    this.#cancelled.clear()
    this.#wanted.clear()
    for (const digests of pieces(cancelled)) this.#send({ kind: 'cancel', digests })
    for (const [list, all] of wanted) {
      for (const digests of pieces([...all])) {
        this.#send({ kind: 'want', digests, ...(list !== undefined && { list }) })
      }
    }
    if (this.#session === null || this.#toldBytes === this.#gotBytes) return
    this.#toldBytes = this.#gotBytes
    this.#send({ kind: 'got', bytes: this.#gotBytes })
  }

  #lose(session: Promise<Channel>, reason: string): void {
    if (this.#session !== session) return
    this.#session = null
    this.#asked.clear()
    this.#wanted.clear()
    this.#cancelled.clear()
    closeOf(session)
    this.#needs.onLost(reason)
    if (this.#ended.signal.aborted) return
    const { clock, random } = this.#needs
    this.#cancelReopening?.()
    this.#cancelReopening = clock.after(backoffMs(this.#attempt++, reopenBaseMs, reopenCapMs, random), () => {
      if (this.#session === null && this.#follows.size > 0) this.#open()
    })
  }
}

function closeOf(session: Promise<Channel> | null): void {
  session?.then(
    (channel) => channel.close(),
    () => {},
  )
}

/** As many as one message takes. */
function* pieces(digests: readonly Digest[]): Generator<readonly Digest[]> {
  for (let at = 0; at < digests.length; at += blobLimits.wantsPerMessage) {
    yield digests.slice(at, at + blobLimits.wantsPerMessage)
  }
}
