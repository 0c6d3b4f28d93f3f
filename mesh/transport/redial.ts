/**
 * When to dial known members again: exponential backoff with jitter, one dial per member at a time.
 *
 * Pure: events and the time in, dials out. Nothing in libp2p reconnects after a cut heals, so this does. The two
 * ends of a cut both redial; that they may meet half-way is harmless (see connections.ts).
 *
 * In a large mesh a node needs connections to a few members only: those are dialled until they answer, any other when it
 * is asked for, once. A node that reaches nobody tries everybody it knows.
 */
import { backoffMs, type Random } from '../../core/index.ts'
import { transportLimits, type NodeId } from './contract.ts'

export interface RedialOptions {
  /** The first retry comes after half of this to all of it. */
  readonly baseMs: number
  /** A member long gone is tried this often: the price is one packet, the gain is the time to find it back. */
  readonly capMs: number
  readonly maxMembers: number
  /** Dials under way at once, over all members. */
  readonly maxDials: number
}

const redialDefaults: RedialOptions = { baseMs: 250, capMs: 10_000, maxMembers: 4_096, maxDials: 16 }

export type RedialEvent =
  /** A member and where it may be found; empty addresses are ignored. Also to update the addresses. */
  | { readonly type: 'known'; readonly peer: NodeId; readonly addresses: readonly string[] }
  /** Where somebody unproven says it is: tried after the addresses that it signed itself, and never in their place. */
  | { readonly type: 'hinted'; readonly peer: NodeId; readonly addresses: readonly string[] }
  | { readonly type: 'forgotten'; readonly peer: NodeId }
  | { readonly type: 'admitted'; readonly peer: NodeId }
  | { readonly type: 'lost'; readonly peer: NodeId }
  /** A dial ended without admission. */
  | { readonly type: 'failed'; readonly peer: NodeId }
  /** Try now, whatever the backoff: there is a sign of life, or a suspicion to settle. */
  | { readonly type: 'hurry'; readonly peer: NodeId }
  /** Those to keep connections with; null for everybody, as at the start. */
  | { readonly type: 'wanted'; readonly peers: readonly NodeId[] | null }
  /** The network is back: whatever was learnt about waiting is void, and nobody is connected yet. */
  | { readonly type: 'restarted' }
  /** Time has passed; the only event that makes dials. */
  | { readonly type: 'tick' }

export interface RedialAction {
  readonly type: 'dial'
  readonly peer: NodeId
  readonly addresses: readonly string[]
}

/** Of the addresses in one dial; the others are the member's own. */
const maxHints = 4

interface Member {
  addresses: readonly string[]
  hints: readonly string[]
  state: 'waiting' | 'dialling' | 'connected'
  attempt: number
  dueMs: number
  /** Somebody asked for it, wanted or not. */
  isAskedFor: boolean
}

export class Redial {
  readonly #random: Random
  readonly #options: RedialOptions
  readonly #members = new Map<NodeId, Member>()
  #wanted: ReadonlySet<NodeId> | null = null

  constructor(random: Random, options: RedialOptions = redialDefaults) {
    this.#random = random
    this.#options = options
  }

  /** @param nowMs monotonic */
  on(event: RedialEvent, nowMs: number): RedialAction[] {
    switch (event.type) {
      case 'tick':
        return this.#due(nowMs)
      case 'known':
        this.#learn(event.peer, event.addresses, nowMs)
        return []
      case 'hinted':
        this.#hint(event.peer, event.addresses, nowMs)
        return []
      case 'wanted':
        this.#want(event.peers, nowMs)
        return []
      case 'restarted':
        for (const member of this.#members.values()) {
          if (member.state !== 'dialling')
            Object.assign(member, { state: 'waiting', attempt: 0, dueMs: nowMs })
        }
        return []
      default:
        this.#change(event.type, event.peer, nowMs)
        return []
    }
  }

  /** When `tick` has a member to dial, monotonic; Infinity where it has none without another event. */
  get wakeMs(): number {
    const dialled = [...this.#members.values()].filter(({ state }) => state === 'dialling').length
    // The end of a dial is an event.
    if (dialled >= this.#options.maxDials) return Infinity
    return Math.min(Infinity, ...this.#callable().map(([, { dueMs }]) => dueMs))
  }

  addressesOf(peer: NodeId): readonly string[] {
    return this.#members.get(peer)?.addresses ?? []
  }

  #learn(peer: NodeId, addresses: readonly string[], nowMs: number): void {
    const usable = addresses.slice(0, transportLimits.addressesPerDial - maxHints)
    if (usable.length === 0) return
    const member = this.#members.get(peer)
    if (member !== undefined) {
      const isNews = member.addresses.join() !== usable.join()
      member.addresses = usable
      // A new address is a reason to try at once.
      if (isNews && member.state === 'waiting') Object.assign(member, { attempt: 0, dueMs: nowMs })
      return
    }
    if (this.#members.size >= this.#options.maxMembers) return
    this.#members.set(peer, newMember(usable, [], nowMs))
  }

  #want(peers: readonly NodeId[] | null, nowMs: number): void {
    const before = this.#wanted
    this.#wanted = peers === null ? null : new Set(peers)
    for (const [peer, member] of this.#members) {
      const isNew = before !== null && !before.has(peer) && (this.#wanted?.has(peer) ?? true)
      if (isNew && member.state === 'waiting') Object.assign(member, { attempt: 0, dueMs: nowMs })
    }
  }

  #hint(peer: NodeId, addresses: readonly string[], nowMs: number): void {
    const hints = addresses.slice(0, maxHints)
    const member = this.#members.get(peer)
    if (member === undefined) {
      if (hints.length === 0 || this.#members.size >= this.#options.maxMembers) return
      this.#members.set(peer, newMember([], hints, nowMs))
    } else if (member.hints.join() !== hints.join()) {
      member.hints = hints
      // The backoff stays: hints are free to make up.
      if (member.state === 'waiting' && member.attempt === 0) member.dueMs = nowMs
    }
  }

  #change(type: 'forgotten' | 'admitted' | 'lost' | 'failed' | 'hurry', peer: NodeId, nowMs: number): void {
    const member = this.#members.get(peer)
    if (member === undefined) return
    switch (type) {
      case 'forgotten':
        this.#members.delete(peer)
        return
      case 'admitted':
        Object.assign(member, { state: 'connected', attempt: 0 })
        return
      case 'lost':
        // The first try comes at once: it tells a dead process (refused) from a cut line (silence).
        if (member.state === 'connected')
          Object.assign(member, { state: 'waiting', attempt: 0, dueMs: nowMs })
        return
      case 'failed':
        if (member.state !== 'dialling') return
        member.state = 'waiting'
        member.dueMs =
          nowMs + backoffMs(member.attempt, this.#options.baseMs, this.#options.capMs, this.#random)
        member.attempt++
        return
      case 'hurry':
        if (member.state === 'waiting') Object.assign(member, { dueMs: nowMs, isAskedFor: true })
    }
  }

  /** Those that are not connected and are to be dialled, now or later. */
  #callable(): [NodeId, Member][] {
    const members = [...this.#members]
    const isAlone = members.every(([, member]) => member.state !== 'connected')
    const isWanted = (peer: NodeId): boolean => isAlone || this.#wanted === null || this.#wanted.has(peer)
    return members.filter(
      ([peer, member]) => member.state === 'waiting' && (member.isAskedFor || isWanted(peer)),
    )
  }

  #due(nowMs: number): RedialAction[] {
    const members = [...this.#members.values()]
    const free = this.#options.maxDials - members.filter(({ state }) => state === 'dialling').length
    const due = this.#callable()
      .filter(([, member]) => member.dueMs <= nowMs)
      .sort(([, a], [, b]) => a.dueMs - b.dueMs)
      .slice(0, Math.max(0, free))
    return due.map(([peer, member]) => {
      member.state = 'dialling'
      member.isAskedFor = false
      const hints = member.hints.filter((address) => !member.addresses.includes(address))
      return {
        type: 'dial',
        peer,
        addresses: beginningAt([...member.addresses, ...hints], member.attempt * addressesInTime),
      }
    })
  }
}

/** Silent ones take seconds each, and a dial has time for few: the next one begins behind them. */
const addressesInTime = 3

function beginningAt(addresses: readonly string[], place: number): readonly string[] {
  const at = addresses.length <= addressesInTime ? 0 : place % addresses.length
  return [...addresses.slice(at), ...addresses.slice(0, at)]
}

function newMember(addresses: readonly string[], hints: readonly string[], nowMs: number): Member {
  return { addresses, hints, state: 'waiting', attempt: 0, dueMs: nowMs, isAskedFor: false }
}
