/**
 * A trigger turns something that happens into an event for one app: one folder each, and one line in
 * `triggers/index.ts`. It never calls the app; it hands events over and goes on.
 *
 * An event is data, as it may lie on the disk for days before a handler has it: its kind turns it into the arguments of
 * the call when that is made.
 */
import type { GenericSchema, ObjectEntries } from 'valibot'
import type { Cancel, Clock, Random, SelvedgeError } from '../../core/index.ts'
import type { Pin, Sensor } from '../devices/index.ts'
import type { InterfaceId } from '../engine/index.ts'
import type { BlobStore, KeyValueStore } from '../storage/index.ts'

/** What CBOR can carry: no bigint, no undefined, whole numbers up to 2^53. */
export type Payload =
  | null
  | boolean
  | number
  | string
  | Uint8Array
  | readonly Payload[]
  | { readonly [field: string]: Payload }

/** One event on its way; it gets its id when the app's queue takes it. */
export interface TriggerEvent<Data = Payload> {
  readonly payload: Data
  /** Where several events are handled at once, those of one key still keep their order. */
  readonly key?: string
  /** The same one again is taken as handled; only with a delivery of at least once. */
  readonly unique?: string
  /**
   * Monotonic ms: from then on nobody wants it handled. Such an event waits in memory and is handed over at most once,
   * whatever its trigger promises of others.
   */
  readonly untilMs?: number
}

/** What the call says of an event beside its payload. */
export interface EventFacts {
  /** Counts up by one for each event of the app on this node. */
  readonly id: number
  /** 1 the first time it is handed to the app. */
  readonly attempt: number
}

export interface TriggerContext<Data = Payload> extends TriggerSources {
  readonly app: string
  /** Of the release's trigger: stays the same from one release to the next where its options do. */
  readonly lane: string
  readonly clock: Clock
  readonly random: Random
  /** A few bytes that are there after a restart. */
  readonly memory: TriggerMemory
  /** Hands an event over and does not wait. Must not throw and must not block. */
  emit(event: TriggerEvent<Data>): void
  /**
   * Hands an event over; resolves when it is the queue's: on the disk, where it is to be delivered at least once.
   * @throws what the queue says, as ERR_QUEUE_FULL
   */
  offer(event: TriggerEvent<Data>): Promise<void>
  /** Told once when events cannot be made; again only after one could be made. */
  failed(problem: SelvedgeError): void
}

/** What a trigger may listen to. A source that the node does not have is null: the trigger says so, and waits for ever. */
export interface TriggerSources {
  /** Those the release was granted. */
  readonly sensors: ReadonlyMap<string, Sensor>
  readonly pins: ReadonlyMap<string, Pin>
  /** Of the app's own buckets. */
  readonly changes: KeyChanges | null
  /** Of the app's own containers. */
  readonly objects: ObjectChanges | null
  readonly peers: PeerChanges | null
  readonly topics: TopicMessages | null
}

/** What tells of the app's own keys, and objects; see host/storage. */
export type KeyChanges = Pick<KeyValueStore, 'onChange' | 'feed' | 'storeOf'>
export type ObjectChanges = Pick<BlobStore, 'onChange' | 'feed'>

/** Of another member of the mesh, as this node sees it. */
export interface PeerChange {
  readonly kind: 'joined' | 'lost' | 'state'
  /** The node's id. */
  readonly node: string
  readonly name: string
  readonly groups: readonly string[]
  /** The verdict of now: `up`, `suspect`, `down`, `left` … */
  readonly state: string
  /** The one before; null for one that was not known. */
  readonly before: string | null
}

export interface PeerChanges {
  /** This node's groups. */
  readonly groups: readonly string[]
  onChange(listener: (change: PeerChange) => void): Cancel
}

export interface TopicMessage {
  readonly id: string
  readonly topic: string
  readonly key: string | null
  readonly contentType: string | null
  readonly metadata: readonly (readonly [string, string])[]
  readonly body: Uint8Array
  readonly origin: string
  readonly timeMs: number
  /** Of a request: what a reply names, and until when somebody waits for it, monotonic ms. */
  readonly request?: { readonly replyTo: string; readonly untilMs: number }
}

export interface TopicMessages {
  /** Each message until `handle` resolves; again after a failure or a restart. */
  subscribe(
    name: string,
    topics: readonly string[],
    handle: (message: TopicMessage) => Promise<void>,
    options?: { readonly takesRequests?: boolean },
  ): Promise<Cancel>
}

/** Of one trigger of one app; forgotten when the app leaves the node. */
export interface TriggerMemory {
  /** null where nothing was kept, or it cannot be read. */
  read(): Promise<Payload>
  /** Resolves when it is on the disk. At most 4 KiB. */
  write(value: Payload): Promise<void>
}

export interface RunningTrigger {
  /** After it nothing is emitted any more. May be called twice. */
  stop(): void
}

/** What is promised of an event: that a handler sees it at most once, or that one answered it without an error. */
export type DeliveryPromise = 'at-most-once' | 'at-least-once'

/** How the events of one trigger get to the app. */
export interface DeliveryTerms {
  readonly promise: DeliveryPromise
  /** How often one event is handed over before it becomes a dead letter; 1 for at most once. */
  readonly attempts: number
  /** Of the first retry; it doubles from one to the next, up to five minutes. */
  readonly backoffMs: number
  /** Events that are handled at once. */
  readonly concurrency: number
  /** Handed over as lists of at most so many, at the latest so long after the first of them came. */
  readonly batch: { readonly most: number; readonly withinMs: number } | null
}

export interface TriggerKind<Options = unknown, Data = Payload> {
  /** As written in `kind = "…"`. */
  readonly kind: string
  readonly summary: string
  /** As a person writes it beside `kind` and the options of delivery, in TOML: `every = "1s"`. */
  readonly written: ObjectEntries
  /** The signed form of what was written: `{ everyMs: 1000 }`. @param written as {@link written} made it */
  toSpec(written: Readonly<Record<string, unknown>>): Readonly<Record<string, string | number | boolean>>
  /** What stands behind `--trigger KIND:`, as it would be written; absent where it can only be written in a manifest. */
  fromOption?(text: string): Readonly<Record<string, unknown>>
  /** Of the signed form, without `kind` and the options of delivery; refuses what it does not know. */
  readonly options: GenericSchema<unknown, Options>
  /** The interfaces of which the component must export one. */
  readonly handlers: readonly [InterfaceId, ...InterfaceId[]]
  /** The same where events come as lists; absent where they cannot. */
  readonly batchHandlers?: readonly [InterfaceId, ...InterfaceId[]]
  /** Its function that handles an event. */
  readonly method: string
  /** One event, without arguments, each time the app begins to be served: by a new release, or again after a failure. */
  readonly firesAtStart?: boolean
  /** Where nothing else is written; null where its events are not delivered by the queue, and the options are refused. */
  readonly delivery: DeliveryPromise | null
  /** Grants without which it cannot work, as `kind:name`. */
  requiredGrants(options: Options): readonly string[]
  /** The call's arguments, as jco takes them. @throws where the payload is not what this kind makes */
  args(payload: Data, facts: EventFacts): readonly unknown[]
  /** The same of a list. */
  batchArgs?(events: readonly { readonly payload: Data; readonly facts: EventFacts }[]): readonly unknown[]
  start(options: Options, context: TriggerContext<Data>): RunningTrigger
}
