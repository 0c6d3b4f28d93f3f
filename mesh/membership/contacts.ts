/**
 * Connections and dials as evidence: who has come, who hung up, whose host refuses, and what answers where nobody speaks.
 */
import type { NodeId } from '../identity/index.ts'
import type { KnockAnswer } from '../transport/index.ts'
import type { Ballot } from './ballot.ts'
import type { Context } from './context.ts'
import type { Exchange } from './exchange.ts'
import type { Link } from './link.ts'
import type { Prober } from './prober.ts'
import type { Standing } from './standing.ts'

/** A connection that was announced to close tells nothing for so long. */
const partingMs = 5_000
/** Between two looks at the port of one in doubt, doubled each time, to a minute. */
const knockMs = 2_000
const knockCapMs = 60_000

export interface ContactParts {
  readonly context: Context
  readonly ballot: Ballot
  readonly prober: Prober
  readonly exchange: Exchange
  readonly standing: Standing
}

export class Contacts {
  readonly #context: Context
  readonly #ballot: Ballot
  readonly #prober: Prober
  readonly #exchange: Exchange
  readonly #standing: Standing

  constructor({ context, ballot, prober, exchange, standing }: ContactParts) {
    this.#context = context
    this.#ballot = ballot
    this.#prober = prober
    this.#exchange = exchange
    this.#standing = standing
  }

  /** A connection to it is open. */
  meet(node: NodeId, nowMs: number): void {
    const { view, touched } = this.#context
    if (!view.rings.has(node) || node === view.self) return
    const link = view.link(node, nowMs)
    link.isUp = true
    link.probe = null
    link.unansweredMs = null
    link.partedMs = null
    link.isIntroduced = false
    link.missing = null
    link.forgetWords()
    this.#standing.review()
    this.hear(node, null, nowMs)
    touched.add(node)
    this.#exchange.greet(link, nowMs)
  }

  /** A sign of life. @param number of the probe that it answers; null for anything else */
  hear(node: NodeId, number: number | null, nowMs: number): void {
    const link = this.#context.view.links.get(node)
    if (link === undefined) return
    this.#prober.hear(link, number, nowMs)
    // Nobody speaks for a node that it only hears.
    if (number !== null || link.unansweredMs === null) this.#ballot.speakFor(link, nowMs)
  }

  /** Its last connection is gone. */
  lose(node: NodeId, nowMs: number): void {
    const { view, outbox, touched } = this.#context
    const link = view.links.get(node)
    if (link === undefined) return
    const isParted = link.partedMs !== null && nowMs - link.partedMs < partingMs
    link.isUp = false
    link.probe = null
    link.wantedMs = nowMs
    this.#standing.review()
    touched.add(node)
    if (!view.neighbours.includes(node)) {
      this.#prober.release(link)
      view.links.delete(node)
      return
    }
    if (!isParted && link.doubt === null) {
      this.#prober.doubt(link, 'closed', nowMs, nowMs)
      this.#ballot.weigh(link, nowMs)
    }
    outbox.add({ type: 'dial', node })
  }

  failDial(node: NodeId, isRefused: boolean, nowMs: number): void {
    const { view, options } = this.#context
    const link = view.links.get(node)
    if (link === undefined || link.isUp || !view.neighbours.includes(node)) return
    if (view.cases.get(node)?.settled) return
    // A node that was never heard in this run may have moved: its old port proves nothing.
    if (!isRefused || link.heardMs === null) {
      link.refusedMs = null
      // That its host takes connections is known better than by a dial that ended in nothing.
      if (link.doubt !== null && link.doubt.evidence !== 'frozen') link.doubt.evidence = 'unreachable'
      return
    }
    link.refusedMs ??= nowMs
    const doubt = this.#prober.doubt(link, 'refused', nowMs, nowMs)
    link.isRefused = nowMs - link.refusedMs >= options.refusedMs
    if (!link.isRefused) doubt.reprobeMs = link.refusedMs + options.refusedMs
    this.#ballot.weigh(link, nowMs)
  }

  /** What a look at its port found while it was in doubt. */
  knocked(node: NodeId, answer: KnockAnswer, nowMs: number): void {
    const link = this.#context.view.links.get(node)
    if (!link?.doubt) return
    if (answer === 'frozen') this.#prober.doubt(link, 'frozen', nowMs, nowMs)
    else if (link.doubt.evidence === 'frozen') {
      this.#prober.doubt(link, link.isUp ? 'no-answer' : 'unreachable', nowMs, nowMs)
    }
    // Its process is gone and the connection has not noticed yet: dials will prove it.
    if (answer === 'refused' && link.isUp) this.#hangUp(link)
  }

  /** It says how it stands: whether the part behind it can be counted on. */
  introduce(link: Link, missing: readonly NodeId[] | null): void {
    if (!link.isIntroduced || missing !== null || link.missing !== null) this.#standing.review()
    link.isIntroduced = true
    link.missing = missing === null ? null : new Set(missing)
  }

  /** What a doubt calls for beside probes: a vote, a look at its port, and in the end another connection. */
  press(link: Link, nowMs: number): void {
    const { options, outbox } = this.#context
    const { doubt } = link
    if (doubt === null) return
    this.#ballot.weigh(link, nowMs)
    this.#knock(link, nowMs)
    if (!link.isUp) {
      if (link.refusedMs !== null && !link.isRefused && nowMs - link.refusedMs >= options.refusedMs) {
        outbox.add({ type: 'dial', node: link.node })
      }
      return
    }
    if (nowMs - doubt.sinceMs < options.dropMs) return
    this.#hangUp(link)
  }

  #knock(link: Link, nowMs: number): void {
    const { doubt } = link
    if (doubt === null || nowMs < doubt.knockMs || !this.#context.view.neighbours.includes(link.node)) return
    // What the system says of a connection needs no second look.
    if (doubt.evidence === 'closed' || doubt.evidence === 'refused') return
    doubt.knockMs = nowMs + Math.min(knockCapMs, knockMs * 2 ** Math.min(doubt.knocks++, 10))
    this.#context.outbox.add({ type: 'knock', node: link.node })
  }

  #hangUp(link: Link): void {
    const { outbox } = this.#context
    link.isUp = false
    outbox.add({ type: 'drop', node: link.node })
    outbox.add({ type: 'dial', node: link.node })
  }
}
