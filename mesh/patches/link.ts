/** The one channel on which this node asks a peer for patches: opened when first needed, again after it was lost. */
import { isSelvedgeError, messageOf, type Clock } from '../../core/index.ts'
import type { Channel, NodeId, Transport } from '../transport/index.ts'
import { patchLimits } from './limits.ts'
import {
  decodeAnswer,
  encodeMessage,
  patchesProtocol,
  type PatchAnswer,
  type PatchRequest,
} from './messages.ts'
import { patchesProblems } from './problems.ts'

export interface LinkNeeds {
  readonly transport: Transport
  readonly clock: Clock
  readonly peer: NodeId
  onAnswer(answer: PatchAnswer): void
  /** What was asked will not be answered. */
  onLost(reason: string): void
  /** The peer broke the protocol. */
  onBroken(reason: string): void
}

export class Link {
  readonly #needs: LinkNeeds
  readonly #ended = new AbortController()
  #session: Promise<Channel> | null = null

  constructor(needs: LinkNeeds) {
    this.#needs = needs
  }

  /** Opens the channel where there is none. */
  send(request: PatchRequest): void {
    if (this.#ended.signal.aborted) return
    this.#session ??= this.#connect()
    this.#pass(this.#session, request)
  }

  /** Says it where there is a channel: without one the peer has forgotten by itself. */
  sendIfOpen(request: PatchRequest): void {
    if (this.#session !== null && !this.#ended.signal.aborted) this.#pass(this.#session, request)
  }

  close(): void {
    const session = this.#session
    this.#session = null
    this.#ended.abort(patchesProblems.error('ERR_PATCHES_STOPPED', 'the link is closed'))
    closeOf(session)
  }

  #pass(session: Promise<Channel>, request: PatchRequest): void {
    session
      .then((channel) => channel.send(encodeMessage(request)))
      .catch((error: unknown) => this.#lose(session, messageOf(error)))
  }

  #connect(): Promise<Channel> {
    const session: Promise<Channel> = this.#open().then((channel) => {
      this.#read(channel)
        .then(() => this.#lose(session, 'the channel closed'))
        .catch((error: unknown) => {
          if (isSelvedgeError(error, 'ERR_FRAME_TOO_LARGE', 'ERR_PATCH_PROTOCOL')) {
            this.#needs.onBroken(error.message)
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
    const cancel = clock.after(patchLimits.openMs, giveUp)
    this.#ended.signal.addEventListener('abort', giveUp, { once: true })
    try {
      return await transport.open(peer, patchesProtocol, deadline.signal)
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
