/**
 * One node among its peers: wires trust, transport, heads, blobs and membership together.
 *
 * The network can be switched off and on while everything else goes on; a node without network still has its
 * trust, its releases and its blobs, which is all it needs to run.
 */
import { messageOf, type Cancel, type Part } from '../core/index.ts'
import { AddressBook } from './address-book.ts'
import type { AttackLedger } from './attack-ledger.ts'
import type { Audit } from './audit.ts'
import type { BlobExchange, BlobStore } from './blobs/index.ts'
import { Carriage } from './carriage/index.ts'
import type { ComponentSource } from './component-source.ts'
import { MeshCounters } from './counters.ts'
import type { CallExchange } from './calls/index.ts'
import { createConversations, type Conversations } from './conversations.ts'
import { createDistribution, type Distribution } from './distribution.ts'
import type { Gateways, GatewayState } from './gateway/index.ts'
import { forgetStrangers } from './forgetting.ts'
import { createHeadExchange, type HeadExchange } from './heads/index.ts'
import type { Alarm, CredentialBook, HeartbeatStore, NodeId, TrustStore } from './identity/index.ts'
import { addressesWith, createGateways, describeWith } from './leading.ts'
import { letIn } from './letting-in.ts'
import type { LoadExchange } from './load/index.ts'
import type { LogExchange } from './logs/index.ts'
import type { MembershipWatch, NodeRecords, Opinion, VerdictChange } from './membership/index.ts'
import type { MemberView, MeshOptions } from './mesh-options.ts'
import type { MessageExchange } from './messages/index.ts'
import { OperatorDesk } from './operator-desk.ts'
import { OwnRecord } from './own-record.ts'
import { witnessPeers } from './peer-witness.ts'
import { PublishedHeads } from './published-heads.ts'
import { ReplicaLines } from './replicas/index.ts'
import type { OfferedRelease, ReleaseLog } from './releases/index.ts'
import { openStores, type Stores } from './stores.ts'
import { MeshTraffic } from './traffic.ts'
import { Redialler, type Transport } from './transport/index.ts'
import { createWatch, notLookedAt } from './watching.ts'
import { createWire } from './wire.ts'
import type { Witness } from './witness.ts'

/** Opens everything the mesh keeps on disk and verifies it again. Nothing touches the network before `start`. */
export async function openMesh(options: MeshOptions): Promise<Mesh> {
  return new Mesh(options, await openStores(options))
}

export class Mesh implements Part {
  readonly name = 'mesh'
  readonly self: NodeId
  readonly trust: TrustStore
  readonly heartbeats: HeartbeatStore
  readonly credentials: CredentialBook
  readonly releases: ReleaseLog
  readonly blobs: BlobStore
  readonly exchange: BlobExchange
  /** How this node comes by components. */
  readonly source: ComponentSource
  /** What ought never to happen and did, oldest first. */
  readonly alarms: readonly Alarm[]
  /** Who signed what, when it arrived, and what was refused. */
  readonly audit: Audit
  /** Signs of attacks since this object was made. */
  readonly attacks: AttackLedger
  readonly operator: OperatorDesk
  /** What comes and goes by hand. */
  readonly carriage: Carriage
  /** What was refused of peers, since this object was made. */
  readonly counters = new MeshCounters()
  readonly traffic: MeshTraffic
  /** Calls to other members, and theirs. */
  readonly calls: CallExchange
  /** Messages to other members, and theirs. */
  readonly messages: MessageExchange
  /** What the nodes of this one's groups have to do. */
  readonly load: LoadExchange
  /** What apps say on other members, and here. */
  readonly logs: LogExchange
  /** The way between replicas of one group's stores. */
  readonly replicas: ReplicaLines
  readonly #options: MeshOptions
  readonly witness: Witness
  readonly #records: NodeRecords
  readonly #stores: Stores
  readonly #transport: Transport
  readonly #heads: HeadExchange
  readonly #published: PublishedHeads
  readonly #watch: MembershipWatch
  readonly #redial: Redialler
  readonly #addresses: AddressBook
  readonly #gateways: Gateways
  readonly #listeners = new Set<() => void>()
  readonly #own: OwnRecord
  readonly #distribution: Distribution
  readonly #conversations: Conversations
  #cancels: Cancel[] = []
  #online: boolean
  #isConnecting = false
  #stopped = false
  #turn: Promise<void> = Promise.resolve()

  /** Use {@link openMesh}. */
  constructor(options: MeshOptions, stores: Stores) {
    const { identity, clock, random, log } = options
    this.#options = options
    this.self = identity.nodeId
    this.trust = stores.trust
    this.heartbeats = stores.heartbeats
    this.credentials = stores.credentials
    this.releases = stores.releases
    this.blobs = stores.blobs
    this.alarms = stores.alarms
    this.audit = stores.audit
    this.attacks = stores.attacks
    this.witness = stores.witness
    this.operator = new OperatorDesk(stores)
    this.carriage = new Carriage({ ...stores, clock })
    this.#records = stores.records
    this.#stores = stores
    this.#online = !options.offline
    this.#published = new PublishedHeads({
      holdings: { ...stores, identity, clock, onOwnRecord: (boot) => this.#onOwnRecord(boot) },
      counters: this.counters,
      witness: stores.witness,
      log,
      onOffered: (key, from) => this.source.heard(key, from),
      onAccepted: (prefix) => {
        if (prefix === 'node/') this.#recordsChanged()
      },
    })
    this.traffic = new MeshTraffic(this.#published.prefixes)
    this.#own = new OwnRecord({
      ...stores,
      identity,
      clock,
      log,
      describe: () => describeWith(this.#gateways, options.describe()),
      addresses: () => (this.#online ? addressesWith(this.#gateways, this.addresses()) : null),
      onIssued: () => {
        this.#published.publish('node/', this.self)
        this.#tell()
      },
    })
    this.#transport = createWire(options, stores, this.traffic)
    const transport = this.#transport
    const shared = { stores, identity, transport, clock, random, log }
    this.replicas = new ReplicaLines({ transport, clock, random, log: log.scope('replicas') })
    this.#watch = createWatch({
      ...shared,
      redial: () => this.#redial,
      onChange: () => {
        this.#gateways.membersChanged()
        this.#tell()
      },
    })
    this.#heads = createHeadExchange({
      ...shared,
      log: log.scope('heads'),
      accept: (key, bytes, from) => this.#published.accept(key, bytes, from),
      report: (attack, peer, detail) => this.witness.seen('head', attack, peer, detail),
      traffic: this.traffic.byKind,
    })
    this.#published.connect(this.#heads)
    this.#conversations = createConversations({ ...shared, used: (node, forMs) => this.want(node, forMs) })
    ;({ calls: this.calls, messages: this.messages, load: this.load, logs: this.logs } = this.#conversations)
    this.#distribution = createDistribution({ ...options, stores, transport })
    this.exchange = this.#distribution.exchange
    this.source = this.#distribution.source
    this.#redial = new Redialler({
      ...shared,
      log: log.scope('redial'),
      onFailure: (node, failure) => this.#watch.observe({ type: 'dial-failed', node, failure }),
    })
    this.#addresses = new AddressBook({ ...stores, self: this.self, redial: this.#redial })
    this.#gateways = createGateways({
      ...shared,
      watch: this.#watch,
      options: options.gateway,
      isOnline: () => this.#online,
      onChange: () => {
        this.#own.changed()
        this.#tell()
      },
    })
  }

  async start(): Promise<void> {
    if (this.#cancels.length > 0) return
    this.#stopped = false
    this.#isConnecting = this.#online
    this.#cancels = [
      letIn({ stores: this.#stores, transport: this.#transport, log: this.#options.log }),
      // Turned out between the check of its credential and the end of its admission.
      this.#transport.on('peer:admitted', ({ peer }) => this.#disconnectIfStranger(peer)),
      ...witnessPeers(this.#transport, this.counters, this.#stores, this.self),
      this.#transport.on('peer:found', ({ peer, addresses }) => {
        if (this.credentials.isMember(peer)) this.#redial.hint(peer, addresses)
      }),
      this.trust.onChange(() => {
        for (const kind of ['trust', 'revocation/', 'heartbeat/'] as const) this.#published.publishKind(kind)
        this.#own.changed()
        this.#tell()
      }),
      this.heartbeats.onChange(() => {
        this.#published.publishKind('heartbeat/')
        this.#tell()
      }),
      this.credentials.onChange(() => this.#membersChanged()),
      this.releases.onChange((changes) => {
        for (const { app } of changes) {
          this.#published.publish('release/', app)
          this.#published.publish('fork/', app)
        }
        this.#tell()
      }),
    ]
    this.#own.start()
    this.#published.publishAll()
    await this.#heads.start?.()
    await this.#distribution.start()
    this.#conversations.start()
    this.#watch.start()
    this.#watch.observe({ type: 'network', on: this.#online })
    this.#gateways.start()
    this.#membersChanged()
    this.#addresses.readInvite()
    if (this.#options.connectsLater !== true) await this.connect()
  }

  /** To the network, unless it is switched off; `start` does it unless told otherwise. @throws ERR_PORT_IN_USE, ERR_ADDRESS */
  async connect(): Promise<void> {
    await this.#inTurn(async () => (this.#online && !this.#stopped ? this.#connect() : undefined))
    this.#isConnecting = false
    this.#tell()
    await this.#own.issue()
  }

  async stop(): Promise<void> {
    for (const cancel of this.#cancels) cancel()
    this.#cancels = []
    this.#own.stop()
    this.#stopped = true
    await this.#turn
    if (this.#online) await this.#watch.leave('stops')
    this.#gateways.stop()
    this.#redial.stop()
    this.#watch.stop()
    this.#conversations.stop()
    await this.#distribution.stop()
    await this.#heads.stop?.()
    await this.#transport.stop?.()
    await this.#records.flush()
    await this.audit.flush()
  }

  /** It has started, and {@link connect} has yet to end: nobody was dialled. */
  get isConnecting(): boolean {
    return this.#isConnecting
  }

  get isOnline(): boolean {
    return this.#online
  }

  /** Switches the mesh's network; apps and the control API go on. Calls take turns. */
  setNetwork(on: boolean): Promise<void> {
    return this.#inTurn(async () => {
      if (this.#online === on || this.#stopped) return
      if (on) await this.#connect()
      // What cannot be closed in good order counts as closed: the others were told that this node leaves.
      else
        await this.#disconnect().catch((error: unknown) =>
          this.#options.log.error('mesh:off', { error: messageOf(error) }),
        )
      this.#online = on
      this.#watch.observe({ type: 'network', on })
      this.#tell()
      await this.#own.issue()
    })
  }

  /** Others remember more of this node than its disk does. */
  #onOwnRecord(boot: number): Promise<void> {
    const detail = 'a newer record of this very node came back: its disk was restored to an older state'
    this.witness.seen('node', 'rollback', null, detail)
    return this.#own.jumpAbove(boot)
  }

  #inTurn(work: () => Promise<void>): Promise<void> {
    const turn = this.#turn.then(work)
    this.#turn = turn.catch(() => {})
    return turn
  }

  /** Peers that are connected and admitted now. */
  get connectedPeers(): number {
    return this.#transport.peers().length
  }

  /** Where others can dial this node. */
  addresses(): string[] {
    return this.#transport.addresses()
  }

  /** Whether others can dial this node, its gateways, and what it does as one. */
  get gateways(): GatewayState {
    return this.#gateways.state
  }

  /** As {@link OperatorDesk.publish}. */
  publish(bytes: Uint8Array): Promise<OfferedRelease> {
    return this.operator.publish(bytes)
  }

  /** Every member with what this node holds of it, this node included. */
  members(): MemberView[] {
    return this.credentials.members().map((member) => {
      const opinion = member.id === this.self ? this.#watch.self() : this.#watch.opinion(member.id)
      const via = this.#gateways.via(member.id)
      return { ...member, opinion: opinion ?? notLookedAt, held: this.#records.get(member.id), via }
    })
  }

  /** What this node holds of a member, or of itself. @returns null for one that is no member */
  opinion(node: NodeId): Opinion | null {
    if (!this.credentials.isMember(node)) return null
    return (node === this.self ? this.#watch.self() : this.#watch.opinion(node)) ?? notLookedAt
  }

  /** This node reaches half of the members it counts on or less, and changes nobody's state. */
  get isIsolated(): boolean {
    return this.#watch.isIsolated
  }

  /** Calls `listener` when the verdict of a member, or of this node, has changed. */
  onVerdict(listener: (change: VerdictChange) => void): Cancel {
    return this.#watch.onVerdict(listener)
  }

  /** Connects to a member that is no neighbour and keeps the connection for so long at least. @param forMs milliseconds */
  want(node: NodeId, forMs: number): void {
    if (this.credentials.isMember(node)) this.#watch.want(node, forMs)
  }

  /** Says that {@link MeshOptions.describe} would answer differently now. */
  descriptionChanged(): void {
    this.#own.changed()
  }

  /** As {@link descriptionChanged}, for what will be different again soon: told if it lasts, or with the next change. */
  descriptionPasses(): void {
    this.#own.passes()
  }

  /** As {@link descriptionChanged}, where nothing is different but how far something has come: that can wait a little. */
  descriptionMoved(): void {
    this.#own.moved()
  }

  /** Calls `listener` when members, verdicts, releases or the network changed. */
  onChange(listener: () => void): Cancel {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  async #connect(): Promise<void> {
    await this.#transport.start?.()
    this.#redial.start()
  }

  async #disconnect(): Promise<void> {
    await this.#watch.leave('network-off')
    this.#redial.stop()
    await this.#transport.stop?.()
  }

  #membersChanged(): void {
    this.#published.publishKind('member/')
    this.#watch.setMembers(this.credentials.members().map(({ id }) => id))
    forgetStrangers(this.#stores, this.#addresses, this.#options.log)
    for (const peer of this.#transport.peers()) this.#disconnectIfStranger(peer)
    this.#published.publishKind('node/')
    this.#recordsChanged()
  }

  #disconnectIfStranger(peer: NodeId): void {
    if (!this.credentials.isMember(peer)) this.#transport.disconnect(peer, 'it is no member any more')
  }

  /** Addresses come from the members' own records. */
  #recordsChanged(): void {
    this.#addresses.readRecords()
    this.#gateways.membersChanged()
    this.#tell()
  }

  #tell(): void {
    for (const listener of this.#listeners) listener()
  }
}
