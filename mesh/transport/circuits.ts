/**
 * Connections through gateways, at both of their ends: asking a gateway for one, and taking one that comes.
 *
 * What runs through it is an ordinary connection with its own keys and its own admission; the gateway sees who speaks
 * with whom and how much, and nothing else.
 */
import type { ComponentLogger, Connection, Upgrader } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'
import { messageOf, within, type Clock, type Log } from '../../core/index.ts'
import { parseMultiaddr, peerOfAddress } from './address.ts'
import { gatewayOf, isCircuit } from './circuit-address.ts'
import {
  decodeCircuitAnswer,
  decodeCircuitRequest,
  encodeCircuitMessage,
  gatewayProtocol,
  type CircuitAnswer,
  type CircuitRequest,
} from './circuit-messages.ts'
import type { ChannelConnection, ChannelConnectionInit } from './channel-connection.ts'
import type { Channel, NodeId } from './contract.ts'
import { transportProblems } from './problems.ts'

/** What of a libp2p node makes connections. */
export interface Wiring {
  readonly upgrader: Upgrader
  readonly logger: ComponentLogger
  readonly transportManager: {
    dial(address: Multiaddr, options: { readonly signal: AbortSignal }): Promise<Connection>
  }
  /** A channel as the wire of a connection. */
  connectionOver(init: ChannelConnectionInit): ChannelConnection
}

export interface CircuitParts {
  readonly clock: Clock
  readonly log: Log
  isBanned(peer: NodeId): boolean
  /** Admitted connections without a gateway between. */
  directTo(peer: NodeId): Connection | undefined
  /** Connects with a gateway and runs admission. */
  reach(gateway: NodeId, address: string, signal: AbortSignal): Promise<void>
  openOn(connection: Connection, protocol: string, signal: AbortSignal): Promise<Channel>
}

/** A gateway that asks for an incoming circuit says at once from whom, and the other end then proves its key. */
const incomingMs = 10_000

export class Circuits {
  readonly #parts: CircuitParts

  constructor(parts: CircuitParts) {
    this.#parts = parts
  }

  /**
   * @param address of a member behind a gateway
   * @throws ERR_ADDRESS, ERR_GATEWAY_REFUSED, and what dialling the gateway throws
   */
  async dial(wiring: Wiring, address: string, signal: AbortSignal): Promise<Connection> {
    const way = gatewayOf(address)
    const node = peerOfAddress(address)
    if (way === null || node === null) {
      throw transportProblems.error('ERR_ADDRESS', `"${address}" names no gateway or no node behind it`)
    }
    const { openOn, directTo, reach } = this.#parts
    if (directTo(way.gateway) === undefined) await reach(way.gateway, way.place, signal)
    const toGateway = directTo(way.gateway)
    if (toGateway === undefined) {
      throw transportProblems.error('ERR_DIAL_UNREACHABLE', `the connection to gateway ${way.gateway} closed`)
    }
    const channel = await openOn(toGateway, gatewayProtocol, signal)
    const { answer, incoming } = await askOver(channel, { t: 'connect', node }, signal)
    if (answer.t === 'no') {
      channel.close()
      const text = `gateway ${way.gateway} did not connect ${node}: ${answer.message} [${answer.code}]`
      throw transportProblems.error('ERR_GATEWAY_REFUSED', text)
    }
    const remoteAddr = parseMultiaddr(address)
    return wiring.upgrader.upgradeOutbound(this.#wire(wiring, channel, incoming, 'outbound', remoteAddr), {
      signal,
    })
  }

  /** A gateway has somebody who would speak with this node. */
  async accept(wiring: Wiring, gateway: NodeId, channel: Channel): Promise<void> {
    const { clock, log } = this.#parts
    try {
      await within({ clock, ms: incomingMs }, (signal) => this.#accept(wiring, gateway, channel, signal))
    } catch (error) {
      log.debug('circuit:failed', { gateway, error: messageOf(error) })
      channel.close()
    }
  }

  async #accept(wiring: Wiring, gateway: NodeId, channel: Channel, signal: AbortSignal): Promise<void> {
    const incoming = channel.messages[Symbol.asyncIterator]()
    const { done, value } = await incoming.next()
    if (done === true) return
    const request = decodeCircuitRequest(value)
    const through = this.#parts.directTo(gateway)?.remoteAddr.toString()
    if (request.t !== 'incoming' || through === undefined || isCircuit(through)) return channel.close()
    if (this.#parts.isBanned(request.node)) {
      const message = 'it is shut out here for a while'
      await channel.send(encodeCircuitMessage({ t: 'no', code: 'ERR_PEER_BANNED', message }))
      return channel.close()
    }
    await channel.send(encodeCircuitMessage({ t: 'yes' }))
    const place = peerOfAddress(through) === null ? `${through}/p2p/${gateway}` : through
    const remoteAddr = parseMultiaddr(`${place}/p2p-circuit/p2p/${request.node}`)
    await wiring.upgrader.upgradeInbound(this.#wire(wiring, channel, incoming, 'inbound', remoteAddr), {
      signal,
    })
  }

  #wire(
    { logger, connectionOver }: Wiring,
    channel: Channel,
    incoming: AsyncIterator<Uint8Array>,
    direction: 'inbound' | 'outbound',
    remoteAddr: Multiaddr,
  ): ChannelConnection {
    const log = logger.forComponent('selvedge:circuit')
    return connectionOver({ channel, incoming, direction, remoteAddr, log })
  }
}

/**
 * Asks on a fresh channel and waits for the answer. The channel closes where none comes, or the signal aborts.
 * @returns what comes after the answer as well
 * @throws ERR_CIRCUIT_MESSAGE, ERR_CHANNEL_CLOSED, or the signal's reason
 */
export async function askOver(
  channel: Channel,
  request: CircuitRequest,
  signal: AbortSignal,
): Promise<{ answer: CircuitAnswer; incoming: AsyncIterator<Uint8Array> }> {
  const incoming = channel.messages[Symbol.asyncIterator]()
  const onAbort = (): void => channel.close()
  signal.addEventListener('abort', onAbort, { once: true })
  try {
    signal.throwIfAborted()
    await channel.send(encodeCircuitMessage(request))
    const { done, value } = await incoming.next()
    signal.throwIfAborted()
    if (done === true) throw transportProblems.error('ERR_CHANNEL_CLOSED', 'the gateway hung up')
    return { answer: decodeCircuitAnswer(value), incoming }
  } catch (error) {
    channel.close()
    throw error
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}
