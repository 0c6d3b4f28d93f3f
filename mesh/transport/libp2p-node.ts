/**
 * How libp2p is set up: TCP, noise, yamux, identify, ping; bounds raised where many nodes share one address.
 *
 * Only this file and what it alone imports takes anything but types from libp2p, and it is imported when a transport is
 * started: a quarter of the daemon's program is libp2p, and nothing that works without a network waits for it.
 */
import { privateKeyFromRaw } from '@libp2p/crypto/keys'
import { identify } from '@libp2p/identify'
import type { ConnectionGater } from '@libp2p/interface'
import { mdns } from '@libp2p/mdns'
import { noise } from '@libp2p/noise'
import { peerIdFromString } from '@libp2p/peer-id'
import { ping } from '@libp2p/ping'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { createLibp2p, type Libp2p } from 'libp2p'
import { keyPairFromSeed } from '../../core/index.ts'
import { ChannelConnection } from './channel-connection.ts'
import type { Wiring } from './circuits.ts'
import { transportLimits, type NodeId } from './contract.ts'
import { sendingByTurns, sendingWhole } from './send-batch.ts'

export type { Libp2p }

/** A node, and what makes connections beside its dials. */
export interface RunningLibp2p {
  readonly node: Libp2p
  readonly wiring: Wiring
  /**
   * What it remembers of a peer's addresses, as text; empty for one that it never met.
   * @throws where the text is no peer id
   */
  remembered(peer: NodeId): Promise<string[]>
}

/**
 * The stream window. 256 KiB sends in a window of some megabytes were the fastest measured; it must stay under
 * the read buffer of a paused stream (4 MiB), which libp2p resets when it overflows.
 */
const maxWindowBytes = 2 * 1024 * 1024

/**
 * The muxer's own ping measures the round trip and keeps a connection from looking idle, which TCP ends after two minutes
 * (@libp2p/tcp). Whom a node speaks with it asks more often than that by itself, so that most pings only wake it.
 */
const keepAliveMs = 90_000

const muxing = { keepAliveInterval: keepAliveMs, streamOptions: { maxStreamWindowSize: maxWindowBytes } }

/** Makes, does not start, the libp2p node. */
export async function createNode(options: {
  /** 32 bytes, Ed25519. */
  readonly privateKeySeed: Uint8Array
  readonly listen: readonly string[]
  readonly announce: readonly string[]
  readonly mdns: boolean
  readonly gater: ConnectionGater
}): Promise<RunningLibp2p> {
  const { privateKeySeed: seed } = options
  let components!: Omit<Wiring, 'connectionOver'>
  const node = await createLibp2p({
    start: false,
    privateKey: privateKeyFromRaw(new Uint8Array([...seed, ...keyPairFromSeed(seed).publicKey])),
    nodeInfo: { userAgent: 'selvedge' },
    addresses: { listen: [...options.listen], announce: [...options.announce] },
    transports: [tcp()],
    connectionEncrypters: [(components) => sendingWhole(noise()(components))],
    streamMuxers: [() => sendingByTurns(yamux(muxing)())],
    peerDiscovery: options.mdns ? [mdns({ serviceTag: 'selvedge.local', interval: 10_000 })] : [],
    connectionGater: options.gater,
    connectionManager: {
      maxConnections: transportLimits.connections,
      inboundConnectionThreshold: transportLimits.inboundPerSecond,
      maxIncomingPendingConnections: transportLimits.pendingInbound,
      inboundUpgradeTimeout: transportLimits.upgradeMs,
      addressDialTimeout: transportLimits.addressDialMs,
    },
    // Membership probes its neighbours itself, and clears away connections that nothing crosses any more. A ping opens a
    // stream each time: over eight connections more than everything else that an idle node sends.
    connectionMonitor: { enabled: false },
    services: {
      identify: identify(),
      ping: ping(),
      circuits: (made: Omit<Wiring, 'connectionOver'>) => {
        components = made
        return {}
      },
    },
  })
  return {
    node,
    wiring: {
      upgrader: components.upgrader,
      logger: components.logger,
      transportManager: components.transportManager,
      connectionOver: (init) => new ChannelConnection(init),
    },
    async remembered(peer) {
      const id = peerIdFromString(peer)
      const known = await node.peerStore.get(id).catch(() => null)
      return (known?.addresses ?? []).map(({ multiaddr }) => multiaddr.toString())
    },
  }
}
