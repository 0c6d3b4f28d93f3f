/**
 * The first failure detector: who is alive, as seen from this node. Pure: events and the time go in, probes to
 * send come out.
 *
 * A closed socket is evidence, not a verdict; a connection that the host itself refuses is proof of a dead
 * process. Silence kills nobody while this node may be the one that is cut off: it does so only from a node that
 * still reaches more than half of those it counts on. Indirect probes and the votes of others will take the place
 * of that rule (SWIM, Das et al. 2002; Lifeguard, Dadgar et al. 2018).
 */
import type { NodeId } from '../identity/index.ts'
import type { DialFailure } from '../transport/index.ts'

export type Verdict = 'alive' | 'suspect' | 'dead' | 'isolated'

export type DetectorEvent =
  /** Everybody who is a member, without this node. */
  | { readonly type: 'members'; readonly nodes: readonly NodeId[] }
  | { readonly type: 'connected'; readonly node: NodeId }
  | { readonly type: 'disconnected'; readonly node: NodeId }
  | { readonly type: 'answered'; readonly node: NodeId; readonly rttMs: number }
  | { readonly type: 'dial-failed'; readonly node: NodeId; readonly failure: DialFailure }
  /** This node's own network was switched off or on. */
  | { readonly type: 'network'; readonly on: boolean }
  | { readonly type: 'tick' }

export interface DetectorAction {
  readonly type: 'probe'
  readonly node: NodeId
}

/** What this node holds of another, or of itself. */
export interface Opinion {
  readonly verdict: Verdict
  /** In words, with the evidence. */
  readonly why: string
  /** Monotonic ms. */
  readonly sinceMs: number
  /** Smoothed; null before the first answer. */
  readonly rttMs: number | null
}

export interface DetectorOptions {
  /** One probe per connected peer and period. */
  readonly probeMs: number
  /** Silence on an open connection that makes a peer suspect; well above any round trip plus one period. */
  readonly silenceMs: number
  /** How long a suspect has to be heard again before silence counts as death. */
  readonly suspicionMs: number
  /** A gap between two ticks that means this node slept or was stopped: everybody gets a fresh window. */
  readonly sleepMs: number
}

/** A killed process shows within milliseconds by its refused port; these bound the silent cases, ~7 s in all. */
export const detectorDefaults: DetectorOptions = {
  probeMs: 1_000,
  silenceMs: 2_500,
  suspicionMs: 4_000,
  sleepMs: 5_000,
}

interface Watched {
  connected: boolean
  /** Monotonic ms of the last sign of life; null when there was none since this node started. */
  heardMs: number | null
  probedMs: number
  rttMs: number | null
  verdict: 'alive' | 'suspect' | 'dead'
  sinceMs: number
  /** Why it is suspect or dead. */
  reason: string
}

/** Weight of a new round trip in the smoothed one, as in TCP (RFC 6298). */
const rttGain = 1 / 8

export class Detector {
  readonly #options: DetectorOptions
  readonly #watched = new Map<NodeId, Watched>()
  #tickedMs: number
  #networkOn = true
  #isolatedSinceMs: number | null = null
  /** Since when this node has had a majority in view: suspicion runs from here at the earliest. */
  #majoritySinceMs: number
  readonly #startedMs: number

  constructor(options: DetectorOptions, nowMs: number) {
    this.#options = options
    this.#tickedMs = nowMs
    this.#majoritySinceMs = nowMs
    this.#startedMs = nowMs
  }

  handle(event: DetectorEvent, nowMs: number): DetectorAction[] {
    switch (event.type) {
      case 'members':
        this.#setMembers(event.nodes, nowMs)
        break
      case 'connected':
      case 'answered':
        this.#hear(event, nowMs)
        break
      case 'disconnected':
        this.#lose(event.node, nowMs)
        break
      case 'dial-failed':
        this.#failDial(event.node, event.failure, nowMs)
        break
      case 'network':
        this.#networkOn = event.on
        this.#refresh(nowMs)
        break
      case 'tick':
        return this.#tick(nowMs)
    }
    this.#weighSelf(nowMs)
    return []
  }

  /** @returns null for a node that is not watched */
  opinion(node: NodeId): Opinion | null {
    const watched = this.#watched.get(node)
    if (watched === undefined) return null
    const { verdict, sinceMs, rttMs, reason } = watched
    return { verdict, sinceMs, rttMs, why: verdict === 'alive' ? aliveReason(rttMs) : reason }
  }

  /** What this node holds of itself. */
  self(): Opinion {
    const { reached, counted } = this.#count()
    if (!this.#networkOn) {
      return {
        verdict: 'isolated',
        why: 'its network is switched off',
        sinceMs: this.#isolatedSinceMs ?? 0,
        rttMs: null,
      }
    }
    if (this.#isolatedSinceMs === null) {
      return {
        verdict: 'alive',
        why: `reaches ${reached - 1} of ${counted - 1} peers`,
        sinceMs: this.#majoritySinceMs,
        rttMs: null,
      }
    }
    const why = `it reaches ${reached - 1} of the ${counted - 1} peers it counts on, and changes nobody’s state`
    return { verdict: 'isolated', why, sinceMs: this.#isolatedSinceMs, rttMs: null }
  }

  #setMembers(nodes: readonly NodeId[], nowMs: number): void {
    const wanted = new Set(nodes)
    for (const node of this.#watched.keys()) if (!wanted.has(node)) this.#watched.delete(node)
    for (const node of wanted) {
      if (this.#watched.has(node)) continue
      this.#watched.set(node, {
        connected: false,
        heardMs: null,
        probedMs: Number.NEGATIVE_INFINITY,
        rttMs: null,
        verdict: 'suspect',
        sinceMs: nowMs,
        reason: 'not reached since this node started',
      })
    }
  }

  #hear(event: Extract<DetectorEvent, { type: 'connected' | 'answered' }>, nowMs: number): void {
    const watched = this.#watched.get(event.node)
    if (watched === undefined) return
    if (event.type === 'connected') watched.connected = true
    else
      watched.rttMs =
        watched.rttMs === null ? event.rttMs : watched.rttMs + rttGain * (event.rttMs - watched.rttMs)
    watched.heardMs = nowMs
    this.#judge(watched, 'alive', '', nowMs)
  }

  #lose(node: NodeId, nowMs: number): void {
    const watched = this.#watched.get(node)
    if (watched === undefined) return
    watched.connected = false
    if (watched.verdict === 'alive') this.#judge(watched, 'suspect', 'its connection closed', nowMs)
  }

  #failDial(node: NodeId, failure: DialFailure, nowMs: number): void {
    const watched = this.#watched.get(node)
    if (watched === undefined || watched.connected) return
    // Only the host of a running kernel refuses; a cut line stays silent. A node that was never heard in this
    // run may have moved to another port, so its old port proves nothing.
    if (failure === 'refused' && watched.heardMs !== null) {
      this.#judge(watched, 'dead', 'its host refuses the connection: the process is gone', nowMs)
    }
  }

  #tick(nowMs: number): DetectorAction[] {
    if (nowMs - this.#tickedMs > this.#options.sleepMs) this.#refresh(nowMs)
    this.#tickedMs = nowMs
    const probes: DetectorAction[] = []
    for (const [node, watched] of this.#watched) {
      this.#weigh(watched, nowMs)
      if (!watched.connected || nowMs - watched.probedMs < this.#options.probeMs) continue
      watched.probedMs = nowMs
      probes.push({ type: 'probe', node })
    }
    this.#weighSelf(nowMs)
    return probes
  }

  #weigh(watched: Watched, nowMs: number): void {
    const silentMs = nowMs - (watched.heardMs ?? this.#startedMs)
    if (watched.verdict === 'alive' && silentMs > this.#options.silenceMs) {
      this.#judge(watched, 'suspect', 'probes get no answer', nowMs)
    }
    if (watched.verdict !== 'suspect' || this.#isolatedSinceMs !== null) return
    const suspectMs = nowMs - Math.max(watched.sinceMs, this.#majoritySinceMs)
    if (suspectMs <= this.#options.suspicionMs) return
    const seconds = Math.round(silentMs / 1_000)
    const silence =
      watched.heardMs === null ? 'was never reached since this node started' : `silent for ${seconds} s`
    this.#judge(watched, 'dead', `${silence}, while this node reaches more than half of its peers`, nowMs)
  }

  /** After a sleep nothing that lies before it counts as silence. */
  #refresh(nowMs: number): void {
    for (const watched of this.#watched.values()) {
      if (watched.heardMs !== null) watched.heardMs = nowMs
      if (watched.verdict === 'suspect') watched.sinceMs = nowMs
    }
    this.#majoritySinceMs = nowMs
  }

  #weighSelf(nowMs: number): void {
    const { reached, counted } = this.#count()
    const isolated = !this.#networkOn || (counted > 1 && reached * 2 <= counted)
    if (isolated) {
      this.#isolatedSinceMs ??= nowMs
    } else if (this.#isolatedSinceMs !== null) {
      this.#isolatedSinceMs = null
      this.#majoritySinceMs = nowMs
    }
  }

  /** Itself included. The dead no longer count: that they are dead was settled by a majority, or proven. */
  #count(): { reached: number; counted: number } {
    let reached = 1
    let counted = 1
    for (const { verdict } of this.#watched.values()) {
      if (verdict === 'alive') reached += 1
      if (verdict !== 'dead') counted += 1
    }
    return { reached, counted }
  }

  #judge(watched: Watched, verdict: Watched['verdict'], reason: string, nowMs: number): void {
    watched.reason = reason
    if (watched.verdict === verdict) return
    watched.verdict = verdict
    watched.sinceMs = nowMs
  }
}

function aliveReason(rttMs: number | null): string {
  return rttMs === null ? 'connected' : 'answers its probes'
}
