/**
 * Nodes that share a store, on a virtual network: the daemon's own code but for the disk, which is what a transaction left,
 * and the mesh around it, which is only who is a member and who is connected.
 */
import { memoryFolder, silentLog, type DurableFolder } from '../../core/index.ts'
import type { MemberView, ReleaseRecord } from '../../mesh/index.ts'
import { ReplicaLines } from '../../mesh/replicas/index.ts'
import { GroupReplicas } from '../../host/replicas/index.ts'
import {
  keyValueLimits,
  memoryStorage,
  storageProblems,
  type KeyValueStore,
} from '../../host/storage/index.ts'
import { MapEntryRows, type MapEntriesState } from '../../host/storage/group/map-entry-rows.ts'
import { ReplicaTable } from '../../host/storage/group/replica-table.ts'
import type { ReplicaAsking } from '../../host/storage/group/thread.ts'
import {
  SimNetwork,
  type SeededRandom,
  type SimTransport,
  type VirtualClock,
  type WireQuality,
} from './index.ts'

export const record = {
  app: 'counter',
  groups: ['lobby'],
  stores: { shared: { scope: 'group' } },
} as unknown as ReleaseRecord

/** A clock of a machine that is wrong by so much. */
function skewed(clock: VirtualClock, skewMs: () => number): VirtualClock {
  return {
    now: () => clock.now() + skewMs(),
    monotonicMs: () => clock.monotonicMs(),
    after: (ms: number, run: () => void) => clock.after(ms, run),
  } as VirtualClock
}

/** Tables over what is on a disk; each request takes its time, and is done whole or not at all. */
class SimReplicas implements ReplicaAsking {
  readonly generation = 1
  readonly #tables = new Map<string, ReplicaTable>()
  readonly #disk: Map<string, MapEntriesState>
  readonly #make: (state: MapEntriesState) => ReplicaTable
  readonly #clock: VirtualClock
  isOff = false

  constructor(
    disk: Map<string, MapEntriesState>,
    clock: VirtualClock,
    make: (state: MapEntriesState) => ReplicaTable,
  ) {
    this.#disk = disk
    this.#clock = clock
    this.#make = make
  }

  async request(...[call, told]: Parameters<ReplicaAsking['request']>): Promise<unknown> {
    await new Promise<void>((resolve) => this.#clock.after(1, resolve))
    const off = (): Error => storageProblems.error('ERR_STORAGE_CLOSED', 'the power is off')
    if (this.isOff) throw off()
    const { path, method, args, time } = call
    if (method === 'open') {
      const state = this.#disk.get(path) ?? {
        rows: new Map(),
        vectors: new Map(),
        facts: new Map(),
        lastId: 0,
      }
      this.#disk.set(path, state)
      if (!this.#tables.has(path)) this.#tables.set(path, this.#make(state))
      return undefined
    }
    const table = this.#tables.get(path)
    if (table === undefined) throw new Error('it is not open')
    if (method === 'saveTo' || method === 'joinFrom') throw new Error('there are no files here')
    table.setTime(time)
    // What passes to another thread is copied, and what comes back.
    const value = structuredClone(
      (table[method] as (...args: unknown[]) => unknown).apply(table, structuredClone([...args])),
    )
    const { keys, bytes } = table.usage()
    told({ held: { items: keys, bytes }, changes: table.takeChanges() })
    return value
  }

  async close(): Promise<void> {}
}

export class SimMember {
  readonly name: string
  readonly replicas: GroupReplicas
  readonly store: KeyValueStore
  readonly transport: SimTransport
  readonly #thread: SimReplicas

  constructor(world: ReplicaWorld, name: string, disk: Map<string, MapEntriesState>) {
    this.name = name
    const { network, random } = world
    const clock = skewed(world.clock, () => world.skews.get(name) ?? 0)
    this.#thread = new SimReplicas(disk, world.clock, (state) => {
      if (world.broken.has(name)) throw new Error('the card is worn out')
      return new ReplicaTable(new MapEntryRows(state), keyValueLimits, name, random)
    })
    this.transport = network.transport(name)
    this.transport.start()
    const folder: DurableFolder = { ...memoryFolder(), folder: async () => folder }
    const members = world.names.map((id) => ({ id, name: id, groups: ['lobby'] }) as unknown as MemberView)
    this.replicas = new GroupReplicas({
      mesh: {
        self: name,
        members: () => members,
        releases: { desired: () => [{ record }] } as never,
        onChange: () => () => {},
        want: () => {},
        replicas: new ReplicaLines({ transport: this.transport, clock, random, log: silentLog }),
      },
      folder,
      allowed: () => ({ bytes: keyValueLimits.bytes, items: keyValueLimits.keys }),
      clock,
      log: silentLog,
      thread: this.#thread,
    })
    this.store = this.replicas.storeOf(record, memoryStorage(clock).keyValue(record.app))
    this.replicas.start()
  }

  /** What was not yet answered was never done, or was; nobody is told which. */
  powerOff(): void {
    this.#thread.isOff = true
    this.replicas.stop()
    this.transport.kill()
  }

  get bytesSent(): number {
    return this.transport.sent.get('/selvedge/replicas/1')?.bytes ?? 0
  }
}

/** All connected with all, unless told otherwise. */
export class ReplicaWorld {
  readonly clock: VirtualClock
  readonly random: SeededRandom
  readonly network: SimNetwork
  readonly names: readonly string[]
  /** By how much the clocks of nodes are wrong, ms. */
  readonly skews = new Map<string, number>()
  /** Nodes whose stores cannot be opened. */
  readonly broken = new Set<string>()
  readonly #disks = new Map<string, Map<string, MapEntriesState>>()
  readonly #members = new Map<string, SimMember>()

  constructor(clock: VirtualClock, random: SeededRandom, count: number, wire: Partial<WireQuality> = {}) {
    this.clock = clock
    this.random = random
    this.names = Array.from({ length: count }, (_, index) => `n${index}`)
    this.network = new SimNetwork(clock, random, {
      wire: { minLatencyMs: 1, maxLatencyMs: 20, ...wire },
      silenceMs: 2_000,
    })
    for (const name of this.names) this.powerOn(name)
  }

  at(name: string): SimMember {
    const member = this.#members.get(name)
    if (member === undefined) throw new Error(`${name} is off`)
    return member
  }

  get on(): SimMember[] {
    return [...this.#members.values()]
  }

  powerOn(name: string): SimMember {
    const disk = this.#disks.get(name) ?? new Map<string, MapEntriesState>()
    this.#disks.set(name, disk)
    const member = new SimMember(this, name, disk)
    this.#members.set(name, member)
    this.connect()
    return member
  }

  powerOff(name: string): void {
    this.at(name).powerOff()
    this.#members.delete(name)
  }

  /** Everybody who can. */
  connect(): void {
    for (const { name } of this.on) {
      for (const { name: other } of this.on) {
        if (name < other && !this.network.isSplit(name, other)) this.network.connect(name, other)
      }
    }
  }

  split(...sides: readonly (readonly string[])[]): void {
    this.network.partition(...sides)
    for (const { name } of this.on) {
      for (const { name: other } of this.on)
        if (this.network.isSplit(name, other)) this.network.cut(name, other)
    }
  }

  heal(): void {
    this.network.heal()
    this.connect()
  }

  read(name: string, key: string): Promise<string | null> {
    const work = this.at(name).store.get('shared', key)
    return this.clock
      .finish(work, 5_000)
      .then((found) => (found === null ? null : new TextDecoder().decode(found.value)))
  }

  /** What each node holds, by a digest. */
  async digests(): Promise<string[]> {
    const reports = this.on.map(({ replicas }) => replicas.digestOf(record.app))
    return this.clock.finish(Promise.all(reports), 5_000)
  }

  async untilEqual(limitMs: number): Promise<number> {
    const start = this.clock.monotonicMs()
    for (;;) {
      if (new Set(await this.digests()).size === 1) return this.clock.monotonicMs() - start
      if (this.clock.monotonicMs() - start > limitMs)
        throw new Error(
          `not equal after ${limitMs} ms: ${JSON.stringify(this.on.map(({ replicas }) => replicas.report()))}`,
        )
      // As redialling does where a connection broke.
      this.connect()
      await this.clock.run(20)
    }
  }
}
