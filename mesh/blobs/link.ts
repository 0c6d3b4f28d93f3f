/** The one channel on which this node asks a peer for blobs: opened when first needed, again after it was lost. */
import { isSelvedgeError, messageOf, type Clock, type Digest } from '../../core/index.ts'
import type { Channel, NodeId, Transport } from '../transport/index.ts'
import { blobLimits } from './limits.ts'
import { blobsProtocol, decodeAnswer, encodeWant, type BlobAnswer } from './messages.ts'
import { blobsProblems } from './problems.ts'

export interface LinkNeeds {
  readonly transport: Transport
  readonly clock: Clock
  readonly peer: NodeId
  onAnswer(answer: BlobAnswer): void
  /** What was asked for and not answered will not come. */
  onLost(reason: string): void
  /** The peer broke the protocol. */
  onBroken(reason: string, error: unknown): void
}

export class Link {
  readonly #needs: LinkNeeds
  #session: Promise<Channel> | null = null
  readonly #ended = new AbortController()

  constructor(needs: LinkNeeds) {
    this.#needs = needs
  }

  request(digests: readonly Digest[]): void {
    if (this.#ended.signal.aborted) return
    const session = (this.#session ??= this.#connect())
    session
      .then((channel) => channel.send(encodeWant(digests)))
      .catch((error: unknown) => this.#lose(session, messageOf(error)))
  }

  close(): void {
    const session = this.#session
    this.#session = null
    this.#ended.abort(blobsProblems.error('ERR_BLOBS_STOPPED', 'the link is closed'))
    closeOf(session)
  }

  #connect(): Promise<Channel> {
    const session: Promise<Channel> = this.#open().then((channel) => {
      this.#read(channel)
        .then(() => this.#lose(session, 'the channel closed'))
        .catch((error: unknown) => {
          if (isSelvedgeError(error, 'ERR_FRAME_TOO_LARGE', 'ERR_BLOB_PROTOCOL')) {
            this.#needs.onBroken(error.message, error)
          }
          this.#lose(session, messageOf(error))
        })
      return channel
    })
    return session
  }

  async #open(): Promise<Channel> {
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

  async #read(channel: Channel): Promise<void> {
    for await (const frame of channel.messages) {
      const answer = decodeAnswer(frame)
      if (answer !== null && !this.#ended.signal.aborted) this.#needs.onAnswer(answer)
    }
  }

  #lose(session: Promise<Channel>, reason: string): void {
    if (this.#session !== session) return
    this.#session = null
    closeOf(session)
    this.#needs.onLost(reason)
  }
}

function closeOf(session: Promise<Channel> | null): void {
  session?.then(
    (channel) => channel.close(),
    () => {},
  )
}
