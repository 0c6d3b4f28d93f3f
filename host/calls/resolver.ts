/**
 * Which node answers a call: the caller's own, then one of its groups, then any, where the release says so. Among
 * several the better of two at random, by calls under way and how long answers take (Mitzenmacher, "The Power of Two
 * Choices", 2001); with a key always the same one (rendezvous hashing). Pure: what is known goes in, a node comes out.
 */
import { createHash } from 'node:crypto'
import type { Random } from '../../core/index.ts'
import { Breaker, type BreakerState, type Sign } from './breaker.ts'
import type { CallScope } from './contract.ts'

export interface Candidate {
  readonly node: string
  readonly name: string
  readonly scope: Exclude<CallScope, 'node'>
  /** Whether it is thought to be well; others are asked where nobody else is left. */
  readonly isWell: boolean
}

export interface Question {
  readonly app: string
  readonly self: { readonly node: string; readonly name: string }
  /** Whether this node's own instance takes calls. */
  readonly isLocal: boolean
  /** Others that run it, whatever the release allows. */
  readonly candidates: readonly Candidate[]
  readonly reach: CallScope
  readonly key: string | null
  /** Asked already for this call. */
  readonly tried: ReadonlySet<string>
}

export interface Choice {
  readonly node: string
  readonly name: string
  readonly scope: CallScope
  readonly why: string
  /** To be called once, when it is known what came of it. */
  readonly end: (sign: Sign, ms: number, nowMs: number) => void
}

export interface NoChoice {
  readonly node: null
  /** `scope`: somebody runs it, and may not be asked from here. */
  readonly reason: 'nobody' | 'scope' | 'resting'
  /** When somebody might be asked again; monotonic ms. */
  readonly againAtMs: number | null
}

/** Pairs of app and node that are remembered; those without calls make room. */
const maxBreakers = 4_096
const tiers = [
  { scope: 'group', isWell: true },
  { scope: 'mesh', isWell: true },
  { scope: 'group', isWell: false },
  { scope: 'mesh', isWell: false },
] as const

/** Calls of an app under way on a node, whoever makes them, as it says itself; 0 where it says nothing. */
export type LoadOf = (app: string, node: string) => number

export class Resolver {
  readonly #random: Random
  readonly #loadOf: LoadOf
  readonly #breakers = new Map<string, Breaker>()

  constructor(random: Random, loadOf: LoadOf = () => 0) {
    this.#random = random
    this.#loadOf = loadOf
  }

  /** @param nowMs monotonic */
  choose(question: Question, nowMs: number): Choice | NoChoice {
    const { self, isLocal, candidates, reach, tried } = question
    if (isLocal && !tried.has(self.node)) {
      return { ...self, scope: 'node', why: 'this node runs it', end: () => {} }
    }
    const reachable = candidates.filter(({ scope }) => isWithin(scope, reach))
    for (const tier of tiers) {
      const inTier = reachable.filter(({ scope, isWell }) => scope === tier.scope && isWell === tier.isWell)
      const open = inTier.filter(
        ({ node }) => !tried.has(node) && this.#breaker(question.app, node).allows(nowMs),
      )
      if (open.length > 0) return this.#pick(question, open, inTier.length, nowMs)
    }
    if (reachable.length === 0) {
      return { node: null, reason: candidates.length === 0 ? 'nobody' : 'scope', againAtMs: null }
    }
    const times = reachable.flatMap(({ node }) => this.#breaker(question.app, node).opensAtMs(nowMs) ?? [])
    return { node: null, reason: 'resting', againAtMs: times.length === 0 ? null : Math.min(...times) }
  }

  /** How many pairs of app and node are in which state. */
  states(nowMs: number): Readonly<Record<BreakerState, number>> {
    const counts = { closed: 0, open: 0, 'half-open': 0 }
    for (const breaker of this.#breakers.values()) counts[breaker.state(nowMs)] += 1
    return counts
  }

  #pick(question: Question, open: readonly Candidate[], ofTier: number, nowMs: number): Choice {
    const { app, key } = question
    const [only] = open
    const chosen =
      key !== null
        ? highest(app, key, open)
        : open.length === 1
          ? (only as Candidate)
          : this.#ofTwo(app, open, nowMs)
    const breaker = this.#breaker(app, chosen.node)
    const isTrial = breaker.begin(nowMs)
    const { node, name, scope } = chosen
    return {
      node,
      name,
      scope,
      why: reasonOf(question, chosen, open.length, ofTier, isTrial),
      end: (sign, ms, atMs) => breaker.end(sign, isTrial, ms, atMs, this.#random),
    }
  }

  #ofTwo(app: string, open: readonly Candidate[], nowMs: number): Candidate {
    const first = Math.floor(this.#random.fraction() * open.length)
    const second = (first + 1 + Math.floor(this.#random.fraction() * (open.length - 1))) % open.length
    const [a, b] = [open[first] as Candidate, open[second] as Candidate]
    const [left, right] = [this.#breaker(app, a.node), this.#breaker(app, b.node)]
    // Of one that never answered nothing is known: as quick as the other, so that it is tried.
    const usual = left.latencyMs(nowMs) ?? right.latencyMs(nowMs) ?? 1
    // What a node says of itself has the calls of all its callers in it, and is a moment old.
    const cost = (breaker: Breaker, node: string): number =>
      (Math.max(breaker.inFlight, this.#loadOf(app, node)) + 1) * (breaker.latencyMs(nowMs) ?? usual)
    return cost(left, a.node) <= cost(right, b.node) ? a : b
  }

  #breaker(app: string, node: string): Breaker {
    const key = `${app}\n${node}`
    const known = this.#breakers.get(key)
    if (known !== undefined) return known
    if (this.#breakers.size >= maxBreakers) this.#makeRoom()
    const made = new Breaker()
    this.#breakers.set(key, made)
    return made
  }

  #makeRoom(): void {
    for (const [key, { inFlight }] of this.#breakers) {
      if (inFlight > 0) continue
      this.#breakers.delete(key)
      if (this.#breakers.size < maxBreakers) return
    }
  }
}

export function isWithin(scope: CallScope, reach: CallScope): boolean {
  const order: readonly CallScope[] = ['node', 'group', 'mesh']
  return order.indexOf(scope) <= order.indexOf(reach)
}

function highest(app: string, key: string, open: readonly Candidate[]): Candidate {
  const weights = open.map((candidate) => ({
    candidate,
    weight: createHash('sha256').update(`${app}\n${key}\n${candidate.node}`).digest('hex'),
  }))
  weights.sort((a, b) => (a.weight < b.weight ? 1 : -1))
  return (weights[0] as (typeof weights)[0]).candidate
}

function reasonOf(
  { isLocal, key, tried, self }: Question,
  { scope, isWell }: Candidate,
  open: number,
  ofTier: number,
  isTrial: boolean,
): string {
  const here = isLocal && tried.has(self.node) ? 'this node failed at it' : 'this node does not run it'
  const place = scope === 'group' ? 'in its group' : 'in no group of it, as the release allows'
  const how =
    key !== null
      ? 'by its key'
      : open === 1
        ? ofTier === 1
          ? 'the only one'
          : `the only one of ${ofTier} that takes calls`
        : `the better of two of ${open}`
  const doubt = isWell ? '' : ', though it is not known to be well'
  return `${here}; ${place}, ${how}${doubt}${isTrial ? ', to see whether it is back' : ''}`
}
