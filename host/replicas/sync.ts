/**
 * How one replica comes by what its neighbours have: the decisions, without the disk and the network.
 *
 * Neighbours tell each other how far they are, as vectors. Who lacks something pulls it, from one neighbour at a time, so
 * that nothing is fetched twice; what a node has just written itself it pushes, so that waiting for the next summary is
 * only for what was lost. Two that know the same and do not hold the same (a liar, or stamps that were clamped) go
 * through all keys.
 */
import {
  isAtLeast,
  joined,
  ownerOf,
  type Batch,
  type Claim,
  type ReplicaState,
  type Vector,
} from '../storage/index.ts'
import { claimOf, endedLifeIn, OwnLife } from './claims.ts'
import type { ReplicaMessage, WantedFrom } from './messages.ts'

export type SyncEvent =
  | { readonly type: 'peer-up'; readonly peer: string }
  | { readonly type: 'peer-down'; readonly peer: string }
  | { readonly type: 'message'; readonly peer: string; readonly message: ReplicaMessage }
  /** This is what the replica is now; after each write, merge and advance. */
  | { readonly type: 'state'; readonly state: ReplicaState }
  /** The `advance` is done, and this is what the replica is now. */
  | { readonly type: 'advanced'; readonly state: ReplicaState }
  /** What was just written here. */
  | { readonly type: 'written'; readonly batch: Batch }
  /** The answer to a `read`. */
  | { readonly type: 'read'; readonly peer: string; readonly batch: Batch }
  /** A `merge` is done; not taken where the store is full. */
  | { readonly type: 'merged'; readonly peer: string; readonly batch: Batch; readonly isTaken: boolean }
  /** One of the actions could not be done. */
  | { readonly type: 'failed' }
  | { readonly type: 'tick'; readonly wallMs: number }

export type SyncAction =
  | { readonly type: 'send'; readonly peer: string; readonly message: ReplicaMessage }
  | { readonly type: 'read'; readonly peer: string; readonly from: WantedFrom }
  | { readonly type: 'merge'; readonly peer: string; readonly batch: Batch }
  | { readonly type: 'advance'; readonly vector: Vector; readonly collected: Vector }
  /** The two know the same and do not hold the same. */
  | { readonly type: 'differs'; readonly peer: string }
  /** It claims to know writes that the node which would have made them does not know of. */
  | { readonly type: 'doubts'; readonly peer: string; readonly replica: string }

interface Peer {
  /** What it has said; null before its first summary. */
  vector: Vector | null
  digest: string
  /** By which it writes now, as it says; undefined where it does not say. */
  life: string | null | undefined
  isDoubted: boolean
  /** What it was told last, and when. */
  told: ReplicaState | null
  toldAtMs: number
  /** Writes of it that are being merged: they must not be asked for meanwhile. */
  merging: number
  walkedAtMs: number
}

interface Pull {
  readonly peer: string
  /** What the sender of all keys knew as it began; null for changes, where what it knows at the end counts. */
  walked: Vector | null
  dueMs: number
  /** What it sent last is being taken: no time runs. */
  isMerging: boolean
}

/** Without a change neighbours hear of each other so often: their clocks are compared by it, and what was lost is found. */
const summaryEveryMs = 10_000
const pullMs = 15_000
const walkEveryMs = 30_000
/** A replica that is full asks again after a while. */
const fullForMs = 60_000

export class ReplicaSync {
  readonly #peers = new Map<string, Peer>()
  /** How far a pull from a peer came that was cut off: writes up to there need not be sent again by the same one. */
  readonly #partial = new Map<string, Vector>()
  #state: ReplicaState
  readonly #life: OwnLife
  #pull: Pull | null = null
  #fullUntilMs = -Infinity
  #wallMs = 0
  #nowMs = 0
  #actions: SyncAction[] = []

  constructor(state: ReplicaState) {
    this.#state = state
    this.#life = new OwnLife(state)
  }

  get state(): ReplicaState {
    return this.#state
  }

  /** Neighbours that have said how far they are, and how far. */
  vectors(): ReadonlyMap<string, Vector> {
    const said = [...this.#peers].flatMap(([peer, { vector }]): [string, Vector][] =>
      vector === null ? [] : [[peer, vector]],
    )
    return new Map(said)
  }

  /** @param nowMs monotonic */
  on(event: SyncEvent, nowMs: number): readonly SyncAction[] {
    this.#nowMs = nowMs
    this.#actions = []
    this.#handle(event)
    return this.#actions
  }

  #handle(event: SyncEvent): void {
    switch (event.type) {
      case 'peer-up':
        this.#peers.set(event.peer, {
          vector: null,
          digest: '',
          life: undefined,
          isDoubted: false,
          told: null,
          toldAtMs: -Infinity,
          merging: 0,
          walkedAtMs: -Infinity,
        })
        return this.#summarize(event.peer)
      case 'peer-down':
        this.#peers.delete(event.peer)
        if (this.#pull?.peer === event.peer && !this.#pull.isMerging) this.#pull = null
        return this.#pullNext()
      case 'message':
        return this.#onMessage(event.peer, event.message)
      case 'state':
        this.#setState(event.state)
        return this.#pullNext()
      case 'advanced':
        this.#setState(event.state)
        this.#pull = null
        return this.#pullNext()
      case 'written':
        return this.#push(event.batch)
      case 'read':
        this.#life.knows(event.batch.vector)
        return this.#answer(event.peer, event.batch)
      case 'merged':
        return this.#onMerged(event.peer, event.batch, event.isTaken)
      case 'failed':
        this.#pull = null
        for (const known of this.#peers.values()) known.merging = 0
        return
      case 'tick':
        this.#wallMs = event.wallMs
        return this.#onTick()
    }
  }

  #setState(state: ReplicaState): void {
    this.#state = state
    this.#life.is(state, this.#nowMs)
  }

  #onMessage(peer: string, message: ReplicaMessage): void {
    const known = this.#peers.get(peer)
    if (known === undefined) return
    switch (message.type) {
      case 'summary':
        if (!this.#believes(peer, known, claimOf(message.vector))) return
        known.vector = message.vector
        known.digest = message.digest
        known.life = message.life
        return this.#pullNext()
      case 'want':
        return void this.#actions.push({ type: 'read', peer, from: message.from })
      case 'batch':
        return this.#onBatch(peer, known, message.batch)
      case 'heard':
        return
    }
  }

  /** Who claims to know what was never written is not listened to ({@link OwnLife}, {@link endedLifeIn}). */
  #believes(peer: string, known: Peer, claim: Claim): boolean {
    const replica =
      endedLifeIn(claim.vector, this.#state.vector, peer, (owner) => this.#peers.get(owner)) ??
      this.#life.spared(claim, this.#nowMs)
    if (replica !== null && !known.isDoubted) this.#actions.push({ type: 'doubts', peer, replica })
    known.isDoubted = replica !== null
    return !known.isDoubted
  }

  #onBatch(peer: string, known: Peer, batch: Batch): void {
    if (!this.#believes(peer, known, batch)) {
      if (this.#pull?.peer === peer && !this.#pull.isMerging) this.#pull = null
      return this.#pullNext()
    }
    if (batch.kind.type === 'fresh' && ownerOf(batch.kind.replica) !== peer) return
    if (known.vector === null || !isAtLeast(known.vector, batch.vector)) known.digest = ''
    known.vector = batch.vector
    if (batch.kind.type === 'fresh') known.merging += 1
    else if (this.#pull?.peer === peer && !this.#pull.isMerging) this.#pull.isMerging = true
    // Nobody asked for it, or it comes too late.
    else return
    this.#actions.push({ type: 'merge', peer, batch })
  }

  #onMerged(peer: string, batch: Batch, isTaken: boolean): void {
    const known = this.#peers.get(peer)
    if (batch.kind.type === 'fresh') {
      if (known !== undefined) known.merging = Math.max(0, known.merging - 1)
      if (!isTaken) this.#fullUntilMs = this.#nowMs + fullForMs
      return this.#pullNext()
    }
    const pull = this.#pull
    if (pull === null || pull.peer !== peer) return
    pull.isMerging = false
    if (!isTaken) {
      this.#fullUntilMs = this.#nowMs + fullForMs
      this.#pull = null
      return
    }
    if (batch.kind.type === 'range') pull.walked ??= batch.vector
    else this.#partial.set(peer, batch.kind.upTo)
    if (batch.isLast) {
      this.#partial.delete(peer)
      pull.isMerging = true
      this.#actions.push({ type: 'advance', vector: pull.walked ?? batch.vector, collected: batch.collected })
      return
    }
    if (known === undefined) {
      this.#pull = null
      return
    }
    pull.dueMs = this.#nowMs + pullMs
    const from: WantedFrom =
      batch.kind.type === 'range'
        ? { type: 'range', after: batch.kind.to }
        : { type: 'changes', after: batch.kind.upTo }
    this.#actions.push({ type: 'send', peer, message: { type: 'want', from } })
  }

  #onTick(): void {
    if (this.#pull !== null && !this.#pull.isMerging && this.#pull.dueMs <= this.#nowMs) this.#pull = null
    for (const [peer, known] of this.#peers) {
      const { told } = known
      const hasNews =
        told === null || !isAtLeast(told.vector, this.#state.vector) || told.digest !== this.#state.digest
      if (hasNews || this.#nowMs - known.toldAtMs >= summaryEveryMs) this.#summarize(peer)
    }
    this.#pullNext()
  }

  #summarize(peer: string): void {
    const known = this.#peers.get(peer)
    if (known === undefined) return
    known.told = this.#state
    known.toldAtMs = this.#nowMs
    const { vector, digest, life } = this.#state
    this.#actions.push({
      type: 'send',
      peer,
      message: { type: 'summary', vector, digest, wallMs: this.#wallMs, life },
    })
  }

  #push(batch: Batch): void {
    for (const [peer, known] of this.#peers) {
      // Who has not said how far it is asks when it has; who has it all heard of it from somebody else.
      if (known.vector === null || isAtLeast(known.vector, batch.vector)) continue
      this.#actions.push({ type: 'send', peer, message: { type: 'batch', batch } })
    }
  }

  #answer(peer: string, batch: Batch): void {
    const known = this.#peers.get(peer)
    if (known === undefined) return
    this.#actions.push({ type: 'send', peer, message: { type: 'batch', batch } })
  }

  /** Pulls from the neighbour that has what is missing here, where none is asked yet. */
  #pullNext(): void {
    if (this.#pull !== null || this.#nowMs < this.#fullUntilMs) return
    const { vector: ours, digest } = this.#state
    for (const [peer, known] of this.#peers) {
      if (known.vector === null || known.isDoubted || known.merging > 0) continue
      if (isAtLeast(ours, known.vector)) continue
      const partial = this.#partial.get(peer)
      const after = partial === undefined ? ours : joined(ours, partial)
      return this.#ask(peer, { type: 'changes', after })
    }
    for (const [peer, known] of this.#peers) {
      const isSameVector = known.vector !== null && isAtLeast(known.vector, ours)
      if (!isSameVector || known.isDoubted || known.digest === '' || known.digest === digest) continue
      if (known.told?.digest !== digest || this.#nowMs - known.walkedAtMs < walkEveryMs) continue
      known.walkedAtMs = this.#nowMs
      this.#actions.push({ type: 'differs', peer })
      return this.#ask(peer, { type: 'range', after: null })
    }
  }

  #ask(peer: string, from: WantedFrom): void {
    const dueMs = this.#nowMs + pullMs
    this.#pull = { peer, walked: null, dueMs, isMerging: false }
    this.#actions.push({ type: 'send', peer, message: { type: 'want', from } })
  }
}
