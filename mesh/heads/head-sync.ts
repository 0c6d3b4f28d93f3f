/**
 * Spreads heads: what changed is announced to the neighbours, what is new is pulled once, and what an announcement
 * missed is found by comparing summaries on every connect and every few seconds (anti-entropy: Demers et al.,
 * "Epidemic algorithms for replicated database maintenance", PODC 1987).
 *
 * Pure: events and the time in, actions out. The bytes are judged by their owners, outside; nothing is held or
 * announced here that the owner has not handed in with `changed`.
 */
import type { Digest, Random } from '../../core/index.ts'
import { answerBranches, answerLeaves, opening, resolve, type View } from './comparison.ts'
import type { HeadAction, HeadEvent } from './head-events.ts'
import { isNewer, type Head, type HeadId } from './head.ts'
import { fanOut, fingerprintBytes, leafSize, saltBytes } from './head-tree.ts'
import { messageLimits, weightOf, type HeadMessage, type Summary } from './message.ts'
import { Patience, type PatienceOptions } from './patience.ts'
import { Pulls } from './pulls.ts'
import { Relays } from './relays.ts'
import { HeadStore } from './store.ts'

export interface HeadSyncOptions extends PatienceOptions {
  /** Between two comparisons with one neighbour after a change, give or take a quarter. */
  readonly compareMs: number
  /** While nothing changes and it agrees each one comes twice as late as the one before, up to so many times that. */
  readonly calmest: number
  /** A pull that was not answered by then goes to another neighbour. */
  readonly pullMs: number
  /** A head its owner did not take is not pulled again for so long, unless something else changed. */
  readonly refusedMs: number
  /** This node begins a comparison with one neighbour at most this often. */
  readonly beginMs: number
  /** So soon after a change a summary that differs may only be behind: it is compared if the next one differs too. */
  readonly settleMs: number
  /** Heads announced in one answer. More than are pulled at once would be told for nothing. */
  readonly maxAnnounced: number
  /** Under way with one peer. */
  readonly maxPulls: number
}

export const headSyncDefaults: HeadSyncOptions = {
  compareMs: 2_000,
  // 16 s: what a lost announcement said is found sooner, as a change makes both sides compare at once again.
  calmest: 8,
  pullMs: 4_000,
  refusedMs: 10_000,
  beginMs: 500,
  settleMs: 1_000,
  maxAnnounced: 512,
  maxPulls: 512,
  messagesPerSecond: 200,
  messageBurst: 2_000,
  // Thousands of nodes' records and credentials at once, under what a channel queues; who is cut short asks again.
  answerBytesPerSecond: 1024 * 1024,
  answerBurstBytes: 6 * 1024 * 1024,
  maxFaults: 16,
}

type Message<Kind extends HeadMessage['t']> = Extract<HeadMessage, { t: Kind }>

interface Neighbour {
  compareAtMs: number
  /** By how much the time to the next comparison has been stretched; 1 after a change. */
  calm: number
  begunAtMs: number
  /** What its last summary was, against ours at that time; null before the first. */
  agreed: boolean | null
  /** Digest of the summary that it was sent last. */
  told: Digest | null
  /** Some of what it has did not fit among the pulls under way: compare again when they are done. */
  hasMore: boolean
}

/** What an id costs on the wire, what the answer to a branch may, and what a fingerprint takes in the same coin. */
const idBytes = 128
const branchBytes = fanOut * (fanOut * fingerprintBytes + 16)
const hashBytes = 64
/** Neighbours compare at times of their own, so that not all of them do at once. */
const [earliestCompare, latestCompare] = [0.75, 1.25]

export class HeadSync {
  readonly #random: Random
  readonly #options: HeadSyncOptions
  readonly #store = new HeadStore()
  readonly #neighbours = new Map<string, Neighbour>()
  readonly #patience: Patience
  readonly #pulls: Pulls
  readonly #relays: Relays
  #changedMs = -Infinity
  #actions: HeadAction[] = []

  constructor(random: Random, options: HeadSyncOptions = headSyncDefaults) {
    this.#random = random
    this.#options = options
    this.#pulls = new Pulls(options)
    this.#relays = new Relays(options.compareMs * latestCompare)
    this.#patience = new Patience(options, (peer) => this.#neighbours.has(peer))
  }

  /** @param nowMs monotonic */
  on(event: HeadEvent, nowMs: number): HeadAction[] {
    this.#actions = []
    switch (event.type) {
      case 'changed':
        this.#onChanged(event, nowMs)
        break
      case 'retain':
        this.#store.retain(event.prefix, event.keys)
        break
      case 'peer-up':
        this.#onPeerUp(event.peer, nowMs)
        break
      case 'peer-down':
        this.#neighbours.delete(event.peer)
        this.#relays.down(event.peer)
        this.#ask(this.#pulls.onPeerDown(event.peer, nowMs))
        break
      case 'message':
        this.#onMessage(event.peer, event.message, nowMs)
        break
      case 'rubbish':
        this.#fault(event.peer, event.reason, nowMs)
        break
      case 'judged':
        this.#onJudged(event, nowMs)
        break
      case 'tick':
        this.#onTick(nowMs)
    }
    return this.#actions
  }

  get(key: string): Head | undefined {
    return this.#store.get(key)
  }

  summary(): { readonly count: number; readonly digest: string } {
    return this.#store.summary()
  }

  /** When `tick` has something to do, monotonic; Infinity where nothing will be without another event. */
  get wakeMs(): number {
    let wakeMs = Math.min(this.#pulls.wakeMs, this.#relays.wakeMs)
    for (const { compareAtMs } of this.#neighbours.values()) wakeMs = Math.min(wakeMs, compareAtMs)
    return wakeMs
  }

  #onChanged({ head, from, isUnhurried }: Extract<HeadEvent, { type: 'changed' }>, nowMs: number): void {
    if (!this.#store.put(head)) return
    this.#changedMs = nowMs
    this.#pulls.onChanged(head)
    for (const [peer, neighbour] of this.#neighbours) {
      this.#stir(neighbour, nowMs)
      if (peer === from) continue
      if (from !== undefined && isUnhurried === true) this.#relays.wait(peer, head.key, nowMs)
      else this.#announce(peer, [head.key])
    }
  }

  /** Tells which versions are held now, where the neighbour has not said that it has them. */
  #announce(peer: string, keys: readonly string[]): void {
    const ids = keys.flatMap((key) => {
      const head = this.#store.get(key)
      if (head === undefined || this.#relays.holds(peer, head)) return []
      return [{ key, order: head.order, digest: head.digest }]
    })
    for (let at = 0; at < ids.length; at += messageLimits.idsPerMessage) {
      this.#send(peer, { t: 'have', ids: ids.slice(at, at + messageLimits.idsPerMessage) })
    }
  }

  #onPeerUp(peer: string, nowMs: number): void {
    this.#neighbours.set(peer, {
      compareAtMs: this.#nextCompareMs(nowMs, 1),
      calm: 1,
      begunAtMs: -Infinity,
      agreed: null,
      told: null,
      hasMore: false,
    })
    this.#relays.up(peer)
    this.#summarise(peer)
  }

  #onTick(nowMs: number): void {
    this.#ask(this.#pulls.onTick(nowMs))
    for (const peer of this.#relays.due(nowMs)) this.#announce(peer, this.#relays.take(peer))
    for (const [peer, neighbour] of this.#neighbours) {
      if (neighbour.compareAtMs > nowMs) continue
      // Were it to disagree, it would say so at once.
      this.#settle(neighbour, nowMs)
      this.#summarise(peer)
    }
  }

  #onMessage(peer: string, message: HeadMessage, nowMs: number): void {
    const neighbour = this.#neighbours.get(peer)
    if (neighbour === undefined) return
    if (!this.#patience.mayHear(peer, weightOf(message), nowMs))
      return this.#fault(peer, 'it sends messages faster than allowed', nowMs)
    switch (message.t) {
      case 'have':
      case 'found':
        this.#pull(peer, message.ids, nowMs)
        break
      case 'compare':
        this.#onCompare(peer, message, nowMs)
        break
      case 'name':
        this.#onName(peer, message, nowMs)
        break
      case 'want':
        this.#serve(peer, message.keys, nowMs)
        break
      case 'heads':
        this.#onHeads(peer, message.heads, nowMs)
        break
      case 'summary':
        this.#onSummary(peer, neighbour, message, nowMs)
    }
  }

  /** Of two that differ, the one with the smaller digest begins, so that not both do. */
  #onSummary(peer: string, neighbour: Neighbour, theirs: Summary, nowMs: number): void {
    const ours = this.#store.summary()
    const [before, agrees] = [neighbour.agreed, ours.digest === theirs.digest]
    neighbour.agreed = agrees
    if (agrees) {
      // That both know it is told by one of them.
      this.#settle(neighbour, nowMs)
      return this.#relays.agreed(peer)
    }
    this.#stir(neighbour, nowMs)
    this.#announce(peer, this.#relays.take(peer))
    // What is on its way already need not be looked for.
    if (before === true && nowMs - this.#changedMs < this.#options.settleMs) return
    if (ours.digest > theirs.digest) {
      if (neighbour.told !== ours.digest) this.#summarise(peer)
      return
    }
    if (nowMs - neighbour.begunAtMs < this.#options.beginMs) return
    if (!this.#patience.mayAnswer(peer, branchBytes, nowMs)) return
    neighbour.begunAtMs = nowMs
    const salt = this.#random.bytes(saltBytes)
    this.#sendView(peer, salt, opening(this.#store.tree, salt))
  }

  #onCompare(peer: string, { salt, branches, leaves }: Message<'compare'>, nowMs: number): void {
    const { tree } = this.#store
    const counted = leaves.map(({ prefix }) => tree.countUnder(prefix))
    const lookBytes = counted.reduce((sum, count) => sum + count * hashBytes, 0)
    if (!this.#patience.mayAnswer(peer, branches.length * branchBytes + lookBytes, nowMs)) return
    const announcing = { limit: this.#options.maxAnnounced, random: this.#random }
    const deeper = answerBranches(tree, salt, branches, announcing)
    const { ahead, unknown } = answerLeaves(tree, salt, leaves, announcing)
    this.#sendView(peer, salt, deeper.view)
    if (unknown.length > 0) this.#send(peer, { t: 'name', salt, parts: unknown })
    this.#found(peer, [...deeper.ahead, ...ahead], nowMs)
  }

  #onName(peer: string, { salt, parts }: Message<'name'>, nowMs: number): void {
    if (!this.#patience.mayAnswer(peer, parts.length * leafSize * hashBytes, nowMs)) return
    this.#found(peer, resolve(this.#store.tree, salt, parts), nowMs)
  }

  #pull(peer: string, theirs: readonly HeadId[], nowMs: number): void {
    this.#relays.heard(peer, theirs)
    const wanted = theirs.filter((id) => isNewer(id, this.#store.get(id.key)))
    const taken = this.#pulls.want(peer, wanted, nowMs)
    const neighbour = this.#neighbours.get(peer)
    if (neighbour !== undefined && taken.isFull) neighbour.hasMore = true
    this.#ask(taken.asks)
  }

  #found(peer: string, ids: readonly HeadId[], nowMs: number): void {
    if (ids.length === 0 || !this.#patience.mayAnswer(peer, ids.length * idBytes, nowMs)) return
    for (let at = 0; at < ids.length; at += messageLimits.idsPerMessage) {
      this.#send(peer, { t: 'found', ids: ids.slice(at, at + messageLimits.idsPerMessage) })
    }
  }

  #sendView(peer: string, salt: Uint8Array, { branches, leaves }: View): void {
    const step = messageLimits.partsPerMessage
    for (let at = 0; at < Math.max(branches.length, leaves.length); at += step) {
      this.#send(peer, {
        t: 'compare',
        salt,
        branches: branches.slice(at, at + step),
        leaves: leaves.slice(at, at + step),
      })
    }
  }

  #summarise(peer: string): void {
    const summary = this.#store.summary()
    const neighbour = this.#neighbours.get(peer)
    if (neighbour !== undefined) neighbour.told = summary.digest
    this.#send(peer, { t: 'summary', ...summary })
  }

  #serve(peer: string, keys: readonly string[], nowMs: number): void {
    let batch: Head[] = []
    let bytes = 0
    const flush = (): void => {
      if (batch.length === 0) return
      this.#send(peer, { t: 'heads', heads: batch.map((head) => ({ key: head.key, bytes: head.bytes })) })
      batch = []
      bytes = 0
    }
    for (const key of new Set(keys)) {
      const head = this.#store.get(key)
      if (head === undefined) continue
      if (!this.#patience.mayAnswer(peer, head.bytes.length + idBytes, nowMs)) break
      const isFull =
        batch.length === messageLimits.headsPerMessage || bytes + head.bytes.length > messageLimits.batchBytes
      if (isFull) flush()
      batch.push(head)
      bytes += head.bytes.length
    }
    flush()
  }

  #onHeads(peer: string, heads: readonly { key: string; bytes: Uint8Array }[], nowMs: number): void {
    for (const { key, bytes } of heads) {
      if (this.#pulls.onAnswer(peer, key)) this.#actions.push({ type: 'accept', peer, key, bytes })
      else this.#fault(peer, `it sent ${key}, which nobody asked it for`, nowMs)
    }
  }

  #onJudged(event: Extract<HeadEvent, { type: 'judged' }>, nowMs: number): void {
    const { peer, key, outcome } = event
    const [promised, held] = [this.#pulls.promised(peer, key), this.#store.get(key)]
    const isNews = outcome === 'accepted' || outcome === 'refused'
    // What came meanwhile from another makes an honest answer old, but then nothing newer than that was promised.
    if (!isNews && promised !== undefined && held !== undefined && isNewer(promised, held)) {
      this.#actions.push({ type: 'deceived', peer, key })
    }
    this.#ask(this.#pulls.onJudged(event.peer, event.key, event.outcome, nowMs))
    const neighbour = this.#neighbours.get(event.peer)
    if (neighbour === undefined || !neighbour.hasMore || this.#pulls.countFor(event.peer) > 0) return
    neighbour.hasMore = false
    this.#summarise(event.peer)
  }

  #fault(peer: string, reason: string, nowMs: number): void {
    if (!this.#neighbours.has(peer) || this.#patience.mayForgive(peer, nowMs)) return
    this.#actions.push({ type: 'misbehaved', peer, reason })
  }

  #ask(asks: ReadonlyMap<string, readonly string[]>): void {
    for (const [peer, keys] of asks) {
      for (let at = 0; at < keys.length; at += messageLimits.keysPerWant) {
        this.#send(peer, { t: 'want', keys: keys.slice(at, at + messageLimits.keysPerWant) })
      }
    }
  }

  #send(peer: string, message: HeadMessage): void {
    this.#actions.push({ type: 'send', peer, message })
  }

  /** Nothing is different: the next comparison may come later than the last one did. */
  #settle(neighbour: Neighbour, nowMs: number): void {
    neighbour.compareAtMs = this.#nextCompareMs(nowMs, neighbour.calm)
    neighbour.calm = Math.min(neighbour.calm * 2, this.#options.calmest)
  }

  /** Something is: compare soon. */
  #stir(neighbour: Neighbour, nowMs: number): void {
    neighbour.calm = 1
    neighbour.compareAtMs = Math.min(neighbour.compareAtMs, this.#nextCompareMs(nowMs, 1))
  }

  #nextCompareMs(nowMs: number, times: number): number {
    const share = earliestCompare + this.#random.fraction() * (latestCompare - earliestCompare)
    return nowMs + this.#options.compareMs * times * share
  }
}
