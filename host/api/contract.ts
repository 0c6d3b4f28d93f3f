/**
 * The daemon's control API as its clients see it: HTTP over a Unix socket, JSON in and out, `/v1`.
 * These shapes are what `--json` prints (behind a `schema` field), so they only ever gain fields.
 */
import type { LogLevel } from '../../core/index.ts'
import type { ComponentRoom } from './component-room.ts'
import type { DiskWrites } from './disk-writes.ts'
import type { MachineStatus } from './machine-contract.ts'
import type { PlacementStatus } from './placement-contract.ts'
import type { ReleaseTerms } from './release-terms.ts'
import type { AttackStatus, HeartbeatStatus } from './trust-contract.ts'
import type { NodePause } from './node-pause.ts'

/** design.md section 7. */
export type Verdict = 'alive' | 'suspect' | 'dead' | 'left' | 'cut-off' | 'isolated'

/** What an app is doing on one node. */
export type AppState =
  | 'announced'
  | 'fetching'
  | 'preparing'
  | 'waiting'
  | 'starting'
  | 'running'
  | 'backoff'
  | 'failed'
  | 'stopped'

/** How a release's component comes, or came, to one node. Coarse where another node than the asked one tells of it. */
export interface Transfer {
  /** Of the component, on the disk; of {@link totalBytes}. */
  readonly haveBytes: number
  readonly totalBytes: number
  /** Taken from other nodes for it: chunks, their list, a patch. */
  readonly fetchedBytes: number
  /** `disk`: nothing had to come; `peers`: in chunks; `patch`: as the difference to a release before. */
  readonly via: string
  /** Since it began, or that it took. */
  readonly ms: number
  /** While it is under way: what came in the last moments. */
  readonly bytesPerSecond?: number | undefined
}

/** An app as its node reports it. `version`/`seq` are what runs; `next` is a release on its way or refused. */
export interface AppStatus {
  readonly app: string
  readonly version: string
  readonly seq: number
  readonly state: AppState
  /** ms since the epoch by the reporting node's clock. */
  readonly since: number
  readonly failures: number
  /** Which of the release's variants it is; absent for the component itself, and from nodes of before. */
  readonly variant?: string
  /** For a state that waits or failed: a problem in words, with its code. */
  readonly reason?: { readonly code: string; readonly message: string; readonly hint: string }
  /** Of `version`; absent from nodes of before, and from other nodes some minutes after it came. */
  readonly transfer?: Transfer
  readonly next?: {
    readonly version: string
    readonly seq: number
    readonly state: AppState
    /** 0–1 while fetching. */
    readonly progress?: number
    readonly variant?: string
    readonly transfer?: Transfer
    readonly reason?: { readonly code: string; readonly message: string; readonly hint: string }
  }
}

export interface NodeStatus {
  readonly id: string
  readonly name: string
  readonly groups: readonly string[]
  readonly roles: readonly string[]
  readonly arch: string
  readonly runtime: string
  readonly state: Verdict
  /** In words: who says so and since when. */
  readonly why: string
  readonly stateSince: number
  /** null for oneself and for peers without a measured round trip. */
  readonly rttMs: number | null
  /** How old this node's own signed record is here, in ms. */
  readonly recordAgeMs: number | null
  readonly devices: readonly {
    readonly kind: 'sensor' | 'pin' | 'i2c' | 'folder'
    readonly name: string
    /** Of a folder, what apps may do there: `read` or `read-write`. */
    readonly driver: string
    /** `missing`, `stale` or `faulty`; absent where it is well, and from nodes of before. */
    readonly health?: string | undefined
  }[]
  readonly apps: readonly AppStatus[]
  /** It answers, and says itself that it is slow. Absent from nodes of before, as what follows. */
  readonly slow?: boolean
  /** Ids of the gateways that the connection to it leads through; empty where it is direct. */
  readonly via?: readonly string[]
  /**
   * Calls under way by app, as powers of two, where it says so: members of the asked node's groups do, while they are busy.
   */
  readonly load?: Readonly<Record<string, number>>
  /** What it says of its last sleep or standstill. */
  readonly pause?: NodePause
  readonly platform?: string
  /** WebAssembly features that apps may use there, and roles that it plays. */
  readonly features?: readonly string[]
  /** What its machine and its owner leave to apps. Sizes in bytes. */
  readonly machine?: MachineStatus
}

/** Calls of the asked node that a node outside its groups answered, within the last five minutes. */
export interface LeftGroup {
  readonly calls: number
  /** Names of those that answered, sorted. */
  readonly nodes: readonly string[]
  /** Since the last one, ms. */
  readonly lastAgoMs: number
}

/** The node's memory: what it may take, how that is shared out, and what of it is promised to apps. In bytes. */
export interface MemoryReport {
  readonly budgetBytes: number
  /** Whether the node's owner said so, or it is a part of what the machine has. */
  readonly from: 'config' | 'machine'
  /** What the machine has, or the control group around the node. */
  readonly limitBytes: number
  /** By name; `apps` is what is for the apps. */
  readonly shares: Readonly<Record<string, number>>
  /** By app, the most first: what their instances may take at any moment. */
  readonly apps: readonly { readonly app: string; readonly bytes: number }[]
}

export interface StatusReport {
  readonly mesh: { readonly id: string; readonly name: string; readonly trustVersion: number }
  readonly self: {
    readonly id: string
    readonly name: string
    readonly version: string
    readonly network: 'on' | 'off'
    readonly addresses: readonly string[]
    readonly startedAt: number
  }
  readonly nodes: readonly NodeStatus[]
  /** How the last heartbeat of an admin stands; null where the mesh uses none. Absent from nodes of before. */
  readonly heartbeat?: HeartbeatStatus | null
  /** Signs of attacks since the node started, the latest first. Absent from nodes of before. */
  readonly attacks?: readonly AttackStatus[]
  /** What components take of this node's disk; null while it is being counted. Absent from nodes of before. */
  readonly components?: ComponentRoom | null
  /** What the node and its apps may take of its memory. Absent from nodes of before. */
  readonly memory?: MemoryReport
  /** What this node writes to its disk. Absent from nodes of before. */
  readonly writes?: DiskWrites
  /** Where apps run that do not run on every node of their groups. Absent from nodes of before. */
  readonly placements?: readonly PlacementStatus[]
  /** By app, calls that left this node's groups of late. Absent from nodes of before. */
  readonly departures?: readonly (LeftGroup & { readonly app: string })[]
  /** What is wrong, worst first. */
  readonly problems: readonly { readonly code: string; readonly message: string; readonly hint: string }[]
}

/** What an app has used on this node since the node started. */
export interface AppUsage {
  /** How its instances are kept apart: `worker`, `process` or `shared`; null while there are none. */
  readonly isolation: string | null
  /** For `process`: `permission-model`, `other-user` or `none`. */
  readonly confinement: string | null
  readonly invocations: number
  readonly errors: number
  readonly cpuMs: number
  readonly memoryBytes: number
  readonly memoryByteSeconds: number
  readonly bytesIn: number
  readonly bytesOut: number
  /** Log lines and the like that came too fast. */
  readonly dropped: number
  readonly instances: number
  /** Calls whose instance ran before they came, and those that waited for theirs to be started. */
  readonly warmStarts: number
  readonly newStarts: number
  /** Times the app was started again after its instances had ended, of all its releases. */
  readonly restarts: number
  /** Calls that wait for an instance. */
  readonly waiting: number
  /** Instances that ended by themselves, by reason: `trap`, `deadline`, `memory` … */
  readonly incidents: Readonly<Record<string, number>>
}

/** Of a store or a folder. `items` are keys, objects and containers, or files, folders and links. */
export interface Holding {
  /** null until it was first looked at: a store when the app uses it, a folder soon after the app’s start. */
  readonly bytes: number | null
  readonly items: number | null
  /** What the app asked for, or the usual, as far as the node’s owner allows it. */
  readonly maxBytes: number
  readonly maxItems: number
}

/** What an app keeps on this node, of what it was granted. */
export interface AppHoldings {
  readonly keyvalue?: Holding
  readonly blobstore?: Holding
  /** Those that it may write to, by the node owner’s names; what is in them, whoever put it there. */
  readonly folders: Readonly<Record<string, Holding>>
}

/** One app on the asked node, with what only that node knows. */
export interface LocalApp extends AppStatus {
  readonly digest: string
  readonly grants: readonly string[]
  readonly events: {
    /** Given to the app so far, handled, answered with an error, and lost with an instance or a full queue. */
    readonly taken: number
    readonly handled: number
    readonly failed: number
    readonly dropped: number
    /** Highest id handled. */
    readonly lastId: number
    /** In memory and on the disk; absent from nodes of before, as the next one. */
    readonly waiting?: number
    /** Dead letters on the disk: given up after their last attempt. */
    readonly dead?: number
    /** Why events that were promised cannot be kept now; absent where they can. */
    readonly problem?: { readonly code: string; readonly message: string; readonly hint: string }
  }
  readonly restarts: number
  /** The last end of an instance by itself; absent where there was none since the node started. */
  readonly lastIncident?: {
    /** By the wall clock, ms. */
    readonly time: number
    /** As `usage.incidents` counts it. */
    readonly reason: string
    readonly message: string
    /** What the app said last before it, oldest first. */
    readonly lines: readonly string[]
  }
  readonly lastSwap: {
    readonly from: string
    readonly to: string
    readonly ms: number
    readonly gapMs: number
  } | null
  readonly usage: AppUsage
  /** Absent from nodes of before. */
  readonly storage?: AppHoldings
  /** Calls of it from this node that left the group; absent where none did of late. */
  readonly leftGroup?: LeftGroup
  /** Bytes fetched from peers for the present release. */
  readonly fetchedBytes: number
}

export interface ReleaseEntry {
  readonly app: string
  readonly seq: number
  readonly version: string
  readonly digest: string
  readonly component: string
  readonly sizeBytes: number
  /** For nodes that have more, the best first; absent where there are none. */
  readonly variants?: readonly {
    readonly name: string
    readonly component: string
    readonly sizeBytes: number
    readonly features: readonly string[]
  }[]
  readonly publisher: string
  readonly signedAt: number
  readonly receivedAt: number
  readonly groups: readonly string[]
  readonly grants: readonly string[]
  /** `head` is what every node should run. */
  readonly role: 'head' | 'past' | 'fork' | 'revoked'
  /** Of a head that must not run: which revocation says so, and why. */
  readonly halted?: { readonly of: 'release' | 'publisher'; readonly reason: string }
  /** How its component came to the asked node; absent where it did not since that node started. */
  readonly transfer?: Transfer
}

export interface LogLine {
  /** Position in the node's ring; grows by one. */
  readonly seq: number
  readonly time: number
  readonly app: string
  readonly version: string
  readonly level: LogLevel
  readonly context: string
  readonly message: string
}

/** In place of log lines that fell out of the node's ring before a follower came to read them. */
export interface LogGap {
  readonly missed: number
}

/** What an admin needs to know before signing an invite. */
export interface InviteContext {
  readonly mesh: string
  readonly meshName: string
  /** Public root keys of the trust bundle in force here, in hexadecimal. */
  readonly roots: readonly string[]
  /** Where the newcomer finds this node: dialable multiaddrs with its peer id. */
  readonly addresses: readonly string[]
}

/** What a publisher needs to know before signing. */
export interface PublishContext {
  readonly mesh: string
  readonly app: string
  readonly nextSeq: number
  readonly previous: string | null
  readonly head: ReleaseEntry | null
  /** Of the head; a node of an earlier version does not say. */
  readonly terms?: ReleaseTerms | null
}

/** One metric with its samples. */
export interface MetricReport {
  readonly name: string
  readonly help: string
  readonly type: 'counter' | 'gauge' | 'histogram'
  readonly values: readonly {
    readonly labels: Readonly<Record<string, string | number>>
    readonly value: number
    /** For the series of a histogram: the name with `_bucket`, `_sum` or `_count`. */
    readonly metricName?: string
  }[]
}

/** Errors travel as `{ error: { code, kind, message, hint } }` with status 400, 404, 409, 413, 500 or 503. */
export interface ApiError {
  readonly error: {
    readonly code: string
    readonly kind: string
    readonly message: string
    readonly hint: string
  }
}

export const routes = {
  status: 'GET /v1/status',
  /** ?node=ID : NodeWhy, or ?app= : AppWhy */
  why: 'GET /v1/why',
  apps: 'GET /v1/apps',
  /** ?app= */
  releases: 'GET /v1/releases',
  /** ?app=&after=SEQ or tail=N&follow=1 : JSON lines of LogLine, LogGap and, while there is no news, empty lines */
  logs: 'GET /v1/logs',
  devices: 'GET /v1/devices',
  /** ?app= */
  publishContext: 'GET /v1/publish-context',
  /** body: the .wasm ; query app=&grants=JSON&triggers=JSON&memoryBytes=N so that the node refuses before anything is signed */
  upload: 'POST /v1/components',
  /** body: the COSE_Sign1 bytes */
  publish: 'POST /v1/releases',
  /** ?release=DIGEST for one, else the newest of all apps : frames of signed records, see record-frames.ts */
  records: 'GET /v1/records',
  /** body: frames of signed records ; ?dry-run=1 to change nothing. Answers with an OfferReport */
  offerRecords: 'POST /v1/records',
  /** body: { digests: [...] } : a frame for each */
  blobs: 'POST /v1/blobs/read',
  /** body: frames of chunks and chunk lists ; kept for a while though no release names them yet */
  putBlobs: 'POST /v1/blobs',
  /** body: a CallIntent ; answers with a CallReport, also where the call came to nothing after somebody was asked */
  call: 'POST /v1/call',
  inviteContext: 'GET /v1/invite-context',
  trust: 'GET /v1/trust',
  /** ?key=HEX : KeyFacts */
  trustKey: 'GET /v1/trust/key',
  /** body: the signed bundle */
  changeTrust: 'POST /v1/trust',
  /** body: the signed revocation */
  revoke: 'POST /v1/revocations',
  /** body: the signed heartbeat */
  beat: 'POST /v1/heartbeats',
  /** ?after=SEQ or tail=N&follow=1 : JSON lines of AuditLine, LogGap and empty lines, as of logs */
  audit: 'GET /v1/audit',
  /** body: { on: boolean } */
  network: 'POST /v1/network',
  stop: 'POST /v1/stop',
  /** Only at the address for build jobs, and the one request that needs no key : DeployGreeting */
  deploy: 'GET /v1/deploy',
  /** Prometheus' text format; with ?format=json a list of MetricReport. Where Prometheus looks for it. */
  metrics: 'GET /metrics',
} as const
