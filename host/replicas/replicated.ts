/** Keeps one app's store equal to those of its group: carries out what the decisions say, on the disk and on the channels. */
import { messageOf, type Cancel, type Clock, type Log } from '../../core/index.ts'
import { isAtLeast, type Batch, type GroupStore, type Vector } from '../storage/index.ts'
import type { GroupClock } from './group-clock.ts'
import { Heard } from './heard.ts'
import { replicaLimits, type ReplicaMessage, type WantedFrom } from './messages.ts'
import { checkBatch } from './batch-check.ts'
import { replicasProblems } from './problems.ts'
import { Session } from './session.ts'
import { ReplicaSync, type SyncAction, type SyncEvent } from './sync.ts'

export interface ReplicatedNeeds {
  readonly app: string
  readonly store: GroupStore
  readonly time: GroupClock
  readonly clock: Clock
  readonly log: Log
  /** Hands bytes to the channel of a peer. @returns false where it takes no more now, and nothing was taken */
  readonly send: (peer: string, bytes: () => Uint8Array) => boolean
}

/** What is seen of it. */
export interface ReplicatedReport {
  /** Members that it speaks with, and those of them that have, as far as is known, all that is here. */
  readonly peers: number
  readonly equal: number
  /** Of stamps that were too far ahead, since the node started, and of whom. */
  readonly clamped: number
  readonly clampedFrom: string | null
  /** Times that two which knew the same did not hold the same. */
  readonly differed: number
  readonly isFull: boolean
  /** Lives of all nodes' stores that are known: one more for each start of a node that wrote. */
  readonly lives: number
  /** Why it was not brought up to date the last time; null where it was. */
  readonly failure: string | null
}

/** Writes of one moment go together. */
const pushAfterMs = 5
const collectEveryMs = 30_000
const fullForMs = 60_000

export class Replicated {
  readonly #needs: ReplicatedNeeds
  readonly #sync: ReplicaSync
  readonly #heard = new Heard()
  readonly #sessions = new Map<string, Session>()
  readonly #toldRows = new Map<string, Map<string, Vector>>()
  readonly #cancels: Cancel[] = []
  #isPushing = false
  #collectAtMs = 0
  #clamped = 0
  #clampedFrom: string | null = null
  #differed = 0
  #fullUntilMs = -Infinity
  #failure: string | null = null
  /** What is done for others is done one after the other: each begins at what the one before left. */
  #turn: Promise<void> = Promise.resolve()

  /** Use {@link openReplicated}. */
  constructor(needs: ReplicatedNeeds, state: ReplicaSync['state']) {
    this.#needs = needs
    this.#sync = new ReplicaSync(state)
    this.#cancels.push(needs.store.onWrite(() => this.#wrote()))
  }

  stop(): void {
    for (const cancel of this.#cancels.splice(0)) cancel()
    this.#sessions.clear()
  }

  /** The other members of the group. */
  setMembers(nodes: ReadonlySet<string>): void {
    this.#heard.retain(nodes, this.#needs.clock.monotonicMs())
    this.#needs.time.retain(nodes)
  }

  up(peer: string): void {
    if (this.#sessions.has(peer)) return
    this.#sessions.set(peer, new Session(this.#needs.app))
    this.#feed({ type: 'peer-up', peer })
  }

  down(peer: string): void {
    if (!this.#sessions.delete(peer)) return
    this.#toldRows.delete(peer)
    this.#feed({ type: 'peer-down', peer })
  }

  /** @throws ERR_REPLICA_MESSAGE for what is none */
  async message(peer: string, fields: readonly unknown[]): Promise<void> {
    const session = this.#sessions.get(peer)
    if (session === undefined) return
    let message: ReplicaMessage
    try {
      message = session.decode(fields)
      if (message.type === 'batch') checkBatch(message.batch)
    } catch (cause) {
      throw replicasProblems.error(
        'ERR_REPLICA_MESSAGE',
        `${peer} about ${this.#needs.app}: ${messageOf(cause)}`,
        { cause },
      )
    }
    const nowMs = this.#needs.clock.monotonicMs()
    if (message.type === 'summary') {
      this.#needs.time.heard(peer, message.wallMs)
      this.#heard.heard(peer, message.vector, nowMs)
    }
    if (message.type === 'heard')
      for (const [node, vector] of message.rows) this.#heard.heard(node, vector, nowMs)
    this.#feed({ type: 'message', peer, message })
    await this.#turn
  }

  tick(): void {
    const { clock, time } = this.#needs
    this.#feed({ type: 'tick', wallMs: time.wallMs })
    const nowMs = clock.monotonicMs()
    if (nowMs < this.#collectAtMs) return
    this.#collectAtMs = nowMs + collectEveryMs
    this.#tellRows()
    this.#inTurn(() => this.#collect())
  }

  report(): ReplicatedReport {
    const vectors = [...this.#sync.vectors().values()]
    return {
      peers: this.#sessions.size,
      equal: vectors.filter((vector) => isAtLeast(vector, this.#sync.state.vector)).length,
      clamped: this.#clamped,
      clampedFrom: this.#clampedFrom,
      differed: this.#differed,
      isFull: this.#needs.clock.monotonicMs() < this.#fullUntilMs,
      lives: this.#sync.state.vector.size,
      failure: this.#failure,
    }
  }

  /** Everything that is under way. */
  settled(): Promise<void> {
    return this.#turn
  }

  #wrote(): void {
    if (this.#isPushing) return
    this.#isPushing = true
    this.#needs.clock.after(pushAfterMs, () => {
      this.#isPushing = false
      this.#inTurn(async () => {
        const batch = await this.#needs.store.fresh()
        await this.#tellState()
        if (batch !== null) this.#feed({ type: 'written', batch })
      })
    })
  }

  #feed(event: SyncEvent): void {
    for (const action of this.#sync.on(event, this.#needs.clock.monotonicMs())) this.#act(action)
  }

  #act(action: SyncAction): void {
    switch (action.type) {
      case 'send':
        return this.#send(action.peer, action.message)
      case 'read':
        return this.#inTurn(() => this.#read(action.peer, action.from))
      case 'merge':
        return this.#inTurn(() => this.#merge(action.peer, action.batch))
      case 'advance':
        return this.#inTurn(async () => {
          await this.#needs.store.advance(action.vector, action.collected)
          this.#feed({ type: 'advanced', state: await this.#needs.store.state() })
        })
      case 'differs':
        this.#differed += 1
        return this.#needs.log.warn('replicas:differ', { app: this.#needs.app, peer: action.peer })
      case 'doubts':
        return this.#needs.log.warn('replicas:doubted', {
          app: this.#needs.app,
          peer: action.peer,
          replica: action.replica,
        })
    }
  }

  #send(peer: string, message: ReplicaMessage): void {
    const session = this.#sessions.get(peer)
    if (session === undefined) return
    try {
      this.#needs.send(peer, () => session.encode(message))
    } catch (error) {
      // Of what cannot be said, as it names too many replicas, the peer hears nothing; whoever asked here is no part of it.
      this.#failed(error)
    }
  }

  async #read(peer: string, from: WantedFrom): Promise<void> {
    const { store } = this.#needs
    const { batchBytes } = replicaLimits
    const batch =
      from.type === 'range'
        ? await store.range(from.after, batchBytes)
        : await store.changesAfter(from.after, batchBytes)
    this.#feed({ type: 'read', peer, batch })
  }

  async #merge(peer: string, batch: Batch): Promise<void> {
    const outcome = await this.#needs.store.merge(batch)
    if (outcome === null) this.#fullUntilMs = this.#needs.clock.monotonicMs() + fullForMs
    else if (outcome.clamped > 0) {
      if (this.#clampedFrom !== peer) {
        this.#needs.log.warn('replicas:clock-ahead', { app: this.#needs.app, peer, stamps: outcome.clamped })
      }
      this.#clamped += outcome.clamped
      this.#clampedFrom = peer
    }
    this.#feed({ type: 'merged', peer, batch, isTaken: outcome !== null })
    await this.#tellState()
  }

  async #tellState(): Promise<void> {
    const state = await this.#needs.store.state()
    this.#failure = null
    this.#feed({ type: 'state', state })
  }

  async #collect(): Promise<void> {
    const { store, clock, log, app } = this.#needs
    const { vector, dead } = await store.state()
    const stable = dead === 0 ? null : this.#heard.stable(vector, clock.monotonicMs())
    if (stable === null) return
    const count = await store.collect(stable)
    if (count > 0) log.debug('replicas:forgot', { app, deletions: count })
    await this.#tellState()
  }

  /** Members that have no channel between them hear of each other so. */
  #tellRows(): void {
    const rows = this.#heard.rows()
    for (const peer of this.#sessions.keys()) {
      const told = this.#toldRows.get(peer) ?? new Map<string, Vector>()
      this.#toldRows.set(peer, told)
      const fresh = rows.filter(
        ([node, vector]) => node !== peer && !isAtLeast(told.get(node) ?? new Map(), vector),
      )
      if (fresh.length === 0) continue
      for (const [node, vector] of fresh.slice(0, replicaLimits.heardRows)) told.set(node, vector)
      this.#send(peer, { type: 'heard', rows: fresh.slice(0, replicaLimits.heardRows) })
    }
  }

  #failed(error: unknown): void {
    const { log, app } = this.#needs
    this.#failure = messageOf(error)
    log.warn('replicas:failed', { app, error: this.#failure })
  }

  /** What fails is tried again by the next comparison: nothing is acknowledged to anybody before it is stored. */
  #inTurn(work: () => Promise<void>): void {
    this.#turn = this.#turn.then(work).catch((error: unknown) => {
      this.#failed(error)
      // A merge that never ends would hold the next ones back.
      this.#feed({ type: 'failed' })
    })
  }
}

/** @throws what the store throws when it is opened */
export async function openReplicated(needs: ReplicatedNeeds): Promise<Replicated> {
  return new Replicated(needs, await needs.store.state())
}
