/**
 * Who is alive, as seen from this node. Pure: events and the time go in, messages and dials come out.
 *
 * SWIM's probes and incarnations (Das et al. 2002) and Lifeguard's patience (Dadgar et al. 2018) over a fixed graph of
 * neighbours with several observers for each node (Rapid, Suresh et al. 2018). What is particular here: a verdict of
 * death is what more than half of a node's watchers vote, each with its own eyes and its own signature; and a part of the
 * mesh that reaches half of the others or less changes nobody's state.
 */
import type { Random } from '../../core/index.ts'
import type { NodeId } from '../identity/index.ts'
import { Ballot } from './ballot.ts'
import { Context } from './context.ts'
import type { MembershipAction, MembershipEvent, Opinion, Verdict } from './events.ts'
import { Exchange } from './exchange.ts'
import type { Link } from './link.ts'
import { membershipDefaults, type MembershipOptions } from './options.ts'
import { Prober } from './prober.ts'
import type { Rings } from './rings.ts'
import type { Message, Seal } from './statement.ts'
import { Testimony } from './testimony.ts'
import { View } from './view.ts'
import { opinionOf, ownOpinion, verdictOf } from './words.ts'

export interface MembershipParts {
  readonly self: NodeId
  /** How often this node has booted; with the nonce, what tells its lives apart. */
  readonly boot: number
  /** New at every boot, hexadecimal. */
  readonly nonce: string
  readonly seal: Seal
  readonly random: Random
  readonly options?: Partial<MembershipOptions>
}

/** A connection that was announced to close tells nothing for so long. */
const partingMs = 5_000
/** Whether this node is cut off is looked at so often at the most. */
const weighMs = 100

interface Known {
  readonly verdict: Verdict
  readonly sinceMs: number
}

export class Membership {
  readonly #context: Context
  readonly #ballot: Ballot
  readonly #prober: Prober
  readonly #testimony: Testimony
  readonly #exchange: Exchange
  readonly #startedMs: number
  /** Of members whose verdict was ever another than the first. */
  readonly #known = new Map<NodeId, Known>()
  #wakeMs: number
  #weighedMs = -Infinity
  #selfSinceMs: number
  #selfVerdict: Verdict = 'alive'
  #neighbours: readonly NodeId[] = []

  /** @param nowMs monotonic, as of every event */
  constructor({ options = {}, self, ...parts }: MembershipParts, nowMs: number) {
    const all = { ...membershipDefaults, ...options }
    this.#context = new Context({ ...parts, options: all, view: new View(self, all) })
    this.#ballot = new Ballot(this.#context)
    this.#prober = new Prober(this.#context, nowMs)
    this.#testimony = new Testimony(this.#context, this.#ballot, this.#prober)
    this.#exchange = new Exchange(this.#context, nowMs)
    this.#startedMs = nowMs
    this.#selfSinceMs = nowMs
    // Nothing is due before the first event.
    this.#wakeMs = Infinity
  }

  /** When it wants its next tick: monotonic ms. It moves with every event. */
  get wakeMs(): number {
    return this.#wakeMs
  }

  get isIsolated(): boolean {
    return this.#context.isIsolated
  }

  /** Whom this node watches and keeps connections with. */
  get neighbours(): readonly NodeId[] {
    return this.#context.view.neighbours
  }

  /** @returns null for one that is no member, and for this node: see {@link self} */
  opinion(node: NodeId, nowMs: number): Opinion | null {
    const { view } = this.#context
    if (node === view.self || !view.rings.has(node)) return null
    return opinionOf(this.#context, node, this.#known.get(node)?.sinceMs ?? this.#startedMs, nowMs)
  }

  /** What this node holds of itself. */
  self(nowMs: number): Opinion {
    return ownOpinion(this.#context, this.#selfSinceMs, nowMs)
  }

  /** As the verdict of {@link opinion}, without words. */
  verdict(node: NodeId, nowMs: number): Verdict | null {
    return this.#context.view.rings.has(node) ? verdictOf(this.#context, node, nowMs) : null
  }

  handle(event: MembershipEvent, nowMs: number): MembershipAction[] {
    this.#noticeGap(nowMs)
    switch (event.type) {
      case 'members':
        this.#setMembers(event.rings, nowMs)
        break
      case 'up':
        this.#meet(event.node, nowMs)
        break
      case 'lost':
        this.#lose(event.node, nowMs)
        break
      case 'dial-failed':
        this.#failDial(event.node, event.failure === 'refused', nowMs)
        break
      case 'frozen':
        this.#seeFrozen(event.node, nowMs)
        break
      case 'message':
        this.#receive(event.from, event.message, nowMs)
        break
      case 'network':
        this.#context.isNetworkOn = event.on
        if (event.on && this.#context.hasLeft) this.#return()
        this.#weighedMs = -Infinity
        this.#prober.refresh(nowMs)
        break
      case 'leave':
        this.#leave()
        break
      case 'tick':
        break
    }
    this.#work(nowMs)
    return this.#context.outbox.drain()
  }

  /** After a sleep or a standstill nothing that lies before it counts. */
  #noticeGap(nowMs: number): void {
    const { options, health } = this.#context
    const lateMs = nowMs - this.#wakeMs
    if (lateMs > options.sleepMs) {
      this.#prober.refresh(nowMs)
      this.#weighedMs = -Infinity
    }
    if (lateMs > options.lateMs) health.worse()
  }

  #setMembers(rings: Rings, nowMs: number): void {
    this.#context.view.setRings(rings)
    for (const node of this.#known.keys()) if (!rings.has(node)) this.#known.delete(node)
    for (const link of this.#prober.hot) if (!rings.has(link.node)) this.#prober.release(link)
    for (const node of this.#context.view.neighbours) this.#context.touched.add(node)
    this.#weighedMs = -Infinity
    this.#regroup(nowMs)
  }

  /** Looks after new neighbours, and lets go of those that are none any more. */
  #regroup(nowMs: number): void {
    const { view, outbox } = this.#context
    if (this.#neighbours === view.neighbours) return
    this.#neighbours = view.neighbours
    for (const node of view.neighbours) view.link(node, nowMs)
    for (const [node, link] of view.links) {
      if (view.neighbours.includes(node)) continue
      this.#prober.release(link)
      if (!link.isUp) view.links.delete(node)
    }
    for (const node of view.gone) if (view.isWatcher(view.self, node)) this.#ballot.endorse(node, nowMs)
    outbox.add({ type: 'want', nodes: view.neighbours })
  }

  #meet(node: NodeId, nowMs: number): void {
    const { view, touched } = this.#context
    if (!view.rings.has(node) || node === view.self) return
    const link = view.link(node, nowMs)
    link.isUp = true
    link.probe = null
    link.unansweredMs = null
    link.partedMs = null
    link.isIntroduced = false
    link.missing = null
    this.#weighedMs = -Infinity
    this.#hear(node, null, nowMs)
    touched.add(node)
    this.#exchange.greet(link, nowMs)
  }

  #hear(node: NodeId, number: number | null, nowMs: number): void {
    const link = this.#context.view.links.get(node)
    if (link === undefined) return
    this.#prober.hear(link, number, nowMs)
    // Nobody speaks for a node that it only hears.
    if (number !== null || link.unansweredMs === null) this.#ballot.speakFor(link, nowMs)
  }

  #lose(node: NodeId, nowMs: number): void {
    const { view, outbox, touched } = this.#context
    const link = view.links.get(node)
    if (link === undefined) return
    const isParted = link.partedMs !== null && nowMs - link.partedMs < partingMs
    link.isUp = false
    link.probe = null
    link.wantedMs = nowMs
    this.#weighedMs = -Infinity
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

  #failDial(node: NodeId, isRefused: boolean, nowMs: number): void {
    const { view, options } = this.#context
    const link = view.links.get(node)
    if (link === undefined || link.isUp || !view.neighbours.includes(node)) return
    if (view.cases.get(node)?.settled) return
    // A node that was never heard in this run may have moved: its old port proves nothing.
    if (!isRefused || link.heardMs === null) {
      link.refusedMs = null
      if (link.doubt !== null) link.doubt.evidence = 'unreachable'
      return
    }
    link.refusedMs ??= nowMs
    const doubt = this.#prober.doubt(link, 'refused', nowMs, nowMs)
    link.isRefused = nowMs - link.refusedMs >= options.refusedMs
    if (!link.isRefused) doubt.reprobeMs = link.refusedMs + options.refusedMs
    this.#ballot.weigh(link, nowMs)
  }

  #seeFrozen(node: NodeId, nowMs: number): void {
    const link = this.#context.view.links.get(node)
    if (link?.doubt) this.#prober.doubt(link, 'frozen', nowMs, nowMs)
  }

  #receive(from: NodeId, message: Message, nowMs: number): void {
    const { view, outbox, health } = this.#context
    if (!view.rings.has(from) || from === view.self) return
    const link = view.link(from, nowMs)
    if ('slow' in message) link.slow = message.slow
    this.#hear(from, message.t === 'ack' ? message.number : null, nowMs)
    switch (message.t) {
      case 'probe':
        outbox.send(from, { t: 'ack', number: message.number, slow: health.score })
        break
      case 'ack':
        break
      case 'statements':
        for (const sealed of message.list) this.#testimony.take(sealed, from, nowMs)
        break
      case 'summary':
        this.#introduce(link, message.missing)
        this.#exchange.compare(link, message.digest, nowMs)
        break
      case 'parting':
        link.partedMs = nowMs
        break
    }
  }

  /** It says how it stands: whether the part behind it can be counted on. */
  #introduce(link: Link, missing: readonly NodeId[] | null): void {
    if (!link.isIntroduced || missing !== null || link.missing !== null) this.#weighedMs = -Infinity
    link.isIntroduced = true
    link.missing = missing === null ? null : new Set(missing)
  }

  #leave(): void {
    const context = this.#context
    const word = context.speakAnew(context.incarnation, true)
    for (const [node, link] of context.view.links) if (link.isUp) context.outbox.say(node, word)
  }

  /** It was stopped and goes on in the same process. */
  #return(): void {
    const { boot, number } = this.#context.incarnation
    this.#context.speakAnew({ boot, number: number + 1 })
  }

  /** What every event may have made due. */
  #work(nowMs: number): void {
    const context = this.#context
    this.#testimony.tick(nowMs)
    this.#prober.tick(nowMs)
    this.#weighSelf(nowMs)
    for (const link of this.#prober.hot) this.#press(link, nowMs)
    this.#judge(nowMs)
    this.#exchange.tick(nowMs)
    this.#regroup(nowMs)
    this.#tellVerdicts(nowMs)
    this.#wakeMs = Math.min(this.#prober.wakeMs(), this.#exchange.wakeMs, this.#testimony.refuteMs)
    if (context.hasLeft) this.#wakeMs = Infinity
  }

  #press(link: Link, nowMs: number): void {
    const { options, outbox } = this.#context
    const { doubt } = link
    if (doubt === null) return
    this.#ballot.weigh(link, nowMs)
    if (!link.isUp) {
      if (link.refusedMs !== null && !link.isRefused && nowMs - link.refusedMs >= options.refusedMs) {
        outbox.add({ type: 'dial', node: link.node })
      }
      return
    }
    if (nowMs - doubt.sinceMs < options.dropMs) return
    link.isUp = false
    outbox.add({ type: 'drop', node: link.node })
    outbox.add({ type: 'dial', node: link.node })
  }

  #judge(nowMs: number): void {
    const { view, touched, outbox } = this.#context
    for (const node of touched) {
      const file = view.cases.get(node)
      if (file === undefined || file.settled !== null || node === view.self) continue
      const reason = this.#ballot.verdict(node, nowMs)
      if (reason === null) continue
      view.settle(file, 'dead', reason)
      const link = view.links.get(node)
      if (link === undefined) continue
      this.#prober.release(link)
      if (!link.isUp) continue
      // Should it come back, it is by a connection that both sides know to be new.
      link.isUp = false
      outbox.add({ type: 'drop', node })
    }
  }

  #weighSelf(nowMs: number): void {
    const context = this.#context
    const { view, isNetworkOn } = context
    if (nowMs - this.#weighedMs < (view.isWhole ? weighMs : 3 * weighMs)) return
    this.#weighedMs = nowMs
    this.#missNeighbours(nowMs)
    // Whose agreement counts changes with time alone.
    for (const file of view.cases.values()) {
      if (file.doubtedMs === null || file.settled !== null) continue
      if (!context.isIsolated) file.expire(nowMs - context.options.expireMs)
      context.touched.add(file.about)
    }
    const counted = view.rings.size - view.gone.size
    const before = context.reached
    context.reached = view.reached(nowMs)
    const reached = context.reached?.size ?? counted
    const isIsolated = !isNetworkOn || (counted > 1 && reached * 2 <= counted)
    if (before !== null || context.reached !== null) this.#touchUnreached(before)
    if (isIsolated === context.isIsolated) return this.#exchange.tellMissing(nowMs)
    context.isIsolated = isIsolated
    this.#exchange.tellMissing(nowMs)
    // A majority is in view again: whatever was counted before counts no more.
    if (isIsolated) return
    for (const file of view.cases.values()) {
      if (file.settled === null && file.doubts(view.self)) file.forget(view.self)
    }
    this.#prober.refresh(nowMs)
  }

  /** Neighbours that were never reached, or not since they hung up with a word. */
  #missNeighbours(nowMs: number): void {
    const { view, options, isIsolated } = this.#context
    for (const node of view.neighbours) {
      const link = view.links.get(node)
      if (link === undefined || link.isUp || link.doubt !== null) continue
      if (isIsolated) link.wantedMs = nowMs
      else if (nowMs - link.wantedMs >= options.firstContactMs) {
        this.#prober.doubt(link, 'unreachable', nowMs, nowMs)
      }
    }
  }

  #touchUnreached(before: ReadonlySet<NodeId> | null): void {
    const { view, reached, touched } = this.#context
    for (const node of view.rings.nodes) {
      if ((before?.has(node) ?? true) !== (reached?.has(node) ?? true)) touched.add(node)
    }
  }

  #tellVerdicts(nowMs: number): void {
    const { view, touched, outbox } = this.#context
    const self: Verdict = this.#context.isIsolated ? 'isolated' : 'alive'
    if (self !== this.#selfVerdict) {
      outbox.add({ type: 'verdict', node: view.self, from: this.#selfVerdict, to: self })
      this.#selfVerdict = self
      this.#selfSinceMs = nowMs
    }
    for (const node of touched) {
      if (node === view.self || !view.rings.has(node)) continue
      const verdict = verdictOf(this.#context, node, nowMs)
      const before = this.#known.get(node)?.verdict ?? 'alive'
      if (verdict === before) continue
      this.#known.set(node, { verdict, sinceMs: nowMs })
      outbox.add({ type: 'verdict', node, from: before, to: verdict })
    }
    touched.clear()
  }
}
