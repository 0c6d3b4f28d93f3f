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
import { Contacts } from './contacts.ts'
import { Context } from './context.ts'
import type { MembershipAction, MembershipEvent, Opinion, Verdict } from './events.ts'
import { Exchange } from './exchange.ts'
import { membershipDefaults, type MembershipOptions } from './options.ts'
import { Prober } from './prober.ts'
import type { Rings } from './rings.ts'
import { Standing } from './standing.ts'
import type { Farewell, Message, Seal, Sealed } from './statement.ts'
import { Testimony } from './testimony.ts'
import { Verdicts } from './verdicts.ts'
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

export class Membership {
  readonly #context: Context
  readonly #ballot: Ballot
  readonly #prober: Prober
  readonly #testimony: Testimony
  readonly #exchange: Exchange
  readonly #standing: Standing
  readonly #contacts: Contacts
  readonly #verdicts: Verdicts
  #wakeMs: number
  #neighbours: readonly NodeId[] = []

  /** @param nowMs monotonic, as of every event */
  constructor({ options = {}, self, ...parts }: MembershipParts, nowMs: number) {
    const all = { ...membershipDefaults, ...options }
    this.#context = new Context({ ...parts, options: all, view: new View(self, all) })
    this.#ballot = new Ballot(this.#context)
    this.#prober = new Prober(this.#context, nowMs)
    this.#testimony = new Testimony(this.#context, this.#ballot, this.#prober)
    this.#exchange = new Exchange(this.#context, nowMs)
    const context = this.#context
    this.#standing = new Standing(context, this.#prober, this.#exchange)
    this.#verdicts = new Verdicts(context, nowMs)
    const [ballot, prober, exchange] = [this.#ballot, this.#prober, this.#exchange]
    this.#contacts = new Contacts({ context, ballot, prober, exchange, standing: this.#standing })
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
    return opinionOf(this.#context, node, this.#verdicts.sinceMs(node), nowMs)
  }

  /** What this node holds of itself. */
  self(nowMs: number): Opinion {
    return ownOpinion(this.#context, this.#verdicts.sinceMs(this.#context.self), nowMs)
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
        this.#contacts.meet(event.node, nowMs)
        break
      case 'lost':
        this.#contacts.lose(event.node, nowMs)
        break
      case 'dial-failed':
        this.#contacts.failDial(event.node, event.failure === 'refused', nowMs)
        break
      case 'knocked':
        this.#contacts.knocked(event.node, event.answer, nowMs)
        break
      case 'message':
        this.#receive(event.from, event.message, nowMs)
        break
      case 'network':
        this.#context.isNetworkOn = event.on
        if (event.on && this.#context.hasLeft) this.#return()
        this.#standing.review()
        this.#prober.refresh(nowMs)
        break
      case 'leave':
        this.#leave(event.farewell)
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
      this.#standing.review()
    }
    if (lateMs > options.lateMs) health.worse()
  }

  #setMembers(rings: Rings, nowMs: number): void {
    this.#context.view.setRings(rings)
    this.#verdicts.keep((node) => rings.has(node))
    for (const link of this.#prober.hot) if (!rings.has(link.node)) this.#prober.release(link)
    for (const node of this.#context.view.neighbours) this.#context.touched.add(node)
    this.#standing.review()
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

  #receive(from: NodeId, message: Message, nowMs: number): void {
    const { view, outbox, health } = this.#context
    if (!view.rings.has(from) || from === view.self) return
    const link = view.link(from, nowMs)
    if ('slow' in message) link.slow = message.slow
    this.#contacts.hear(from, message.t === 'ack' ? message.number : null, nowMs)
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
        this.#contacts.introduce(link, message.missing)
        this.#exchange.compare(link, message.digest, nowMs)
        break
      case 'parting':
        link.partedMs = nowMs
        break
    }
  }

  #leave(farewell: Farewell): void {
    this.#tellAll(this.#context.speakAnew(this.#context.incarnation, farewell))
  }

  /** It was stopped and goes on in the same process. */
  #return(): void {
    const { boot, number } = this.#context.incarnation
    this.#tellAll(this.#context.speakAnew({ boot, number: number + 1 }))
  }

  #tellAll(word: Sealed): void {
    const { view, outbox } = this.#context
    for (const [node, link] of view.links) if (link.isUp) outbox.say(node, word)
  }

  /** What every event may have made due. */
  #work(nowMs: number): void {
    const context = this.#context
    this.#testimony.tick(nowMs)
    this.#prober.tick(nowMs)
    this.#standing.tick(nowMs)
    for (const link of this.#prober.hot) this.#contacts.press(link, nowMs)
    this.#judge(nowMs)
    this.#exchange.tick(nowMs)
    this.#regroup(nowMs)
    this.#verdicts.tell(nowMs)
    this.#wakeMs = Math.min(this.#prober.wakeMs(), this.#exchange.wakeMs, this.#testimony.refuteMs)
    if (context.hasLeft) this.#wakeMs = Infinity
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
}
