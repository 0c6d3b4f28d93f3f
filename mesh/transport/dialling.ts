/** From a target to a connection: which addresses to try, and what it means when none of them works. */
import type { Connection } from '@libp2p/interface'
import { delay, type Clock } from '../../core/index.ts'
import {
  isLoopback,
  isLoopbackHost,
  parseAddress,
  parseMultiaddr,
  peerOfAddress,
  placeOf,
} from './address.ts'
import { gatewayOf, isCircuit } from './circuit-address.ts'
import { transportLimits, type NodeId } from './contract.ts'
import { dialError, hostsIn, type AddressFailure } from './dial-failure.ts'
import type { Libp2p, RunningLibp2p } from './libp2p-node.ts'
import { transportProblems } from './problems.ts'

export interface DialParts {
  readonly node: Libp2p
  readonly self: NodeId
  isBanned(peer: NodeId): boolean
  /** The host where a peer was last met; null for one never met since the start. */
  metAt(peer: NodeId): string | null
  readonly clock: Clock
  /** There is an admitted connection to it. */
  isConnected(peer: NodeId): boolean
  /** There are connections to it, admitted or not, through gateways alone. */
  isRelayed(peer: NodeId): boolean
  /** Connects with a node behind a gateway. */
  dialThrough(address: string, signal: AbortSignal): Promise<Connection>
}

/** So long a direct connection may take before one through a gateway is tried beside it. */
const headStartMs = 500

/** @throws ERR_ADDRESS */
export async function addressesFor(
  { remembered }: Pick<RunningLibp2p, 'remembered'>,
  target: string | readonly string[],
): Promise<string[]> {
  if (typeof target !== 'string') return usableOf(target.slice(0, transportLimits.addressesPerDial))
  if (target.includes('/') || target.includes(':')) return [parseAddress(target)]
  let bare: string[]
  try {
    bare = await remembered(target)
  } catch (error) {
    throw transportProblems.error('ERR_ADDRESS', `"${target}" is neither a node id nor an address`, {
      cause: error,
    })
  }
  return bare.map((address) => (peerOfAddress(address) === null ? `${address}/p2p/${target}` : address))
}

/** One address that this release cannot read, a newer node's perhaps, does not spoil the others. */
function usableOf(addresses: readonly string[]): string[] {
  const usable: string[] = []
  let failure: unknown = transportProblems.error('ERR_ADDRESS', 'there is no address to dial')
  for (const address of addresses) {
    try {
      usable.push(parseAddress(address))
    } catch (error) {
      failure = error
    }
  }
  if (usable.length === 0) throw failure
  return usable
}

/**
 * Tries the addresses of one peer in turn, so that each failure keeps its meaning; the ways through gateways when the
 * direct ones have failed, or answered nothing for a moment.
 * @throws ERR_ADDRESS, ERR_PEER_BANNED, ERR_DIAL_REFUSED, ERR_DIAL_UNREACHABLE, ERR_DIAL_TIMEOUT
 */
export async function connectTo(
  parts: DialParts,
  peer: NodeId | null,
  addresses: readonly string[],
  signal: AbortSignal,
): Promise<Connection> {
  if (peer === parts.self) throw transportProblems.error('ERR_ADDRESS', `${addresses[0]} is this node itself`)
  if (peer !== null && parts.isBanned(peer)) {
    throw transportProblems.error('ERR_PEER_BANNED', `${peer} is shut out for now`)
  }
  const direct = addresses.filter((address) => !isCircuit(address))
  const relayed = addresses.filter(isCircuit)
  const failures: AddressFailure[] = []
  const attempt = new Attempt(parts, peer, relayed.length > 0, failures)
  const connection =
    relayed.length === 0
      ? await attempt.inTurn(direct, signal)
      : await attempt.eitherWay(direct, nearestFirst(parts, relayed), signal)
  if (connection !== null) return connection
  if (failures.length === 0) signal.throwIfAborted()
  throw dialError(peer ?? addresses[0] ?? 'a peer without addresses', failures)
}

/** Gateways that this node has a connection to come first: they are known to live, and cost no dial. */
function nearestFirst({ isConnected }: DialParts, addresses: readonly string[]): string[] {
  const isNear = (address: string): boolean => isConnected(gatewayOf(address)?.gateway ?? '')
  return [...addresses.filter(isNear), ...addresses.filter((address) => !isNear(address))]
}

/** The tries of one dial; what failed is written down. */
class Attempt {
  readonly #parts: DialParts
  readonly #peer: NodeId | null
  readonly #isBehindGateway: boolean
  readonly #failures: AddressFailure[]

  constructor(parts: DialParts, peer: NodeId | null, isBehindGateway: boolean, failures: AddressFailure[]) {
    this.#parts = parts
    this.#peer = peer
    this.#isBehindGateway = isBehindGateway
    this.#failures = failures
  }

  /** @returns null where none of them answered */
  async inTurn(addresses: readonly string[], signal: AbortSignal): Promise<Connection | null> {
    const met = this.#peer === null ? null : this.#parts.metAt(this.#peer)
    // Loopback addresses of a node on another machine lead back to this one.
    const isElsewhere = met !== null && !isLoopbackHost(met)
    const remote = addresses.filter((address) => !isElsewhere || isCircuit(address) || !isLoopback(address))
    for (const address of remote.length > 0 ? remote : addresses) {
      if (signal.aborted) return null
      try {
        return await this.#connect(address, signal)
      } catch (error) {
        // Who is found behind gateways only may have the address of another machine nearby; and whether a gateway
        // has nobody there says nothing of why.
        const isTelling = !this.#isBehindGateway && this.#isOwnHost(address, error, met)
        this.#failures.push({ address, error, isTelling })
      }
    }
    return null
  }

  /**
   * What a host answers tells of the node that was last met there. Any other address that it announces, a private one
   * behind a NAT, may be another machine's; of a node that was never met, loopback is never its own.
   */
  #isOwnHost(address: string, error: unknown, met: string | null): boolean {
    if (this.#peer === null) return true
    if (met === null) return !isLoopback(address)
    const host = placeOf(address)?.host
    return host === undefined ? hostsIn(error).includes(met) : host === met
  }

  /** Directly if that is quick; whichever comes first otherwise. @returns null where neither does */
  async eitherWay(
    direct: readonly string[],
    relayed: readonly string[],
    signal: AbortSignal,
  ): Promise<Connection | null> {
    const over = new AbortController()
    const onAbort = (): void => over.abort(signal.reason)
    signal.addEventListener('abort', onAbort, { once: true })
    if (signal.aborted) onAbort()
    const straight = this.inTurn(direct, over.signal)
    const patience = delay(this.#parts.clock, headStartMs, over.signal).catch(() => {})
    const around = Promise.race([straight, patience]).then(async () =>
      (await settledNow(straight)) !== null ? null : this.inTurn(relayed, over.signal),
    )
    try {
      return await firstConnection([straight, around])
    } finally {
      signal.removeEventListener('abort', onAbort)
      over.abort(new Error('another way was quicker'))
    }
  }

  async #connect(address: string, signal: AbortSignal): Promise<Connection> {
    const { node, self, dialThrough } = this.#parts
    if (isCircuit(address)) return dialThrough(address, signal)
    // What leads through a gateway is no reason not to connect directly.
    const force = this.#peer !== null && this.#parts.isRelayed(this.#peer)
    const connection = await node.dial(parseMultiaddr(address), { signal, force })
    if (connection.remotePeer.toString() !== self) return connection
    await connection.close()
    throw transportProblems.error('ERR_ADDRESS', `${address} is this node itself`)
  }
}

/** What a promise has come to by now. @returns null while it waits, and for one that came to nothing */
async function settledNow(promise: Promise<Connection | null>): Promise<Connection | null> {
  return Promise.race([promise, Promise.resolve(null)])
}

/** @returns the first that is one, or null when all have ended without; they do not reject */
function firstConnection(attempts: readonly Promise<Connection | null>[]): Promise<Connection | null> {
  return new Promise((resolve, reject) => {
    let left = attempts.length
    let isOver = false
    for (const attempt of attempts) {
      attempt.then((connection) => {
        left--
        // Two ways that were equally quick: one is enough.
        if (isOver) connection?.close().catch((error: Error) => connection.abort(error))
        else if (connection !== null || left === 0) {
          isOver = true
          resolve(connection)
        }
      }, reject)
    }
  })
}
