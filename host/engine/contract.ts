/**
 * What the engine promises to the rest of the host.
 *
 * Three steps, each with its own failure: *inspect* says what a component is, *prepare* turns it into
 * something this node may run (and refuses with everything that is missing), *start* gives it a sandbox.
 */
import type { Digest, SelvedgeError } from '../../core/index.ts'
import type { PartSettings } from '../guest/index.ts'
import type { PoolShape } from './pool/pool-machine.ts'
import type { ComponentFunctions } from './component-functions.ts'
import type { HostChannel } from './sandbox/channel.ts'

export type { PoolShape } from './pool/pool-machine.ts'

export { WitError } from '../guest/index.ts'
export type { HostChannel } from './sandbox/channel.ts'

/** A WIT interface with its version, as components name it: `selvedge:device/sensor@0.1.0`. */
export type InterfaceId = string

/** Linear memory of one instance, all its memories together, bytes. */
export interface MemoryFacts {
  /** What it begins with. */
  readonly startBytes: number
  /** What its modules let it grow to; absent where one of them sets no maximum. */
  readonly maxBytes?: number | undefined
}

export interface ComponentFacts {
  /** `module`: a core module of WASI preview1, whose `_start` answers to `wasi:cli/run@0.2.12#run`. */
  readonly kind: 'component' | 'module'
  readonly digest: Digest
  readonly sizeBytes: number
  /** Imported interfaces whose functions or resources it uses, sorted; not those imported for a type alone. */
  readonly imports: readonly InterfaceId[]
  /** Exported instances and functions, sorted. */
  readonly exports: readonly string[]
  /** WebAssembly features beyond the MVP that it uses, e.g. `simd`; `component-model-async` where it is of WASI 0.3. */
  readonly features: readonly string[]
  /** Absent in facts that a version of before wrote down. */
  readonly memory?: MemoryFacts | undefined
  /** What others may call of it, and what it calls of others; absent for a module. */
  readonly functions?: ComponentFunctions | undefined
}

/** How a host function is called from the guest's thread. */
export type CallMode =
  /** The guest waits for the result. */
  | 'call'
  /** Fire and forget: no result, never waits; dropped and counted above a rate. */
  | 'post'

/**
 * One interface given to one app. Function names are WIT's (`get-all`). Functions take the guest's arguments as
 * jco lifts them and return the `ok` value; for a declared `err` they throw {@link WitError}. Anything else that
 * is thrown is a fault of the host and discards the instance.
 *
 * jco's view of WIT values: records are objects with camelCase fields, `variant` is `{ tag, val }`, `enum` its
 * name, `option` is `undefined` or the value, `list<u8>` a Uint8Array. `u64` and `s64` always arrive as bigint;
 * on the way to the guest an integral number is taken as well. Values cross threads by structured clone.
 */
export interface BoundInterface {
  readonly id: InterfaceId
  /**
   * The half of it that runs inside the sandbox (`host/guest/part.ts`), by the name of its part. Its functions are
   * then what that half asks of this one. Absent: they are the interface's own, and the sandbox passes them on.
   */
  readonly part?: string
  readonly functions: Readonly<Record<string, BoundFunction | BoundChannel>>
}

export interface BoundFunction {
  readonly mode: CallMode
  /** May return a promise in mode `call`; in mode `post` nobody would wait for it, and it counts as a fault. */
  run(args: readonly unknown[], caller?: GuestCaller): unknown
}

/** The instance that calls a host function, for those that take long or lead further. */
export interface GuestCaller {
  /** Of the call that runs in it, ms; Infinity where it has no deadline. */
  remainingMs(): number
  /** Calls that this one may still lead to; undefined where nobody counts. */
  hopsLeft(): number | undefined
  /** Aborted when the instance ends: nobody waits any more. */
  readonly gone: AbortSignal
  /** Whether typed arrays over shared memory can be handed to it: it is in a thread of this process. */
  readonly sharesMemory?: boolean
}

/** What comes along with a call of an exported function. */
export interface CallTerms {
  /** What is left of its caller's own time, ms. The instance is not ended by it; what it asks of others is. */
  readonly deadlineMs?: number
  /** Calls that it may still lead to. */
  readonly hops?: number
}

/** Serves a channel that the sandbox's half of an interface opened. What it throws closes the channel with a failure. */
export interface BoundChannel {
  readonly mode: 'channel'
  run(args: readonly unknown[], channel: HostChannel, opener?: ChannelOpener): Promise<void>
}

/** The call of the guest in which it opened a channel, as it was then. */
export interface ChannelOpener {
  /** Calls that it may still lead to; undefined where nobody counts. */
  readonly hops?: number | undefined
  /** What is left of its time, ms; Infinity where it has no deadline. */
  readonly leftMs: number
}

/** An interface that the node has, whether or not this app was granted it; see `interfaces/offer.ts`. */
export interface OfferedInterface {
  readonly id: InterfaceId
  /** The kind of grant that opens it, `pin` for `pin:led`; null where it is always given. */
  readonly grantKind: string | null
  /** The list under `[grants]` that makes such grants, where it is not the kind with an s: `keyvalue`. */
  readonly grantList?: string
  /** What stands in such a grant, where it is no name that a component uses: `https://HOST`. */
  readonly grantTakes?: string
}

export interface PrepareRequest {
  readonly bytes: Uint8Array
  /** Already checked against the signed record. */
  readonly digest: Digest
  /** Interfaces the app may import: those its grants cover. */
  readonly granted: readonly InterfaceId[]
  /** Interfaces the node has, so that a refusal can tell "not granted" from "not here". WASI is the engine's own. */
  readonly offered: readonly OfferedInterface[]
  /** Exports its triggers need. */
  readonly requiredExports: readonly InterfaceId[]
  readonly memoryBytes: number
  /** What to do about missing grants of these kinds, where they do not come from a manifest. */
  howToGrant?(kinds: readonly string[]): string
}

/** Transpiled output on disk, verified. Cheap to hold; says nothing of instances. */
export interface Prepared {
  readonly facts: ComponentFacts
  /** Names it in the engine's cache. */
  readonly entry: string
  /** False where the cache had it. */
  readonly fresh: boolean
}

export interface StartRequest {
  readonly app: string
  readonly prepared: Prepared
  readonly imports: readonly BoundInterface[]
  /** For each call, and for making the instance. */
  readonly deadlineMs: number
  readonly memoryBytes: number
  /** Nothing of one call can be seen by the next. */
  readonly fresh?: boolean
  /** Without it the engine's default. */
  readonly isolation?: Isolation
  /** Whose other apps it may share a thread with, where it is `shared`; without it none. */
  readonly publisher?: string
  /** Arguments, environment and folders that it sees; without it an empty world. */
  readonly world?: Partial<Pick<PartSettings, 'args' | 'env' | 'preopens' | 'terminal'>>
  /** Its standard streams as pipes, where it waits and nothing is dropped; without them its output is lines. */
  readonly streams?: StandardStreams
  /** Takes the lines the guest writes to WASI's stdout and stderr; without it they go to the engine's log. */
  output?(stream: 'stdout' | 'stderr', line: string): void
  /** Told of each instance of a pool that ended by itself. */
  incident?(incident: Incident): void
}

/** Node's permission model, another user of the machine, or nothing beside being a process. */
export type ConfinementKind = 'permission-model' | 'other-user' | 'none'

/**
 * Where an instance runs: a thread of the node, a process of its own, or a thread that it shares with other apps of
 * its publisher.
 */
export type Isolation = 'worker' | 'process' | 'shared'

export interface StandardStreams {
  readonly stdin: AsyncIterable<Uint8Array>
  /** Resolves when there is room for more. A sandbox has not ended before everything it wrote was taken. */
  stdout(bytes: Uint8Array): Promise<void>
  stderr(bytes: Uint8Array): Promise<void>
}

/** What a sandbox has used so far. */
export interface SandboxUsage {
  calls: number
  /** Of these, how many were answered with the guest's own error, or ended it. */
  errors: number
  /** Time its thread was busy with calls, ms. */
  activeMs: number
  /** Of arguments and bodies on their way in, and results and bodies on their way out; small values by estimate. */
  bytesIn: number
  bytesOut: number
  /** Of its linear memories, after the last call. */
  memoryBytes: number
  /** Log lines and other posts that came too fast. */
  dropped: number
}

/** Why a sandbox is gone. */
export type IncidentReason =
  | 'trap'
  | 'deadline'
  | 'memory'
  | 'host-fault'
  | 'exit'
  | 'stopped'
  /** The engine itself died, with the process that was the app's own. */
  | 'crash'
  /** Another app held the thread that this one shares with it. */
  | 'neighbour'

export interface Incident {
  readonly reason: IncidentReason
  readonly message: string
  /** The guest's own, where the reason is `exit`. */
  readonly exitCode?: number
}

/** A call that the node makes of a part inside the sandbox: an http request for `wasi:http`, say. */
export interface InvocationRequest {
  readonly part: string
  readonly name: string
  readonly args: readonly unknown[]
  /** Calls that it may still lead to; left out where nobody counts. */
  readonly hops?: number | undefined
  /** Aborting it closes the channel, and takes back the invocation if it has not begun. */
  readonly signal?: AbortSignal
  /** Told once, when the part sends the first thing through the channel; most never do. */
  used?(channel: HostChannel): void
  /** Told what the part answers, or why it does not; for those who do not ask for the promise of it. */
  answered?(value: unknown): void
  failed?(error: Error): void
}

export interface Invocation {
  /**
   * What the part answers. @throws as `call`
   * Made when it is asked for: a promise, and its listeners, cost as much as all else that an invocation takes here.
   */
  readonly result: Promise<unknown>
  /** Made with its first use, so look at it only for that. Outlives the result until both sides have ended it. */
  readonly channel: HostChannel
}

/** One running instance in its own worker. */
export interface Sandbox {
  /**
   * Calls one exported function. Calls are made one at a time, in order; a few may wait their turn.
   * @param target e.g. `selvedge:edge/sensor-handler@0.1.0#handle`
   * @returns the `ok` value. @throws WitError for the guest's own `err`; ERR_APP_TRAP, ERR_APP_DEADLINE… for
   * the end of the sandbox
   */
  call(target: string, args: readonly unknown[], terms?: CallTerms): Promise<unknown>
  /** As `call`, for a part. */
  invoke(request: InvocationRequest): Invocation
  readonly usage: Readonly<SandboxUsage>
  /** Why it ends, from the moment that is known; null while it takes calls. */
  readonly incident: Incident | null
  /** Resolves when the sandbox has ended, for whatever reason. */
  readonly ended: Promise<Incident>
  /** Ends it now; what is in flight fails with ERR_APP_STOPPED. */
  stop(): Promise<void>
}

/** One instance, for one call or several. */
export interface Loan {
  readonly sandbox: Sandbox
  /** Gives it back. To be called once. @param again it came to nothing there: another instance is to be lent */
  end(again?: boolean): void
}

/** Who waits for an instance, in the place of `lease`: promises would cost each request more than the pool does. */
export interface Borrower {
  /** It is its turn. Must not throw. */
  lent(loan: Loan): void
  /** @param error ERR_APP_BUSY, or the reason of the pool's end */
  refused(error: Error): void
}

export interface LeaseOptions {
  /** The instance may be another one, should the first die before it came to this; `use` is then run again. */
  readonly mayRepeat?: boolean
}

/** What all instances of a pool have used. */
export interface PoolUsage extends SandboxUsage {
  /** Bytes of linear memory times the seconds they were held. */
  memoryByteSeconds: number
  /** Calls, a lease being one, whose instance ran before they came … */
  warmStarts: number
  /** … and those that waited for theirs to be started. */
  newStarts: number
}

/** For `apps` and the metrics. */
export interface PoolReport {
  readonly isolation: Isolation
  /** What keeps a process from the machine around it; null where the app has none of its own. */
  readonly confinement: ConfinementKind | null
  readonly instances: number
  /** Calls that wait for one. */
  readonly waiting: number
  /** Instances that ended by themselves, by reason. */
  readonly incidents: Readonly<Partial<Record<IncidentReason, number>>>
}

/** Several instances of one app, of which each call gets whichever is free. */
export interface AppPool {
  /** As a sandbox's. @throws also ERR_APP_BUSY when too many calls wait */
  call(target: string, args: readonly unknown[], terms?: CallTerms): Promise<unknown>
  /**
   * Hands one instance to `use` when it is this caller's turn, until `use` is done.
   * @throws ERR_APP_BUSY, the reason of the pool's end, or what `use` throws
   */
  lease<Result>(use: (sandbox: Sandbox) => Promise<Result>, options?: LeaseOptions): Promise<Result>
  /** The same for those who answer many requests. */
  borrow(borrower: Borrower): void
  /** Who waits no longer leaves its place to others. @returns false where it was lent one already, or refused */
  withdraw(borrower: Borrower): boolean
  readonly usage: PoolUsage
  readonly report: PoolReport
  /** Resolves when it was stopped, or has given up because its instances die too often. */
  readonly ended: Promise<Incident>
  stop(): Promise<void>
}

/** How instances were come by, for the metrics. */
export interface StartCounts {
  /** A thread or process was started for it. */
  cold: number
  /** One that was started beforehand was specialised. */
  template: number
  /** It went into a thread that it shares with other apps of its publisher. */
  shared: number
}

/** What apps have of the memory that is for them; see `memory-ledger.ts`. */
export interface AppsMemory {
  /** Infinity where nothing bounds it. */
  readonly appsBytes: number
  /** By app, the most first. */
  readonly held: readonly { readonly app: string; readonly bytes: number }[]
}

/** What an app may take, and what is always there of it. */
export interface AppSize {
  readonly memoryBytes: number
  /** A thread of its own unless given. */
  readonly isolation?: Isolation | undefined
  /** That are kept; one where none are. */
  readonly instances?: number | undefined
}

export interface Engine {
  readonly starts: Readonly<StartCounts>
  readonly memory: AppsMemory
  /** Why an app of this size can never run here, whatever else does; null where it can. Asked before it is fetched. */
  refusalOfSize(app: string, size: AppSize): SelvedgeError | null
  /** @throws ERR_NOT_WASM, ERR_CORE_MODULE, ERR_COMPONENT_INVALID, ERR_COMPONENT_TOO_LARGE */
  inspect(bytes: Uint8Array): Promise<ComponentFacts>
  /**
   * @throws as inspect, and ERR_IMPORTS_REFUSED, ERR_HANDLER_MISSING, ERR_FEATURE_MISSING, ERR_MEMORY_LIMIT,
   * each naming all that is missing; ERR_PREPARE_MEMORY
   */
  prepare(request: PrepareRequest): Promise<Prepared>
  /**
   * What a component is, refused as `prepare` would but for what this node's machine lacks: for one that is handed on to
   * other nodes. What can run here is prepared.
   */
  examine(request: PrepareRequest): Promise<ComponentFacts>
  /** @throws ERR_APP_START when the instance cannot be made, ERR_MEMORY_BUDGET when there is no room for it */
  start(request: StartRequest): Promise<Sandbox>
  /** Opens a pool of instances. @throws as `start`, for its first */
  open(request: StartRequest, shape: Partial<PoolShape>): Promise<AppPool>
  stop(): Promise<void>
}
