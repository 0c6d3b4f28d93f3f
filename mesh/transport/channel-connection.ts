/**
 * A channel through a gateway as the wire of a connection: libp2p encrypts and multiplexes over it as over a socket, so
 * that all which holds between two nodes holds here too.
 *
 * Back-pressure is the channel's own: what it does not take stays with the muxer, and what is not read is not taken
 * from it.
 */
import type { AbortOptions, Logger } from '@libp2p/interface'
import { AbstractMultiaddrConnection } from '@libp2p/utils'
import type { Multiaddr } from '@multiformats/multiaddr'
import type { Channel } from './contract.ts'
import { circuitFrameBytes } from './circuit-messages.ts'

/** Handed to the channel and not yet taken; then the sender waits. */
const maxUnsentBytes = 512 * 1024

type Sent = Parameters<AbstractMultiaddrConnection['sendData']>[0]

export interface ChannelConnectionInit {
  readonly channel: Channel
  /** Of the channel, with the messages before the circuit taken from it. */
  readonly incoming: AsyncIterator<Uint8Array>
  readonly direction: 'inbound' | 'outbound'
  readonly remoteAddr: Multiaddr
  readonly log: Logger
}

export class ChannelConnection extends AbstractMultiaddrConnection {
  readonly #channel: Channel
  readonly #incoming: AsyncIterator<Uint8Array>
  #unsentBytes = 0
  #isFull = false
  #resumed: (() => void) | null = null
  #isPaused = false

  constructor(init: ChannelConnectionInit) {
    const { direction, remoteAddr, log } = init
    super({ direction, remoteAddr, log, maxMessageSize: circuitFrameBytes })
    this.#channel = init.channel
    this.#incoming = init.incoming
    this.#read().catch((error: Error) => this.abort(error))
  }

  sendData(data: Sent): { sentBytes: number; canSendMore: boolean } {
    const bytes = data.subarray()
    this.#unsentBytes += bytes.length
    this.#channel.send(bytes).then(
      () => {
        this.#unsentBytes -= bytes.length
        if (!this.#isFull || this.#unsentBytes > maxUnsentBytes / 2) return
        this.#isFull = false
        this.safeDispatchEvent('drain')
      },
      (error: Error) => this.abort(error),
    )
    this.#isFull = this.#unsentBytes > maxUnsentBytes
    return { sentBytes: bytes.length, canSendMore: !this.#isFull }
  }

  async sendClose(_options?: AbortOptions): Promise<void> {
    this.#wake()
    this.#channel.close()
  }

  sendReset(): void {
    this.#wake()
    this.#channel.close()
  }

  sendPause(): void {
    this.#isPaused = true
  }

  sendResume(): void {
    this.#wake()
  }

  #wake(): void {
    this.#isPaused = false
    this.#resumed?.()
    this.#resumed = null
  }

  async #read(): Promise<void> {
    for (;;) {
      if (this.#isPaused) await new Promise<void>((resolve) => (this.#resumed = resolve))
      const { done, value } = await this.#incoming.next()
      if (done === true) break
      this.onData(value)
    }
    this.onTransportClosed()
  }
}
