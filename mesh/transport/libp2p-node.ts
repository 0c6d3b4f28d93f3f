/** How libp2p is set up: TCP, noise, yamux, identify, ping; bounds raised where many nodes share one address. */
import { privateKeyFromRaw } from '@libp2p/crypto/keys'
import { identify } from '@libp2p/identify'
import type { ConnectionGater } from '@libp2p/interface'
import { mdns } from '@libp2p/mdns'
import { noise } from '@libp2p/noise'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { ping } from '@libp2p/ping'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { createLibp2p, type Libp2p } from 'libp2p'
import { keyPairFromSeed, messageOf } from '../../core/index.ts'
import type { Wiring } from './circuits.ts'
import { transportLimits, type NodeId } from './contract.ts'
import { transportProblems } from './problems.ts'
import { sendingByTurns, sendingWhole } from './send-batch.ts'

export type { Libp2p }

/** A node, and what makes connections beside its dials. */
export interface RunningLibp2p {
  readonly node: Libp2p
  readonly wiring: Wiring
}

/**
 * The stream window. 256 KiB sends in a window of some megabytes were the fastest measured; it must stay under
 * the read buffer of a paused stream (4 MiB), which libp2p resets when it overflows.
 */
const maxWindowBytes = 2 * 1024 * 1024

type PrivateKey = ReturnType<typeof privateKeyFromRaw>

export function privateKeyFromSeed(seed: Uint8Array): PrivateKey {
  return privateKeyFromRaw(new Uint8Array([...seed, ...keyPairFromSeed(seed).publicKey]))
}

export function nodeIdOfKey(key: PrivateKey): NodeId {
  return peerIdFromPrivateKey(key).toString()
}

/** Makes, does not start, the libp2p node. */
export async function createNode(options: {
  readonly privateKey: PrivateKey
  readonly listen: readonly string[]
  readonly announce: readonly string[]
  readonly mdns: boolean
  readonly gater: ConnectionGater
}): Promise<RunningLibp2p> {
  let wiring!: Wiring
  const node = await createLibp2p({
    start: false,
    privateKey: options.privateKey,
    nodeInfo: { userAgent: 'selvedge' },
    addresses: { listen: [...options.listen], announce: [...options.announce] },
    transports: [tcp()],
    connectionEncrypters: [(components) => sendingWhole(noise()(components))],
    streamMuxers: [() => sendingByTurns(yamux({ streamOptions: { maxStreamWindowSize: maxWindowBytes } })())],
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
      circuits: (components: Wiring) => {
        wiring = components
        return {}
      },
    },
  })
  return { node, wiring }
}

/** What a failed start means to a person. */
export function listenError(error: unknown, listen: readonly string[]): unknown {
  // libp2p folds the system errors of all listeners into one text.
  const text = messageOf(error)
  const place = /(EADDRINUSE|EADDRNOTAVAIL|EACCES|ENOTFOUND)[^\n]*?(\S+:\d+)?\s*$/m.exec(text)
  if (place === null) return error
  const where = place[2] ?? listen.join(', ')
  switch (place[1]) {
    case 'EADDRINUSE':
      return transportProblems.error('ERR_PORT_IN_USE', `another program listens on ${where}`, {
        cause: error,
      })
    case 'EACCES':
      return transportProblems.error('ERR_ADDRESS', `this user may not listen on ${where}`, {
        cause: error,
        hint: 'choose a port over 1023 with --listen',
      })
    default:
      return transportProblems.error('ERR_ADDRESS', `this machine has no address ${where}`, {
        cause: error,
        hint: 'listen on 0.0.0.0 or on an address that `ip addr` shows',
      })
  }
}
