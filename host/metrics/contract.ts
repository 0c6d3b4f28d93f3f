/**
 * What a metric is: a row with a name, a help text, and a pure function from what the node shows of itself to
 * samples. Nothing is counted here: the counters live where things happen, and are read when somebody asks.
 */
import type { GatewayCounts } from '../../mesh/index.ts'
import type { ComponentRoom, LocalApp, MemoryReport, MessageReport } from '../api/index.ts'
import type { DeviceState } from '../devices/index.ts'
import type { BridgeReport, BrokerCounts } from '../mqtt/index.ts'
import type { StartCounts } from '../engine/index.ts'
import type { CallReading } from './call-tally.ts'
import type { HttpReading } from './http-tally.ts'
import type { TallyReading } from './tally.ts'

/** What the process says of itself. Times in ms, sizes in bytes. */
export interface ProcessReading {
  readonly cpuUserMs: number
  readonly cpuSystemMs: number
  readonly residentBytes: number
  readonly heapUsedBytes: number
  readonly heapTotalBytes: number
  readonly externalBytes: number
  /** Of the daemon's thread. */
  readonly loopActiveMs: number
  readonly loopIdleMs: number
}

export interface MeshReading {
  readonly connectedPeers: number
  /** Of each member, this node included. */
  readonly verdicts: readonly string[]
  /** Apps of which the newest release is known. */
  readonly releases: number
  readonly isOnline: boolean
  readonly refusedByUs: Readonly<Record<string, number>>
  readonly refusedByThem: number
  readonly headsRefused: Readonly<Record<string, number>>
  readonly bans: number
  /** Signs of attacks, by name; every name is there. */
  readonly attacks: Readonly<Record<string, number>>
  readonly blobBytesReceived: number
  readonly blobBytesSent: number
  readonly patchBytesReceived: number
  readonly patchBytesSent: number
  readonly patchesMade: number
  readonly patchesApplied: number
  /** null where this node is no gateway. */
  readonly gateway: GatewayCounts | null
  /** What crossed the wire, by protocol. */
  readonly protocols: readonly {
    readonly protocol: string
    readonly received: { readonly bytes: number; readonly messages: number }
    readonly sent: { readonly bytes: number; readonly messages: number }
  }[]
  /** Of the exchange of heads, by their kind. */
  readonly heads: readonly {
    readonly kind: string
    readonly receivedBytes: number
    readonly sentBytes: number
  }[]
}

export interface BrokerReading {
  readonly name: string
  readonly isUp: boolean
  readonly counts: Readonly<BrokerCounts>
}

/** Everything that one answer is made from, read at one moment. */
export interface Snapshot {
  readonly version: string
  readonly node: string
  readonly arch: string
  /** Wall clock, ms since the epoch: wrong where the device's clock was. */
  readonly startedAtMs: number
  /** By the monotonic clock. */
  readonly uptimeMs: number
  readonly process: ProcessReading
  readonly loopDelay: TallyReading
  readonly apps: readonly LocalApp[]
  readonly starts: Readonly<StartCounts>
  readonly memory: MemoryReport
  /** null where the node listens for no requests. */
  readonly http: (HttpReading & { readonly underWay: number }) | null
  readonly calls: CallReading & {
    readonly breakers: Readonly<Record<'closed' | 'open' | 'half-open', number>>
    /** Of other nodes. */
    readonly served: number
  }
  readonly mesh: MeshReading
  readonly devices: readonly DeviceState[]
  readonly brokers: readonly BrokerReading[]
  readonly bridges: readonly BridgeReport[]
  /** null while it is being counted. */
  readonly components: ComponentRoom | null
  /** To the disk, by the daemon and the processes that it started. */
  readonly writtenBytes: number
  readonly messages: Pick<MessageReport, 'counts' | 'journals'>
  /** Stores that this node shares with its groups. */
  readonly sharedStores: readonly {
    readonly app: string
    readonly members: number
    readonly peers: number
    readonly equal: number
    /** null before it was first opened. */
    readonly held: { readonly items: number; readonly bytes: number } | null
    readonly clamped: number
    readonly differed: number
  }[]
  /** Codes of what `status` says is wrong; one code may stand for several problems. */
  readonly problems: readonly string[]
}

/** Where a snapshot comes from; each is asked once for each answer. */
export type MetricSources = {
  readonly [
    Part in Exclude<
      keyof Snapshot,
      'process' | 'loopDelay' | 'uptimeMs' | 'startedAtMs' | 'components' | 'writtenBytes'
    >
  ]: () => Snapshot[Part]
} & {
  readonly components: () => Promise<ComponentRoom | null>
  readonly writtenBytes: () => Promise<number>
}

export type Labels = Readonly<Record<string, string>>

interface FamilyFacts {
  /** `selvedge_`, then what it is of, then its base unit; `_total` behind what only grows. */
  readonly name: string
  /** One sentence without a full stop at its end, as Prometheus' own have it. */
  readonly help: string
  /** None of them may hold what others choose without bounds: peers, calls, versions. */
  readonly labels?: readonly string[]
}

export interface Sample {
  readonly labels?: Labels
  readonly value: number
}

export type MetricFamily =
  | (FamilyFacts & {
      readonly type: 'counter' | 'gauge'
      read(snapshot: Snapshot): Iterable<Sample>
    })
  | (FamilyFacts & {
      readonly type: 'histogram'
      read(snapshot: Snapshot): Iterable<{ readonly labels?: Labels; readonly tally: TallyReading }>
    })
