/**
 * One end of a channel, the same on both sides of a sandbox: what has arrived and is not yet taken, what may still
 * be sent, and which directions have ended. It neither waits nor sends; it is told what arrived, and emits.
 *
 * Credit: each side begins with one window, spends it with every byte, and gets back what the other side has
 * taken. So neither end holds more than a window, whoever writes and whoever does not read.
 */
import {
  channelWindowBytes,
  maxChannelMessages,
  type ChannelFailure,
  type ChannelMessage,
} from './protocol.ts'

export class ChannelEnd {
  readonly id: number
  /** Whether somebody on this side uses it, who will close it. */
  isClaimed = false
  readonly #emit: (message: ChannelMessage) => void
  #pieces: Uint8Array[] = []
  #messages: unknown[] = []
  /** Of the other side's credit: bytes taken here and not yet given back. */
  #taken = 0
  #granted = channelWindowBytes
  #credit = channelWindowBytes
  #inFailure: ChannelFailure | null = null
  #inEnded = false
  #outEnded = false
  #closedByPeer = false
  #closed = false

  constructor(id: number, emit: (message: ChannelMessage) => void) {
    this.id = id
    this.#emit = emit
  }

  /** @returns what the other side did that it must not, or null */
  accept(message: ChannelMessage): string | null {
    switch (message.t) {
      case 'bytes':
        if (this.#closed || this.#inEnded) return null
        this.#granted -= message.bytes.length
        if (this.#granted < 0) return 'more bytes than its window allows'
        if (message.bytes.length > 0) this.#pieces.push(message.bytes)
        return null
      case 'message':
        if (this.#closed) return null
        this.#messages.push(message.value)
        return this.#messages.length > maxChannelMessages ? 'more messages than anybody takes' : null
      case 'credit':
        this.#credit += message.bytes
        return this.#credit > channelWindowBytes ? 'more credit than a window' : null
      case 'end':
        this.#endInput(message.failure)
        return null
      case 'close':
        this.#closedByPeer = true
        this.#outEnded = true
        this.#endInput(message.failure)
        return null
    }
  }

  #endInput(failure: ChannelFailure | null): void {
    if (this.#inEnded) return
    this.#inEnded = true
    this.#inFailure = failure
  }

  /** @returns bytes; empty where none are there yet; null at the end; a failure once, then null */
  take(maxBytes: number): Uint8Array | ChannelFailure | null {
    const first = this.#pieces[0]
    if (first === undefined) {
      if (!this.#inEnded && !this.#closed) return nothing
      const failure = this.#inFailure
      this.#inFailure = null
      return failure
    }
    if (first.length <= maxBytes) {
      this.#pieces.shift()
      this.#giveBack(first.length)
      return first
    }
    this.#pieces[0] = first.subarray(maxBytes)
    this.#giveBack(maxBytes)
    return first.subarray(0, maxBytes)
  }

  #giveBack(bytes: number): void {
    this.#taken += bytes
    // A quarter at a time: often enough that the other side never runs dry, rare enough to cost nothing.
    if (this.#taken * 4 < channelWindowBytes || this.#inEnded || this.#closed) return
    this.#granted += this.#taken
    this.#emit({ t: 'credit', channel: this.id, bytes: this.#taken })
    this.#taken = 0
  }

  get hasInput(): boolean {
    return this.#pieces.length > 0 || this.#inEnded
  }

  takeMessage(): unknown {
    return this.#messages.shift()
  }

  get hasMessage(): boolean {
    return this.#messages.length > 0
  }

  /** Bytes that may be sent now; null when none may be sent any more. */
  get room(): number | null {
    return this.#outEnded || this.#closed ? null : this.#credit
  }

  /** @param bytes at most `room`; they are handed over as they are */
  write(bytes: Uint8Array): void {
    this.#credit -= bytes.length
    if (this.#credit < 0) throw new Error('more was written to a channel than it has room for')
    this.#emit({ t: 'bytes', channel: this.id, bytes })
  }

  endOutput(failure: ChannelFailure | null): void {
    if (this.#outEnded || this.#closed) return
    this.#outEnded = true
    this.#emit({ t: 'end', channel: this.id, failure })
  }

  send(value: unknown): void {
    if (!this.isClosed) this.#emit({ t: 'message', channel: this.id, value })
  }

  /** By either side. */
  get isClosed(): boolean {
    return this.#closed || this.#closedByPeer
  }

  /** Both sides are done with it: it may be forgotten. */
  get isOver(): boolean {
    return this.#closed
  }

  close(failure: ChannelFailure | null): void {
    if (this.#closed) return
    this.#closed = true
    this.#pieces = []
    this.#messages = []
    if (!this.#closedByPeer) this.#emit({ t: 'close', channel: this.id, failure })
  }
}

const nothing = new Uint8Array(0)
