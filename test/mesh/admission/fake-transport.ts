/** A transport without a network: a test opens channels from both ends and sees what was sent. */
import { decodeCbor } from '../../../core/index.ts'
import type {
  Channel,
  ChannelHandler,
  NodeId,
  Transport,
  TransportEvents,
} from '../../../mesh/transport/index.ts'

export class FakeChannel implements Channel {
  /** Frames this side sent, decoded. */
  readonly sent: unknown[] = []
  readonly closed: Promise<void>
  isClosed = false
  /** Makes the next sends fail. */
  failure: Error | null = null
  readonly #frames: Uint8Array[] = []
  #wake: (() => void) | null = null
  #onClosed!: () => void

  constructor() {
    this.closed = new Promise((resolve) => (this.#onClosed = resolve))
  }

  /** The other side sends. */
  receive(frame: Uint8Array): void {
    this.#frames.push(frame)
    this.#wake?.()
  }

  async send(frame: Uint8Array): Promise<void> {
    if (this.failure !== null) throw this.failure
    this.sent.push(decodeCbor(frame, { maxBytes: 1024 * 1024, maxDepth: 8, maxItems: 1_024 }))
  }

  get messages(): AsyncIterable<Uint8Array> {
    return this.#read()
  }

  close(): void {
    this.isClosed = true
    this.#onClosed()
    this.#wake?.()
  }

  async *#read(): AsyncGenerator<Uint8Array> {
    for (;;) {
      const frame = this.#frames.shift()
      if (frame !== undefined) yield frame
      else if (this.isClosed) return
      else await new Promise<void>((resolve) => (this.#wake = resolve))
    }
  }
}

export class FakeTransport implements Transport {
  readonly name = 'transport'
  readonly self: NodeId
  /** Admitted peers. */
  connected: NodeId[] = []
  /** Called for every channel that is opened here, with whom it goes to. @throws to refuse it */
  onOpen: (target: string, protocol: string, channel: FakeChannel) => void = () => {}
  readonly #handlers = new Map<string, ChannelHandler>()
  readonly #listeners = new Map<string, Set<(detail: never) => void>>()

  constructor(self: NodeId) {
    this.self = self
  }

  /** A peer opens a channel to this side. */
  accept(protocol: string, peer: NodeId): FakeChannel {
    const channel = new FakeChannel()
    this.#handlers.get(protocol)?.(peer, channel)
    return channel
  }

  emit<Name extends keyof TransportEvents>(event: Name, detail: TransportEvents[Name]): void {
    for (const listener of this.#listeners.get(event) ?? []) listener(detail as never)
  }

  async open(peer: NodeId, protocol: string): Promise<Channel> {
    const channel = new FakeChannel()
    this.onOpen(peer, protocol, channel)
    return channel
  }

  async openBeforeAdmission(address: string, protocol: string): Promise<{ peer: NodeId; channel: Channel }> {
    return { peer: address, channel: await this.open(address, protocol) }
  }

  handle(protocol: string, onChannel: ChannelHandler): () => void {
    this.#handlers.set(protocol, onChannel)
    return () => this.#handlers.delete(protocol)
  }

  handleBeforeAdmission(protocol: string, onChannel: ChannelHandler): () => void {
    return this.handle(protocol, onChannel)
  }

  on<Name extends keyof TransportEvents>(
    event: Name,
    run: (detail: TransportEvents[Name]) => void,
  ): () => void {
    const listeners = this.#listeners.get(event) ?? new Set()
    this.#listeners.set(event, listeners.add(run))
    return () => listeners.delete(run)
  }

  peers(): NodeId[] {
    return this.connected
  }

  addresses(): string[] {
    return []
  }

  addressesOf(): string[] {
    return []
  }

  async dial(): Promise<NodeId> {
    throw new Error('a fake transport dials nobody')
  }

  disconnect(): void {}
  ban(): void {}
}
