/**
 * Which gateways a node that cannot be dialled keeps places with: two, so that one may fail without anybody noticing.
 *
 * Pure: events and the time in, requests out. Gateways of its own group come first, then live ones, then near ones. A
 * place is renewed at two thirds of its time; one that is lost is replaced at once, and who refuses is asked again later
 * and later.
 */
import { backoffMs, type Random } from '../../core/index.ts'
import type { NodeId } from '../transport/index.ts'

/** A member that offers to be a gateway. */
export interface Candidate {
  readonly node: NodeId
  readonly isSameGroup: boolean
  /** Nothing speaks against it. */
  readonly isAlive: boolean
  /** Milliseconds; null where it was not measured. */
  readonly rttMs: number | null
}

export type PlacesEvent =
  /** Whether this node needs gateways. */
  | { readonly type: 'needed'; readonly isNeeded: boolean }
  | { readonly type: 'candidates'; readonly list: readonly Candidate[] }
  /** A gateway keeps a place for `ms` milliseconds from now. */
  | { readonly type: 'given'; readonly gateway: NodeId; readonly ms: number }
  /** It said no, or nothing. */
  | { readonly type: 'refused'; readonly gateway: NodeId }
  /** The connection to it is gone, and the place with it. */
  | { readonly type: 'lost'; readonly gateway: NodeId }
  | { readonly type: 'tick' }

export interface PlacesAction {
  readonly type: 'ask' | 'release'
  readonly gateway: NodeId
}

export interface PlacesOptions {
  readonly wanted: number
  readonly baseMs: number
  readonly capMs: number
}

const placesDefaults: PlacesOptions = { wanted: 2, baseMs: 500, capMs: 60_000 }
/** Of the time that a place is kept. */
const renewAfter = 2 / 3

interface Gateway {
  candidate: Candidate | null
  isAsking: boolean
  /** Until when a place is kept, and when it is renewed; null without one. */
  place: { readonly untilMs: number; readonly renewMs: number } | null
  attempt: number
  dueMs: number
  /** Among equals each node has an order of its own, so that gateways share the load. */
  readonly tie: number
}

export class Places {
  readonly #random: Random
  readonly #options: PlacesOptions
  readonly #gateways = new Map<NodeId, Gateway>()
  #isNeeded = false

  constructor(random: Random, options: PlacesOptions = placesDefaults) {
    this.#random = random
    this.#options = options
  }

  /** @param nowMs monotonic */
  on(event: PlacesEvent, nowMs: number): PlacesAction[] {
    switch (event.type) {
      case 'needed':
        this.#isNeeded = event.isNeeded
        break
      case 'candidates':
        this.#learn(event.list)
        break
      case 'given':
        this.#given(event.gateway, event.ms, nowMs)
        break
      case 'refused':
        this.#refused(event.gateway, nowMs)
        break
      case 'lost':
        this.#lost(event.gateway, nowMs)
        break
      case 'tick':
        break
    }
    return this.#plan(nowMs)
  }

  /** Gateways that keep a place, sorted. */
  held(nowMs: number): NodeId[] {
    const held = [...this.#gateways].filter(([, { place }]) => place !== null && place.untilMs > nowMs)
    return held.map(([node]) => node).sort()
  }

  /** There is somebody to ask. */
  get hasCandidates(): boolean {
    return [...this.#gateways.values()].some(({ candidate }) => candidate !== null)
  }

  #learn(list: readonly Candidate[]): void {
    const known = new Map(list.map((candidate) => [candidate.node, candidate]))
    for (const [node, gateway] of this.#gateways) {
      const candidate = known.get(node) ?? null
      // What it failed at before it came back, or before this node reached it, says nothing of now.
      if (candidate?.isAlive === true && gateway.candidate?.isAlive !== true) {
        Object.assign(gateway, { attempt: 0, dueMs: 0 })
      }
      gateway.candidate = candidate
    }
    for (const [node, candidate] of known) {
      if (this.#gateways.has(node)) continue
      const tie = this.#random.fraction()
      this.#gateways.set(node, { candidate, isAsking: false, place: null, attempt: 0, dueMs: 0, tie })
    }
  }

  #given(node: NodeId, ms: number, nowMs: number): void {
    const gateway = this.#gateways.get(node)
    if (gateway === undefined) return
    gateway.place = { untilMs: nowMs + ms, renewMs: nowMs + ms * renewAfter }
    Object.assign(gateway, { isAsking: false, attempt: 0, dueMs: nowMs })
  }

  #refused(node: NodeId, nowMs: number): void {
    const gateway = this.#gateways.get(node)
    if (gateway === undefined) return
    const { baseMs, capMs } = this.#options
    gateway.isAsking = false
    gateway.dueMs = nowMs + backoffMs(gateway.attempt, baseMs, capMs, this.#random)
    gateway.attempt++
  }

  #lost(node: NodeId, nowMs: number): void {
    const gateway = this.#gateways.get(node)
    if (gateway === undefined || gateway.place === null) return
    gateway.place = null
    // Whoever refused an hour ago is asked now that a place is missing; how often it did is not forgotten.
    for (const other of this.#gateways.values()) other.dueMs = Math.min(other.dueMs, nowMs)
    // The others come first: it may be gone.
    if (!gateway.isAsking) this.#refused(node, nowMs)
  }

  #plan(nowMs: number): PlacesAction[] {
    const actions: PlacesAction[] = []
    for (const [node, gateway] of this.#gateways) {
      if (gateway.place !== null && gateway.place.untilMs <= nowMs) gateway.place = null
      const isWelcome = this.#isNeeded && gateway.candidate !== null
      if (!isWelcome && gateway.place !== null) {
        gateway.place = null
        actions.push({ type: 'release', gateway: node })
      }
      if (gateway.candidate === null && gateway.place === null && !gateway.isAsking) {
        this.#gateways.delete(node)
      }
    }
    if (!this.#isNeeded) return actions
    return [...actions, ...this.#renewals(nowMs), ...this.#additions(nowMs), ...this.#surplus()]
  }

  #renewals(nowMs: number): PlacesAction[] {
    const due = [...this.#gateways].filter(
      ([, { place, isAsking, dueMs }]) =>
        place !== null && place.renewMs <= nowMs && !isAsking && dueMs <= nowMs,
    )
    return due.map(([node, gateway]) => this.#ask(node, gateway))
  }

  #additions(nowMs: number): PlacesAction[] {
    const ranked = this.#ranked()
    // A place with who is gone is none, though its connection has not closed yet.
    const taken = ranked.filter(
      ([, { place, isAsking, candidate }]) => (place !== null && candidate?.isAlive === true) || isAsking,
    )
    const free = ranked.filter(
      ([, { place, isAsking, dueMs, candidate }]) =>
        candidate !== null && place === null && !isAsking && dueMs <= nowMs,
    )
    const missing = Math.max(0, this.#options.wanted - taken.length)
    const chosen = free.slice(0, missing)
    // One of its own group takes the place of another: first asked, then the other is let go.
    const [better] = free.slice(missing)
    const isFull = missing === 0 && taken.length === this.#options.wanted
    const worst = taken.at(-1)?.[1].candidate
    if (isFull && better?.[1].candidate?.isSameGroup === true && better[1].candidate.isAlive) {
      if (worst?.isSameGroup !== true) chosen.push(better)
    }
    return chosen.map(([node, gateway]) => this.#ask(node, gateway))
  }

  #surplus(): PlacesAction[] {
    const held = this.#ranked().filter(([, { place }]) => place !== null)
    return held.slice(this.#options.wanted).map(([node, gateway]) => {
      gateway.place = null
      return { type: 'release', gateway: node }
    })
  }

  #ask(node: NodeId, gateway: Gateway): PlacesAction {
    gateway.isAsking = true
    return { type: 'ask', gateway: node }
  }

  /** The best first. */
  #ranked(): [NodeId, Gateway][] {
    return [...this.#gateways].sort(([, a], [, b]) => rankOf(a) - rankOf(b) || a.tie - b.tie)
  }
}

/** Liveness before group, group before distance; distances that differ by less than half are one. */
function rankOf({ candidate }: Gateway): number {
  if (candidate === null) return Infinity
  const { isAlive, isSameGroup, rttMs } = candidate
  const distance = rttMs === null ? 12 : Math.min(12, Math.max(0, Math.round(Math.log2(rttMs + 1))))
  return (isAlive ? 0 : 200) + (isSameGroup ? 0 : 100) + distance
}
