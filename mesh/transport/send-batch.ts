/**
 * What a connection sends in one turn of the event loop goes out as one message: one encryption and one system call,
 * where libp2p makes one to four of each for every frame of a stream.
 *
 * The muxer grants a stream new window after each frame that came. That is half of all it sends; such grants are held
 * back until they are worth a message.
 */
import type { ConnectionEncrypter, MessageStream, StreamMuxerFactory } from '@libp2p/interface'

type Bytes = Parameters<MessageStream['send']>[0]

/** Sent at once when so much has come together: more fills several messages of the cipher anyhow. */
const batchBytes = 128 * 1024
/** Grants below this are held back: a quarter of the smallest window, so that no sender ever waits for one. */
const heldWindowBytes = 64 * 1024
/** Streams of a connection whose grants are held back; beyond them the oldest is sent. */
const heldStreams = 256

/** Frames of yamux: version, type, flags (2 bytes), stream (4), length (4); big-endian. */
const headerBytes = 12
const windowUpdate = 1
const goAway = 3
const finOrReset = 0x4 | 0x8

/** Makes each connection's muxer send by turns. @returns the same factory */
export function sendingByTurns(muxers: StreamMuxerFactory): StreamMuxerFactory {
  const create = muxers.createStreamMuxer.bind(muxers)
  muxers.createStreamMuxer = (stream) => {
    const batch = new SendBatch(stream.send.bind(stream), stream)
    stream.send = (data) => batch.send(data)
    return create(stream)
  }
  return muxers
}

/** Makes what is encrypted leave in one piece, whatever number of pieces the cipher made. @returns the same encrypter */
export function sendingWhole(encrypter: ConnectionEncrypter): ConnectionEncrypter {
  const secureInbound = encrypter.secureInbound.bind(encrypter)
  const secureOutbound = encrypter.secureOutbound.bind(encrypter)
  encrypter.secureInbound = (connection, options) => secureInbound(joining(connection), options)
  encrypter.secureOutbound = (connection, options) => secureOutbound(joining(connection), options)
  return encrypter
}

function joining(connection: MessageStream): MessageStream {
  const send = connection.send.bind(connection)
  connection.send = (data) => send(data.subarray())
  return connection
}

/** As much of a stream of messages as a batch asks after. */
export type SendState = Pick<MessageStream, 'writableNeedsDrain' | 'status'>

export class SendBatch {
  readonly #out: (data: Uint8Array) => boolean
  readonly #state: SendState
  readonly #pieces: Uint8Array[] = []
  readonly #held = new Map<number, number>()
  #bytes = 0
  #isDue = false

  constructor(out: (data: Uint8Array) => boolean, state: SendState) {
    this.#out = out
    this.#state = state
  }

  /** @param data one frame of the muxer. @returns false where the muxer is to wait for a `drain` */
  send(data: Bytes): boolean {
    // Says so itself, at once, to whoever sends.
    if (this.#state.status !== 'open') return this.#out(data.subarray())
    const header = data instanceof Uint8Array && data.length === headerBytes ? data : null
    const type = header?.[1]
    const flags = header?.[3] ?? 0
    if (header !== null && type === windowUpdate && flags === 0) return this.#grant(header)
    if (header !== null && (flags & finOrReset) !== 0) this.#held.delete(view(header).getUint32(4))
    this.#add(data)
    // What ends a stream or the connection may be followed by the end of the socket.
    if (type === goAway || (flags & finOrReset) !== 0 || this.#bytes >= batchBytes) return this.flush()
    return !this.#state.writableNeedsDrain
  }

  /** Sends what has come together. @returns as `send` */
  flush(): boolean {
    if (this.#bytes === 0) return !this.#state.writableNeedsDrain
    const whole = Buffer.concat(this.#pieces, this.#bytes)
    this.#pieces.length = 0
    this.#bytes = 0
    return this.#out(whole)
  }

  #grant(header: Uint8Array): boolean {
    const stream = view(header).getUint32(4)
    const bytes = view(header).getUint32(8) + (this.#held.get(stream) ?? 0)
    this.#held.delete(stream)
    if (bytes >= heldWindowBytes) this.#add(grantOf(stream, bytes))
    else this.#held.set(stream, bytes)
    const [oldest] = this.#held
    if (oldest !== undefined && this.#held.size > heldStreams) {
      this.#held.delete(oldest[0])
      this.#add(grantOf(...oldest))
    }
    return !this.#state.writableNeedsDrain
  }

  #add(data: Bytes): void {
    if (data instanceof Uint8Array) this.#pieces.push(data)
    else for (const piece of data) this.#pieces.push(piece)
    this.#bytes += data.byteLength
    if (this.#isDue) return
    this.#isDue = true
    setImmediate(() => {
      this.#isDue = false
      try {
        this.flush()
      } catch {
        // The connection is closing; it has aborted its streams, and they tell who waits.
      }
    })
  }
}

function view(header: Uint8Array): DataView {
  return new DataView(header.buffer, header.byteOffset, headerBytes)
}

function grantOf(stream: number, bytes: number): Uint8Array {
  const header = new Uint8Array(headerBytes)
  header[1] = windowUpdate
  view(header).setUint32(4, stream)
  view(header).setUint32(8, bytes)
  return header
}
