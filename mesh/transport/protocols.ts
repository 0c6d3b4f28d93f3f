/** Which protocols are served, to whom; they outlive the libp2p node, which a restart replaces. */
import type { Connection, Stream } from '@libp2p/interface'
import { messageOf, type Cancel, type Clock, type Log } from '../../core/index.ts'
import type { Connections } from './connections.ts'
import { transportLimits, type ChannelHandler, type NodeId, type ProtocolOptions } from './contract.ts'
import type { Libp2p } from './libp2p-node.ts'
import { transportProblems } from './problems.ts'
import type { ProtocolTraffic } from './protocol-traffic.ts'
import { StreamChannel } from './stream-channel.ts'

interface Served {
  readonly onChannel: ChannelHandler
  readonly beforeAdmission: boolean
  readonly maxFrameBytes: number
  readonly maxStreams: number
}

export class Protocols {
  readonly #clock: Clock
  readonly #log: Log
  readonly #connections: Connections
  readonly #traffic: ProtocolTraffic
  readonly #onRefused: (peer: NodeId, protocol: string) => void
  readonly #served = new Map<string, Served>()
  #node: Libp2p | null = null

  constructor(parts: {
    clock: Clock
    log: Log
    connections: Connections
    traffic: ProtocolTraffic
    /** Somebody asked for it before admission. */
    onRefused: (peer: NodeId, protocol: string) => void
  }) {
    this.#clock = parts.clock
    this.#log = parts.log
    this.#connections = parts.connections
    this.#traffic = parts.traffic
    this.#onRefused = parts.onRefused
  }

  maxFrameBytes(protocol: string): number {
    return this.#served.get(protocol)?.maxFrameBytes ?? transportLimits.defaultFrameBytes
  }

  serve(
    protocol: string,
    onChannel: ChannelHandler,
    beforeAdmission: boolean,
    options: ProtocolOptions,
  ): Cancel {
    const maxFrameBytes = options.maxFrameBytes ?? transportLimits.defaultFrameBytes
    const maxStreams = options.maxStreams ?? transportLimits.streamsPerProtocol
    const served: Served = { onChannel, beforeAdmission, maxFrameBytes, maxStreams }
    if (this.#served.has(protocol)) throw new Error(`${protocol} has a handler already`)
    this.#served.set(protocol, served)
    if (this.#node !== null) this.#logged(this.#register(this.#node, protocol, served))
    return () => {
      if (this.#served.get(protocol) !== served) return
      this.#served.delete(protocol)
      if (this.#node !== null) this.#logged(this.#node.unhandle(protocol))
    }
  }

  /** Serves everything at this node from now on. */
  async registerAt(node: Libp2p): Promise<void> {
    this.#node = node
    for (const [protocol, served] of this.#served) await this.#register(node, protocol, served)
  }

  unregister(): void {
    this.#node = null
  }

  #register(node: Libp2p, protocol: string, served: Served): Promise<void> {
    return node.handle(
      protocol,
      (stream, connection) => this.#onStream(protocol, served, stream, connection),
      {
        maxInboundStreams: served.maxStreams,
        maxOutboundStreams: served.maxStreams,
        // A handler that was taken away and given back while the first call was still under way.
        force: true,
      },
    )
  }

  async #onStream(protocol: string, served: Served, stream: Stream, connection: Connection): Promise<void> {
    const peer = connection.remotePeer.toString()
    if (!served.beforeAdmission && !(await this.#connections.isAdmitted(connection))) {
      this.#log.debug('stream:refused', { peer, protocol })
      if (!this.#connections.wasApproved(connection)) this.#onRefused(peer, protocol)
      stream.abort(
        transportProblems.error('ERR_PEER_NOT_ADMITTED', `${peer} asked for ${protocol} before admission`),
      )
      return
    }
    const channel = new StreamChannel(
      stream,
      this.#clock,
      served.maxFrameBytes,
      this.#traffic.meter(protocol),
    )
    try {
      served.onChannel(peer, channel)
    } catch (error) {
      this.#log.error('handler:threw', { peer, protocol, error: messageOf(error) })
      channel.abort('the handler failed')
    }
  }

  #logged(work: Promise<void>): void {
    work.catch((error: unknown) => this.#log.error('protocol:failed', { error: messageOf(error) }))
  }
}
