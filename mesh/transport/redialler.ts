/** Runs the redial decisions against a transport: timers, dials, and what became of them. */
import {
  Alarm,
  isSelvedgeError,
  messageOf,
  within,
  type Cancel,
  type Clock,
  type Log,
  type Part,
  type Random,
} from '../../core/index.ts'
import type { NodeId, Transport } from './contract.ts'
import { dialFailureOf, type DialFailure } from './dial-failure.ts'
import { peerOfAddress } from './address.ts'
import { transportProblems } from './problems.ts'
import { Redial, type RedialAction, type RedialEvent, type RedialOptions } from './redial.ts'

export interface RedialParts {
  readonly transport: Transport
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  /** Told of every failed dial; `refused` is proof of a dead process. */
  readonly onFailure?: (peer: NodeId, failure: DialFailure, error: unknown) => void
}

/** A dial that has not ended by then is given up. */
const dialMs = 15_000

export class Redialler implements Part {
  readonly name = 'redialler'
  readonly #parts: RedialParts
  readonly #redial: Redial
  readonly #alarm: Alarm
  #stopped = new AbortController()
  #cancels: Cancel[] = []

  constructor(parts: RedialParts, options?: RedialOptions) {
    this.#parts = parts
    this.#redial = new Redial(parts.random, options)
    this.#alarm = new Alarm(parts.clock, () => this.#tick())
  }

  start(): void {
    if (this.#cancels.length > 0) return
    this.#stopped = new AbortController()
    const { transport, clock } = this.#parts
    this.#cancels = [
      transport.on('peer:admitted', ({ peer }) => this.#feed({ type: 'admitted', peer })),
      transport.on('peer:lost', ({ peer }) => this.#feed({ type: 'lost', peer })),
      () => this.#alarm.stop(),
    ]
    // Who was connected when this stopped was lost unseen.
    this.#redial.on({ type: 'restarted' }, clock.monotonicMs())
    for (const peer of transport.peers()) this.#feed({ type: 'admitted', peer })
    this.#tick()
  }

  stop(): void {
    for (const cancel of this.#cancels.splice(0)) cancel()
    this.#stopped.abort(new Error('the redialler stopped'))
  }

  /** A member and its addresses, from a record or a token. */
  know(peer: NodeId, addresses: readonly string[]): void {
    if (peer === this.#parts.transport.self) return
    this.#feed({ type: 'known', peer, addresses })
    if (this.#parts.transport.peers().includes(peer)) this.#feed({ type: 'admitted', peer })
  }

  /** Where a member may be, as somebody on the local network says. */
  hint(peer: NodeId, addresses: readonly string[]): void {
    if (peer !== this.#parts.transport.self) this.#feed({ type: 'hinted', peer, addresses })
  }

  /** No longer a member. */
  forget(peer: NodeId): void {
    this.#feed({ type: 'forgotten', peer })
  }

  /** Where a member may be found, as it says itself. */
  addressesOf(peer: NodeId): readonly string[] {
    return this.#redial.addressesOf(peer)
  }

  /** To keep connections with these members only; null for everybody that is known. */
  want(peers: readonly NodeId[] | null): void {
    this.#feed({ type: 'wanted', peers })
  }

  /** Dials a member now, wanted or not; once. */
  hurry(peer: NodeId): void {
    this.#feed({ type: 'hurry', peer })
  }

  #feed(event: RedialEvent): void {
    this.#redial.on(event, this.#parts.clock.monotonicMs())
    if (this.#cancels.length > 0) this.#tick()
  }

  #tick(): void {
    const actions = this.#redial.on({ type: 'tick' }, this.#parts.clock.monotonicMs())
    for (const action of actions) this.#dial(action)
    this.#alarm.set(this.#redial.wakeMs)
  }

  #dial({ peer, addresses }: RedialAction): void {
    const { transport, clock, log, onFailure } = this.#parts
    const stopped = this.#stopped.signal
    const full = addresses.flatMap((address) => withPeer(address, peer))
    const late = (): Error =>
      transportProblems.error('ERR_DIAL_TIMEOUT', `${peer} did not answer in ${dialMs / 1_000} s`)
    within({ clock, ms: dialMs, signal: stopped, late }, (signal) => transport.dial(full, signal))
      .then(
        // It may be gone again already; then its loss came before this and counts as a failure.
        () => this.#feed({ type: transport.peers().includes(peer) ? 'admitted' : 'failed', peer }),
        (error: unknown) => {
          log.debug('redial:failed', { peer, error: messageOf(error) })
          this.#feed({ type: 'failed', peer })
          const isOurs = stopped.aborted || isSelvedgeError(error, 'ERR_NETWORK_OFF')
          if (!isOurs) onFailure?.(peer, dialFailureOf(error), error)
        },
      )
      .catch((error: unknown) => log.error('redial:threw', { peer, error: messageOf(error) }))
  }
}

/** So that another node that took over the address is not mistaken for the member, and nobody names another's. */
function withPeer(address: string, peer: NodeId): string[] {
  if (!address.startsWith('/')) return [address]
  if (!address.includes('/p2p/')) return [`${address}/p2p/${peer}`]
  return peerOfAddress(address) === peer ? [address] : []
}
