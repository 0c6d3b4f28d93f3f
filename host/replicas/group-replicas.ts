/**
 * The stores that this node shares with its groups: opened where a release says so, kept equal as long as it does. Every
 * node of the group keeps a copy, whether the app runs on it or not, so that what runs elsewhere tomorrow finds its data.
 */
import {
  every,
  messageOf,
  type Cancel,
  type Clock,
  type DurableFolder,
  type Log,
  type Part,
} from '../../core/index.ts'
import type { Mesh, ReleaseRecord } from '../../mesh/index.ts'
import {
  GroupStore,
  keyValueLimits,
  ReplicaThread,
  type KeyValueStore,
  type ReplicaAsking,
  type SharedPart,
  type StoreAmount,
} from '../storage/index.ts'
import { GroupClock } from './group-clock.ts'
import { neighboursOf, storeGroup } from './members.ts'
import { replicaLimits } from './messages.ts'
import { openReplicated, type Replicated, type ReplicatedReport } from './replicated.ts'
import { routedStore } from './routed-store.ts'
import { appOf } from './session.ts'

export interface GroupReplicasNeeds {
  readonly mesh: Pick<Mesh, 'self' | 'members' | 'releases' | 'onChange' | 'want' | 'replicas'>
  /** What of the node's folder is for these. */
  readonly folder: DurableFolder
  /** What an app may hold on this node. */
  readonly allowed: (app: string) => StoreAmount
  readonly clock: Clock
  readonly log: Log
  /** What has the files open, in the place of a thread; simulations bring their own. */
  readonly thread?: ReplicaAsking & { close(): Promise<void> }
}

export interface GroupStoreReport extends ReplicatedReport {
  readonly app: string
  /** Empty for nodes of no group. */
  readonly group: string
  readonly members: number
  readonly buckets: readonly string[]
  readonly held: StoreAmount | null
  /** By how much this node's clock is ahead of the group's, ms. */
  readonly aheadMs: number
}

interface Shared {
  readonly group: string
  readonly time: GroupClock
  readonly store: GroupStore
  buckets: ReadonlySet<string>
  members: ReadonlySet<string>
  replicated: Replicated | null
  /** Why it is not open; null where it is, or is being opened. */
  failure: string | null
  /** Ends it: opening is under way, or was. */
  isDropped: boolean
}

const notOpen: ReplicatedReport = {
  peers: 0,
  equal: 0,
  clamped: 0,
  clampedFrom: null,
  differed: 0,
  isFull: false,
  lives: 0,
  failure: null,
}

const tickMs = 500
const wantEveryMs = 30_000

export class GroupReplicas implements Part {
  readonly name = 'replicas'
  readonly #needs: GroupReplicasNeeds
  readonly #thread: NonNullable<GroupReplicasNeeds['thread']>
  readonly #shared = new Map<string, Shared>()
  readonly #lines: ReturnType<Mesh['replicas']['open']>
  /** Peers that spoke of a store that is not open here: what they said is lost, so they begin anew when one opens. */
  readonly #missed = new Set<string>()
  #cancels: Cancel[] = []
  #cancelTick: Cancel | null = null
  #isClosed = false

  constructor(needs: GroupReplicasNeeds) {
    this.#needs = needs
    const limits = { ...keyValueLimits, valueBytes: replicaLimits.valueBytes }
    this.#thread = needs.thread ?? new ReplicaThread(limits, needs.mesh.self)
    this.#lines = needs.mesh.replicas.open({
      maxFrameBytes: replicaLimits.frameBytes,
      mayMeet: (peer) => [...this.#shared.values()].some(({ members }) => members.has(peer)),
      onUp: (peer) => this.#up(peer),
      onDown: (peer) => {
        this.#missed.delete(peer)
        for (const { replicated } of this.#shared.values()) replicated?.down(peer)
      },
      onMessage: (peer, bytes) => this.#onMessage(peer, bytes),
    })
  }

  start(): void {
    if (this.#cancels.length > 0) return
    const { mesh, clock } = this.#needs
    this.#follow()
    this.#lines.start()
    this.#want()
    this.#cancels = [
      mesh.onChange(() => this.#follow()),
      every(clock, wantEveryMs, () => this.#want()),
      () => this.#cancelTick?.(),
    ]
    this.#beat()
  }

  stop(): void {
    for (const cancel of this.#cancels.splice(0)) cancel()
    this.#lines.stop()
  }

  /** After everything that may write. */
  async close(): Promise<void> {
    this.stop()
    this.#isClosed = true
    for (const { replicated } of this.#shared.values()) replicated?.stop()
    await Promise.allSettled([...this.#shared.values()].map(({ store }) => store.close()))
    await this.#thread.close()
  }

  /** The store of an app whose release shares some of its buckets; `own` keeps the others. */
  storeOf(record: ReleaseRecord, own: KeyValueStore): KeyValueStore {
    const shared = this.#sharedOf(record)
    return shared === null ? own : routedStore(new Set(Object.keys(record.stores ?? {})), shared.store, own)
  }

  /** What the app's group shares, as a part of a snapshot; null where it shares nothing here. @param mesh the id of this node's */
  partOf(record: ReleaseRecord, mesh: string): SharedPart | null {
    const shared = this.#sharedOf(record)
    return shared?.store.partOf({ mesh, group: shared.group }) ?? null
  }

  /** Two nodes with the same one hold the same; empty where the app shares nothing here. */
  async digestOf(app: string): Promise<string> {
    const state = await this.#shared.get(app)?.store.state()
    return state?.digest ?? ''
  }

  report(): GroupStoreReport[] {
    return [...this.#shared].map(([app, shared]) => {
      const { group, members, buckets, replicated, store, time, failure } = shared
      return {
        ...(replicated?.report() ?? { ...notOpen, failure }),
        app,
        group,
        members: members.size + 1,
        buckets: [...buckets],
        held: store.held,
        aheadMs: time.aheadMs(),
      }
    })
  }

  #sharedOf(record: ReleaseRecord): Shared | null {
    return Object.keys(record.stores ?? {}).length > 0 ? this.#open(record) : null
  }

  /** A node that shares nothing wakes for nothing. */
  #beat(): void {
    this.#cancelTick?.()
    this.#cancelTick = null
    if (this.#shared.size === 0 || this.#cancels.length === 0) return
    this.#cancelTick = this.#needs.clock.after(tickMs, () => {
      for (const { replicated } of this.#shared.values()) replicated?.tick()
      this.#beat()
    })
  }

  /** Looks again at who shares what. */
  #follow(): void {
    if (this.#isClosed) return
    const { mesh } = this.#needs
    const releases = mesh.releases
      .desired()
      .filter(({ record }) => Object.keys(record.stores ?? {}).length > 0)
    const groups = new Map<string, string | null>()
    for (const { record } of releases) {
      const group = storeGroup(this.#groupsOf(mesh.self), record.groups)
      groups.set(record.app, group)
      if (group !== null) this.#open(record)
    }
    for (const [app, shared] of this.#shared) if (groups.get(app) !== shared.group) this.#drop(app, shared)
    this.#lines.refresh()
    for (const peer of this.#lines.peers()) this.#up(peer)
  }

  /** null where the app is not for this node. */
  #open(record: ReleaseRecord): Shared | null {
    const { mesh, clock, log, folder } = this.#needs
    const { app } = record
    const group = storeGroup(this.#groupsOf(mesh.self), record.groups)
    if (group === null || this.#isClosed) return null
    const members = new Set(
      mesh
        .members()
        .filter(({ id, groups }) => id !== mesh.self && storeGroup(groups, record.groups) === group)
        .map(({ id }) => id),
    )
    let shared = this.#shared.get(app)
    if (shared !== undefined && shared.group !== group) {
      this.#drop(app, shared)
      shared = undefined
    }
    if (shared === undefined) {
      const time = new GroupClock(clock)
      const file = group === '' ? `${app}.sqlite` : `${app}@${group}.sqlite`
      const path = async (): Promise<string> => `${(await folder.folder('replicas')).path}/${file}`
      const store = new GroupStore(this.#thread, path, () => time.time())
      shared = {
        group,
        time,
        store,
        buckets: new Set(),
        members,
        replicated: null,
        failure: null,
        isDropped: false,
      }
      this.#shared.set(app, shared)
      this.#begin(app, shared, log)
      if (this.#cancelTick === null) this.#beat()
    }
    shared.buckets = new Set(Object.keys(record.stores ?? {}))
    shared.members = members
    shared.store.allow(this.#needs.allowed(app))
    shared.replicated?.setMembers(members)
    return shared
  }

  #begin(app: string, shared: Shared, log: Log): void {
    const { store, time } = shared
    const send = (peer: string, bytes: () => Uint8Array): boolean => this.#send(peer, bytes)
    openReplicated({ app, store, time, clock: this.#needs.clock, log, send })
      .then((replicated) => {
        if (shared.isDropped || this.#isClosed) return replicated.stop()
        shared.replicated = replicated
        shared.failure = null
        replicated.setMembers(shared.members)
        for (const peer of this.#missed) this.#lines.reset(peer)
        for (const peer of this.#lines.peers()) if (!this.#missed.has(peer)) this.#up(peer)
      })
      .catch((error: unknown) => {
        shared.failure = messageOf(error)
        log.error('replicas:open', { app, error: shared.failure })
        // What the app asks of it fails with the same words; it is tried again while the release wants it.
        if (!shared.isDropped)
          this.#needs.clock.after(reopenMs, () => shared.isDropped || this.#begin(app, shared, log))
      })
  }

  #drop(app: string, shared: Shared): void {
    shared.isDropped = true
    this.#shared.delete(app)
    shared.replicated?.stop()
    shared.store.close().catch((error: unknown) => {
      this.#needs.log.warn('replicas:close', { app, error: messageOf(error) })
    })
  }

  #up(peer: string): void {
    for (const { members, replicated } of this.#shared.values()) {
      if (members.has(peer)) replicated?.up(peer)
      else replicated?.down(peer)
    }
  }

  async #onMessage(peer: string, bytes: Uint8Array): Promise<void> {
    const { app, fields } = appOf(bytes)
    const shared = this.#shared.get(app)
    // Of a store that is not this peer's nobody tells it, nor hears of it.
    const replicated = shared?.members.has(peer) === true ? shared.replicated : null
    if (replicated === null) this.#missed.add(peer)
    else await replicated.message(peer, fields)
  }

  /** What does not fit is not even written down: a session must not count what was never sent. */
  #send(peer: string, bytes: () => Uint8Array): boolean {
    if (this.#lines.queuedBytes(peer) >= replicaLimits.frameBytes) return false
    return this.#lines.send(peer, bytes())
  }

  #want(): void {
    const { mesh } = this.#needs
    for (const { members } of this.#shared.values()) {
      for (const node of neighboursOf(mesh.self, [...members])) mesh.want(node, 2 * wantEveryMs)
    }
  }

  #groupsOf(node: string): readonly string[] {
    return this.#needs.mesh.members().find(({ id }) => id === node)?.groups ?? []
  }
}

const reopenMs = 30_000
