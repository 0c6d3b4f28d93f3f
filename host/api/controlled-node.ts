/**
 * What the control API needs of a node: the seam between host/api and the composition in host/node.
 *
 * Everything throws SelvedgeErrors, which reach the client with code and hint; anything else that is thrown is
 * logged and answered as ERR_INTERNAL.
 */
import type { DataDesk } from './data-contract.ts'
import type { EventDesk } from './event-contract.ts'
import type { Cancel, Digest } from '../../core/index.ts'
import type { CarriedRecord, TriggerSpec } from '../../mesh/index.ts'
import type { CallIntent, CallReport } from './call-contract.ts'
import type {
  InviteContext,
  LocalApp,
  LogLine,
  MetricReport,
  PublishContext,
  ReleaseEntry,
  StatusReport,
} from './contract.ts'
import type { UploadReport } from './upload-contract.ts'
import type { DevicesReport } from './devices-contract.ts'
import type { AuditLine, KeyFacts, TrustReceipt, TrustReport } from './trust-contract.ts'
import type { AppWhy, NodeWhy } from './why-contract.ts'
import type { OfferReport } from './carriage-contract.ts'
import type { LogDesk } from './log-contract.ts'
import type { TopicDesk } from './message-contract.ts'
import type { Frame } from './record-frames.ts'

type Awaitable<T> = T | Promise<T>

/** What the uploader means to sign, so that the node can refuse before anything is signed. */
export interface UploadIntent {
  /** Whose release it will be, for what has to travel. */
  readonly app?: string | undefined
  /** The variant that it is; absent for the component itself. */
  readonly variant?: string | undefined
  readonly grants: readonly string[]
  readonly triggers: readonly TriggerSpec[]
  /** Which apps export what it imports; left out by clients of before. */
  readonly links?: Readonly<Record<string, string>>
  /** The app's memory limit, or null for the default. */
  readonly memoryBytes: number | null
}

export interface LineRead<Line> {
  readonly lines: readonly Line[]
  /** The last `seq` that was looked at: where the reader goes on, also when no line was of its app. */
  readonly cursor: number
  /** Lines after `after` that left the ring before they were read. */
  readonly missed: number
}

/** Numbered lines that are read with a cursor, so that a slow client costs no memory. */
export interface LineSource<Line extends { readonly seq: number }> {
  /**
   * @param app null for all
   * @param after the last `seq` the reader has; 0 for the start of the ring
   * @returns the *oldest* lines after it, at most `limit`
   */
  read(app: string | null, after: number, limit: number): LineRead<Line>
  /** @returns the newest lines, oldest first */
  tail(app: string | null, limit: number): readonly Line[]
  /** Calls `run` after lines were added. It must not throw. */
  onAppend(run: () => void): Cancel
}

/** The node's ring of app log lines. */
export type LogSource = LineSource<LogLine>
export type LogRead = LineRead<LogLine>

/** What a node counts; both forms have the same samples. */
export interface MetricSource {
  /** Prometheus' text format 0.0.4. */
  text(): Promise<string>
  json(): Promise<readonly MetricReport[]>
}

/** What a node gives along, and takes, that travels by hand. */
export interface NodeCarriage {
  /**
   * What it takes to believe a release, and the release; `bare` where no component of it is here, and
   * otherwise, behind it, an `absent` with the digest of each component that is not.
   * @param release null for the newest of all apps
   */
  records(release: Digest | null): Awaitable<Iterable<Frame> | AsyncIterable<Frame>>
  offer(records: readonly CarriedRecord[], dryRun: boolean): Promise<OfferReport>
  blob(digest: Digest): Promise<Uint8Array | null>
  /** Kept for a while though no release names them yet. @returns their digests, in order */
  putBlobs(blobs: readonly Uint8Array[]): Promise<readonly Digest[]>
}

/** What a verdict, and where an app runs, rests on. */
export interface WhySource {
  /** @throws ERR_MEMBER_UNKNOWN */
  node(id: string): NodeWhy
  /** @throws ERR_APP_UNKNOWN */
  app(name: string): AppWhy
}

export interface ControlledNode {
  status(): Awaitable<StatusReport>
  apps(): Awaitable<readonly LocalApp[]>
  /** @param app null for all */
  releases(app: string | null): Awaitable<readonly ReleaseEntry[]>
  devices(): Awaitable<DevicesReport>
  readonly logs: LogSource
  /** What apps have said here and on other nodes, from the disk. */
  readonly appLogs: LogDesk
  /** The audit journal; of no app. */
  readonly audit: LineSource<AuditLine>
  readonly metrics: MetricSource
  readonly carriage: NodeCarriage
  readonly why: WhySource
  readonly topics: TopicDesk
  readonly events: EventDesk
  readonly data: DataDesk
  publishContext(app: string): Awaitable<PublishContext>
  /** Checks and keeps a component. @throws the engine's refusals, each naming all that is missing */
  upload(component: Uint8Array, intent: UploadIntent): Promise<UploadReport>
  /** Accepts a signed release. @throws the mesh's refusals */
  publish(record: Uint8Array): Promise<ReleaseEntry>
  /** Calls a function of an app, wherever it runs. @throws what the call came to before anybody was asked */
  call(intent: CallIntent): Promise<CallReport>
  inviteContext(): Awaitable<InviteContext>
  trust(): Awaitable<TrustReport>
  /** @param key public key of anybody */
  trustKey(key: Uint8Array): Awaitable<KeyFacts>
  /** Takes a signed trust version. @throws the mesh's refusals */
  changeTrust(bytes: Uint8Array): Promise<TrustReceipt>
  /** Takes a signed revocation. @throws the mesh's refusals */
  revoke(bytes: Uint8Array): Promise<TrustReceipt>
  /** Takes a signed heartbeat. @throws the mesh's refusals */
  beat(bytes: Uint8Array): Promise<TrustReceipt>
  setNetwork(on: boolean): Awaitable<void>
  /** Begins to stop; returns at once, the answer must still reach the client. */
  requestStop(): void
}
