/**
 * What is told to whom without being asked: to a neighbour when it connects, what concerns it and what is under way; now
 * and then to one of them a digest of who is gone, so that what a push missed is repaired; and dials to members that are
 * not alive, so that a healed cut is found from either side.
 */
import type { NodeId } from '../identity/index.ts'
import type { Context } from './context.ts'
import type { Link } from './link.ts'
import { membershipLimits } from './options.ts'
import type { Message } from './statement.ts'

/** To one neighbour at most so often, whatever it says. */
const repairMs = 2_000
/** Dials to members that are not alive, over the whole part of the mesh that this node reaches: so many per second. */
const straysPerSecond = 16

export class Exchange {
  readonly #context: Context
  readonly #repairedMs = new WeakMap<Link, number>()
  #summaryMs: number
  #strayMs: number
  #toldMissing = ''

  constructor(context: Context, nowMs: number) {
    this.#context = context
    const { summaryMs, strayMs } = context.options
    this.#summaryMs = nowMs + summaryMs * context.random.fraction()
    this.#strayMs = nowMs + strayMs * context.random.fraction()
  }

  get wakeMs(): number {
    const { view, reached } = this.#context
    // Where nobody is missed there is nobody to be dialled.
    const mayMiss = view.gone.size > 0 || reached !== null
    return Math.min(this.#summaryMs, mayMiss ? this.#strayMs : Infinity)
  }

  tick(nowMs: number): void {
    const { options, random } = this.#context
    if (nowMs >= this.#summaryMs) {
      this.#summaryMs = nowMs + options.summaryMs * (0.5 + random.fraction())
      this.#summarise(nowMs)
    }
    if (nowMs >= this.#strayMs) {
      const { reached, view } = this.#context
      const peers = reached?.size ?? view.rings.size - view.gone.size
      const everyMs = options.strayMs * Math.max(1, peers / straysPerSecond)
      this.#strayMs = nowMs + everyMs * (0.75 + 0.5 * random.fraction())
      this.#dialStray()
    }
  }

  /** A neighbour has come: this node's own word, what was said of the neighbour, and what is under way. */
  greet(link: Link, nowMs: number): void {
    const { view, outbox } = this.#context
    outbox.say(link.node, this.#context.ownWord())
    const theirs = view.cases.get(link.node)
    if (theirs !== undefined && theirs.doubtedMs !== null) this.#tellCase(link.node, link.node)
    let told = 0
    for (const [node, file] of view.doubted) {
      if (node === link.node || node === view.self) continue
      if (!file.isWide && !view.isWatcher(link.node, node)) continue
      if (told++ >= membershipLimits.goneAtOnce) break
      this.#tellCase(link.node, node)
    }
    this.#repairedMs.set(link, nowMs - repairMs)
    outbox.send(link.node, this.#summary(nowMs))
  }

  /** Whom this node misses while it is cut off, to all that it speaks with: as often as that changes. */
  tellMissing(nowMs: number): void {
    const { view, isIsolated, outbox } = this.#context
    const missing = isIsolated ? view.missing(nowMs).join() : ''
    if (missing === this.#toldMissing) return
    this.#toldMissing = missing
    for (const [node, link] of view.links) if (link.isUp) outbox.send(node, this.#summary(nowMs))
  }

  #summary(nowMs: number): Message {
    const { view, isIsolated } = this.#context
    return { t: 'summary', digest: view.goneDigest, missing: isIsolated ? view.missing(nowMs) : null }
  }

  /** It holds others for gone than this node does: tell it whom, and let it tell. */
  compare(link: Link, digest: number, nowMs: number): void {
    const { view, outbox, random } = this.#context
    const own = view.goneDigest
    if (digest === own) return
    const lastMs = this.#repairedMs.get(link) ?? -Infinity
    if (nowMs - lastMs < repairMs) return
    this.#repairedMs.set(link, nowMs)
    const gone = [...view.gone]
    const first = gone.length > membershipLimits.goneAtOnce ? Math.floor(random.fraction() * gone.length) : 0
    for (let step = 0; step < Math.min(gone.length, membershipLimits.goneAtOnce); step++) {
      this.#tellCase(link.node, gone[(first + step) % gone.length] as NodeId)
    }
    outbox.send(link.node, this.#summary(nowMs))
  }

  #tellCase(to: NodeId, about: NodeId): void {
    const { view, outbox, isIsolated } = this.#context
    const file = view.cases.get(about)
    if (file === undefined) return
    if (file.own !== null && to !== about) outbox.say(to, file.own)
    for (const { sealed } of file.standingVotes()) {
      // What one that is cut off sees, it sees of itself.
      if (isIsolated && sealed.statement.by === view.self) continue
      outbox.say(to, sealed)
    }
  }

  #summarise(nowMs: number): void {
    const { view, random, outbox } = this.#context
    const up = view.neighbours.filter((node) => view.links.get(node)?.isUp)
    const node = up[Math.floor(random.fraction() * up.length)]
    if (node !== undefined) outbox.send(node, this.#summary(nowMs))
  }

  #dialStray(): void {
    const { view, random, outbox, isNetworkOn, reached } = this.#context
    if (!isNetworkOn) return
    const away = [...view.gone].filter((node) => view.cases.get(node)?.settled === 'dead')
    if (reached !== null) {
      for (const node of view.rings.nodes) if (!reached.has(node) && !view.gone.has(node)) away.push(node)
    }
    const candidates = away.filter((node) => view.links.get(node)?.isUp !== true)
    const node = candidates[Math.floor(random.fraction() * candidates.length)]
    if (node !== undefined) outbox.add({ type: 'dial', node })
  }
}
