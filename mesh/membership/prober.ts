/**
 * Probes neighbours and tells which of them give no sign of life: one neighbour per period in an order that is shuffled
 * each time round (SWIM, Das et al. 2002, section 4.3), and those in doubt every few hundred milliseconds.
 */
import type { NodeId } from '../identity/index.ts'
import type { Context } from './context.ts'
import type { Doubt, Link } from './link.ts'
import type { Evidence } from './statement.ts'

/** A probe so early or late, so that two nodes do not fall into step. */
const jitter = 0.15

export class Prober {
  readonly #context: Context
  /** Links with a probe under way or a doubt: all that a tick has to look at. */
  readonly hot = new Set<Link>()
  #round: NodeId[] = []
  #nextMs: number
  #lastMissMs = -Infinity

  constructor(context: Context, nowMs: number) {
    this.#context = context
    this.#nextMs = nowMs + context.random.fraction() * context.options.periodMs
  }

  /** When the next probe of the ordinary kind goes out. */
  get nextMs(): number {
    return this.#nextMs
  }

  tick(nowMs: number): void {
    if (nowMs >= this.#nextMs) {
      const { random, options } = this.#context
      this.#nextMs = nowMs + options.periodMs * (1 + jitter * (2 * random.fraction() - 1))
      this.#probeNext(nowMs)
    }
    for (const link of this.hot) this.#look(link, nowMs)
  }

  /** The earliest moment at which a link wants to be looked at. */
  wakeMs(): number {
    let wakeMs = this.#nextMs
    for (const { probe, doubt } of this.hot) {
      if (probe !== null) wakeMs = Math.min(wakeMs, probe.deadlineMs)
      if (doubt !== null) wakeMs = Math.min(wakeMs, doubt.reprobeMs)
    }
    return wakeMs
  }

  probe(link: Link, nowMs: number): void {
    const { options, health, outbox } = this.#context
    const timeoutMs = link.roundTrip.timeoutMs(options.probeFloorMs, options.probeCapMs) * health.factor
    const number = ++link.sent
    link.probe = { number, sentMs: nowMs, deadlineMs: nowMs + timeoutMs }
    link.unansweredMs ??= nowMs
    this.hot.add(link)
    outbox.send(link.node, { t: 'probe', number, slow: health.score })
  }

  /** Somebody else gets no answer from it: look with this node's own eyes, unless it was heard just now. */
  check(link: Link, nowMs: number): void {
    const isFresh = link.heardMs !== null && nowMs - link.heardMs < this.#context.options.probeFloorMs / 2
    if (link.isUp && link.probe === null && link.doubt === null && !isFresh) this.probe(link, nowMs)
  }

  /** A sign of life. @param number of the probe that this answers; null for anything else */
  hear(link: Link, number: number | null, nowMs: number): void {
    link.heardMs = nowMs
    link.refusedMs = null
    link.isRefused = false
    // An answer to what was never asked is a sign of life, and no more than that.
    if (number !== null && number > link.answered && number <= link.sent) {
      link.answered = number
      const { probe } = link
      if (probe?.number === number) {
        link.roundTrip.sample(nowMs - probe.sentMs)
        if (link.doubt === null) this.#context.health.better()
      }
      link.probe = null
      link.unansweredMs = null
      if (link.isOneWay) this.#context.touched.add(link.node)
      link.isOneWay = false
    }
    if (link.doubt !== null) this.#acquit(link, nowMs)
    if (link.probe === null) this.hot.delete(link)
  }

  /** Begins to doubt a neighbour, or goes on with better evidence. */
  doubt(link: Link, evidence: Evidence, sinceMs: number, nowMs: number): Doubt {
    this.#context.touched.add(link.node)
    this.hot.add(link)
    if (link.doubt !== null) {
      link.doubt.evidence = evidence
      return link.doubt
    }
    link.doubt = {
      sinceMs,
      evidence,
      reprobeMs: nowMs,
      vote: null,
      vouchedMs: null,
      accusedMs: null,
      quietUntilMs: nowMs,
      refutations: 0,
      knocks: 0,
      knockMs: nowMs,
    }
    return link.doubt
  }

  /** Its end was settled, or it is no neighbour any more: nothing is owed. */
  release(link: Link): void {
    link.doubt = null
    link.probe = null
    link.unansweredMs = null
    this.hot.delete(link)
  }

  /** Nothing that lies before now counts as silence. */
  refresh(nowMs: number): void {
    for (const link of this.#context.view.links.values()) {
      link.probe = null
      link.unansweredMs = null
      link.refusedMs = null
      if (link.heardMs === null) link.wantedMs = nowMs
      if (link.doubt === null) {
        this.hot.delete(link)
      } else {
        link.doubt.sinceMs = nowMs
        link.doubt.reprobeMs = nowMs
        if (link.doubt.vouchedMs !== null) link.doubt.vouchedMs = nowMs
        link.doubt.accusedMs = null
        link.doubt.vote = null
      }
    }
  }

  #probeNext(nowMs: number): void {
    const { view } = this.#context
    // At most once round: those in doubt are looked at anyway.
    for (let tries = view.neighbours.length + this.#round.length; tries > 0; tries--) {
      const link = view.links.get(this.#next(nowMs))
      if (link === undefined || !link.isUp || link.probe !== null || link.doubt !== null) continue
      return this.probe(link, nowMs)
    }
  }

  #next(nowMs: number): NodeId {
    if (this.#round.length === 0) {
      const { view, random } = this.#context
      // Where few neighbours are left, whoever else is connected may be the way out, and is looked after as they are.
      const isCutShort = view.missing(nowMs).length * 2 > view.neighbours.length
      this.#round = isCutShort ? [...view.neighbours, ...view.strays()] : [...view.neighbours]
      for (let at = this.#round.length - 1; at > 0; at--) {
        const other = Math.floor(random.fraction() * (at + 1))
        const swapped = this.#round[at] as NodeId
        this.#round[at] = this.#round[other] as NodeId
        this.#round[other] = swapped
      }
    }
    return this.#round.pop() ?? ''
  }

  #look(link: Link, nowMs: number): void {
    const { doubt, probe } = link
    if (probe !== null && nowMs >= probe.deadlineMs) {
      link.probe = null
      if (doubt === null) this.#miss(link, probe.sentMs, nowMs)
    }
    if (doubt !== null && nowMs >= doubt.reprobeMs) {
      doubt.reprobeMs = nowMs + this.#context.options.reprobeMs
      if (link.isUp) this.probe(link, nowMs)
    }
    if (link.probe === null && link.doubt === null) this.hot.delete(link)
  }

  #miss(link: Link, sentMs: number, nowMs: number): void {
    const { options, health, view, touched } = this.#context
    if (link.heardMs !== null && link.heardMs >= sentMs) {
      // It speaks, and does not hear: messages get through one way only.
      if (nowMs - (link.unansweredMs ?? nowMs) < options.suspicionMinMs) return
      link.isOneWay = true
      touched.add(link.node)
      return
    }
    // The second within one round of probes that fails: perhaps it is this node.
    if (nowMs - this.#lastMissMs < options.reprobeMs) health.worse()
    this.#lastMissMs = nowMs
    this.doubt(link, 'no-answer', link.unansweredMs ?? sentMs, nowMs)
    // Is it the other, or all of them? Whoever was quiet for a while is asked now.
    for (const node of view.neighbours) {
      const other = view.links.get(node)
      if (other === undefined || other === link || other.doubt !== null || other.probe !== null) continue
      const quietMs = nowMs - (other.heardMs ?? nowMs)
      if (other.isUp && quietMs > options.periodMs) this.probe(other, nowMs)
    }
  }

  #acquit(link: Link, nowMs: number): void {
    const { health, touched, options } = this.#context
    touched.add(link.node)
    // It was there all the time and this node alone did not hear it.
    if (link.doubt?.vouchedMs !== null && nowMs - (link.doubt?.sinceMs ?? nowMs) < options.dropMs)
      health.worse()
    link.doubt = null
  }
}
