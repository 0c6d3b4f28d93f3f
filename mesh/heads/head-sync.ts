/**
 * Spreads heads: what changed is announced to the neighbours, what is new is pulled once, and what an announcement
 * missed is found by comparing summaries on every connect and every few seconds (anti-entropy: Demers et al.,
 * "Epidemic algorithms for replicated database maintenance", PODC 1987).
 *
 * Pure: events and the time in, actions out. The bytes are judged by their owners, outside; nothing is held or
 * announced here that the owner has not handed in with `changed`.
 */
import type { Random } from '../../core/index.ts'
import { isNewer, type Head, type HeadId, type HeadOutcome } from './head.ts'
import { messageLimits, type HeadMessage } from './message.ts'
import { Patience, type PatienceOptions } from './patience.ts'
import { Pulls } from './pulls.ts'
import { HeadStore } from './store.ts'

export interface HeadSyncOptions extends PatienceOptions {
  /** Between two comparisons with one neighbour, give or take a quarter. */
  readonly compareMs: number
  /** A pull that was not answered by then goes to another neighbour. */
  readonly pullMs: number
  /** A head its owner did not take is not pulled again for so long, unless something else changed. */
  readonly refusedMs: number
  /** A full list goes to one neighbour at most this often. */
  readonly listMs: number
  /** Under way with one peer. */
  readonly maxPulls: number
}

export const headSyncDefaults: HeadSyncOptions = {
  compareMs: 2_000,
  pullMs: 4_000,
  refusedMs: 10_000,
  listMs: 500,
  maxPulls: 512,
  messagesPerSecond: 200,
  messageBurst: 2_000,
  // Thousands of nodes' records and credentials at once, under what a channel queues; who is cut short asks again.
  answerBytesPerSecond: 1024 * 1024,
  answerBurstBytes: 6 * 1024 * 1024,
  maxFaults: 16,
}

export type HeadEvent =
  /** The owner holds this now; `from` where a peer brought it. */
  | { readonly type: 'changed'; readonly head: Head; readonly from?: string }
  /** Of the heads whose keys start so, the owner holds these and no others any more. */
  | { readonly type: 'retain'; readonly prefix: string; readonly keys: ReadonlySet<string> }
  | { readonly type: 'peer-up'; readonly peer: string }
  | { readonly type: 'peer-down'; readonly peer: string }
  | { readonly type: 'message'; readonly peer: string; readonly message: HeadMessage }
  /** A message that could not be read. */
  | { readonly type: 'rubbish'; readonly peer: string; readonly reason: string }
  /** What became of an `accept`. */
  | { readonly type: 'judged'; readonly peer: string; readonly key: string; readonly outcome: HeadOutcome }
  | { readonly type: 'tick' }

export type HeadAction =
  | { readonly type: 'send'; readonly peer: string; readonly message: HeadMessage }
  | { readonly type: 'accept'; readonly peer: string; readonly key: string; readonly bytes: Uint8Array }
  | { readonly type: 'misbehaved'; readonly peer: string; readonly reason: string }

interface Neighbour {
  compareAtMs: number
  listedAtMs: number
  /** Some of what it has did not fit among the pulls under way: compare again when they are done. */
  hasMore: boolean
}

/** What an id costs on the wire, and what looking at a key costs in the same coin. */
const idBytes = 128
const lookBytes = 16

export class HeadSync {
  readonly #random: Random
  readonly #options: HeadSyncOptions
  readonly #store = new HeadStore()
  readonly #neighbours = new Map<string, Neighbour>()
  readonly #patience: Patience
  readonly #pulls: Pulls
  #actions: HeadAction[] = []

  constructor(random: Random, options: HeadSyncOptions = headSyncDefaults) {
    this.#random = random
    this.#options = options
    this.#pulls = new Pulls(options)
    this.#patience = new Patience(options, (peer) => this.#neighbours.has(peer))
  }

  /** @param nowMs monotonic */
  on(event: HeadEvent, nowMs: number): HeadAction[] {
    this.#actions = []
    switch (event.type) {
      case 'changed':
        this.#onChanged(event.head, event.from)
        break
      case 'retain':
        this.#store.retain(event.prefix, event.keys)
        break
      case 'peer-up':
        this.#onPeerUp(event.peer, nowMs)
        break
      case 'peer-down':
        this.#neighbours.delete(event.peer)
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

  #onChanged(head: Head, from: string | undefined): void {
    if (!this.#store.put(head)) return
    this.#pulls.onChanged(head)
    const { key, order, digest } = head
    for (const peer of this.#neighbours.keys()) {
      if (peer !== from) this.#send(peer, { t: 'have', ids: [{ key, order, digest }] })
    }
  }

  #onPeerUp(peer: string, nowMs: number): void {
    this.#neighbours.set(peer, {
      compareAtMs: this.#nextCompareMs(nowMs),
      listedAtMs: -Infinity,
      hasMore: false,
    })
    this.#send(peer, { t: 'summary', ...this.#store.summary() })
  }

  #onTick(nowMs: number): void {
    this.#ask(this.#pulls.onTick(nowMs))
    for (const [peer, neighbour] of this.#neighbours) {
      if (neighbour.compareAtMs > nowMs) continue
      neighbour.compareAtMs = this.#nextCompareMs(nowMs)
      this.#send(peer, { t: 'summary', ...this.#store.summary() })
    }
  }

  #onMessage(peer: string, message: HeadMessage, nowMs: number): void {
    const neighbour = this.#neighbours.get(peer)
    if (neighbour === undefined) return
    if (!this.#patience.mayHear(peer, nowMs))
      return this.#fault(peer, 'it sends messages faster than allowed', nowMs)
    switch (message.t) {
      case 'have':
        this.#compare(peer, message.ids, nowMs)
        break
      case 'list':
        this.#onList(peer, message, nowMs)
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

  #onSummary(
    peer: string,
    neighbour: Neighbour,
    theirs: { count: number; digest: string },
    nowMs: number,
  ): void {
    const ours = this.#store.summary()
    if (ours.digest === theirs.digest && ours.count === theirs.count) return
    if (nowMs - neighbour.listedAtMs < this.#options.listMs) return
    if (!this.#patience.mayAnswer(peer, this.#store.size * idBytes, nowMs)) return
    neighbour.listedAtMs = nowMs
    for (const page of this.#store.pages()) this.#send(peer, page)
  }

  #onList(peer: string, list: Extract<HeadMessage, { t: 'list' }>, nowMs: number): void {
    // What they have is worth a look in any case; what we have is only for those who did not ask too often.
    if (!this.#patience.mayAnswer(peer, this.#store.size * lookBytes, nowMs))
      return this.#compare(peer, list.ids, nowMs)
    const ahead = this.#store.aheadOf(list)
    const isAllowed = ahead.length === 0 || this.#patience.mayAnswer(peer, ahead.length * idBytes, nowMs)
    this.#compare(peer, list.ids, nowMs, isAllowed ? ahead : [])
  }

  /** Pulls what they have newer, announces what we have newer. */
  #compare(peer: string, theirs: readonly HeadId[], nowMs: number, ahead: readonly HeadId[] = []): void {
    const wanted = theirs.filter((id) => isNewer(id, this.#store.get(id.key)))
    const taken = this.#pulls.want(peer, wanted, nowMs)
    const neighbour = this.#neighbours.get(peer)
    if (neighbour !== undefined && taken.isFull) neighbour.hasMore = true
    this.#ask(taken.asks)
    for (let at = 0; at < ahead.length; at += messageLimits.idsPerMessage) {
      this.#send(peer, { t: 'have', ids: ahead.slice(at, at + messageLimits.idsPerMessage) })
    }
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
    this.#ask(this.#pulls.onJudged(event.peer, event.key, event.outcome, nowMs))
    const neighbour = this.#neighbours.get(event.peer)
    if (neighbour === undefined || !neighbour.hasMore || this.#pulls.countFor(event.peer) > 0) return
    neighbour.hasMore = false
    this.#send(event.peer, { t: 'summary', ...this.#store.summary() })
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

  #nextCompareMs(nowMs: number): number {
    return nowMs + this.#options.compareMs * (0.75 + this.#random.fraction() / 2)
  }
}
