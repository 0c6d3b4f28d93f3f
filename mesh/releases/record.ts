/**
 * The release record: what a publisher signs and every node obeys.
 *
 * It travels as COSE_Sign1 and is relayed as received; this is its payload after the signature was checked.
 * The mesh layer does not look inside `triggers` and `config`, and knows grants only as patterns.
 */
import type { Digest } from '../../core/index.ts'
import type { TopicPolicy } from './topic.ts'

export interface BlobRef {
  readonly digest: Digest
  readonly sizeBytes: number
}

export interface ComponentRef extends BlobRef {
  /** The blob that lists the component's chunks. */
  readonly chunks: BlobRef
}

/** Linear memory of one instance, all memories together, as its modules declare it. */
export interface MemoryNeed {
  /** What it begins with. */
  readonly startBytes: number
  /** What it may grow to; absent where a module sets no maximum. */
  readonly maxBytes?: number | undefined
}

/**
 * The same app built for nodes that have more, as with SIMD: the same exports, and no import that the component itself
 * lacks. A node that does not know variants, or lacks what they need, runs the component itself.
 */
export interface ComponentVariant {
  /** `simd` */
  readonly name: string
  readonly component: ComponentRef
  /** As those of the record: what a node must have for it. */
  readonly features?: readonly string[] | undefined
  readonly memory?: MemoryNeed | undefined
}

/** `kind` says which trigger; the rest is that trigger's own, checked by the host. */
export interface TriggerSpec {
  readonly kind: string
  readonly [option: string]: string | number | boolean
}

export interface Limits {
  readonly memoryBytes: number
  readonly deadlineMs: number
}

/**
 * How much it may keep on a node, as its publisher asks; the node's owner may allow less. What is not said is the
 * node's own choice.
 */
export interface Quotas {
  /** Of each folder it may write to, all that is in it. */
  readonly folderBytes?: number | undefined
  readonly folderFiles?: number | undefined
  readonly keyValueBytes?: number | undefined
  readonly keyValueKeys?: number | undefined
  readonly blobBytes?: number | undefined
  readonly blobObjects?: number | undefined
}

/** How a command is run. */
export interface RunSpec {
  /** What it sees behind its own name. */
  readonly args?: readonly string[] | undefined
}

/**
 * How a node runs instances of it. What is not said is the node's own choice; an older node that does not know the
 * field runs one instance, which every app must be content with.
 */
export interface InstancePolicy {
  /** `worker`, `process` or `shared`; a node takes its own default for what it does not know. */
  readonly isolation?: string | undefined
  /** Nothing of one invocation can be seen by the next. */
  readonly fresh?: boolean | undefined
  /** Kept although idle, and at most. */
  readonly min?: number | undefined
  readonly max?: number | undefined
  /** Calls that may wait. */
  readonly queue?: number | undefined
  /** Without work for so long an instance above `min` ends. */
  readonly idleMs?: number | undefined
  /** Processor time that it may use, in percent of one processor; it waits when that is spent. */
  readonly cpuPercent?: number | undefined
}

/** On which nodes of its groups it runs. Absent: on each of them that can. */
export interface PlacementRule {
  /** How many nodes run it at once, of each group or of the whole mesh; absent means all that can. */
  readonly replicas?: number | undefined
  /** `group` where it is not said. */
  readonly per?: 'group' | 'mesh' | undefined
  /** What a node must have beside what the grants name: `arch:arm64`, `role:gateway`, `feature:simd`; sorted. */
  readonly needs?: readonly string[] | undefined
  /** It runs nowhere until each of its groups has as many nodes that can run it as `replicas` says, at least one. */
  readonly everyGroup?: boolean | undefined
  /** So long after a node was last reached another one runs it in its place, ms. */
  readonly replaceAfterMs?: number | undefined
  /** What a part of the mesh that is isolated does; `run` where it is not said. */
  readonly minority?: 'run' | 'stop' | undefined
  /** Each replica has a name that stays with the place and not with the node: `APP-0`. */
  readonly stableNames?: boolean | undefined
}

/** Who may call it from another node, and what the mesh may do with such a call. */
export interface CallPolicy {
  /** How far a call may come: from its own node, from its node's groups (where it is not said), from anywhere. */
  readonly scope?: 'node' | 'group' | 'mesh' | undefined
  /** A call that may have begun may be made again elsewhere; GET and its like may without this. */
  readonly idempotent?: boolean | undefined
  /** Calls with one value of it stay with one instance: `header:NAME` or `cookie:NAME`. */
  readonly sticky?: string | undefined
}

/** With whom a bucket is shared. */
export interface StoreRule {
  /** `group`: one map for all nodes of the group, each of which has a copy. */
  readonly scope: 'group'
}

export interface ReleaseRecord {
  readonly v: 1
  /** The mesh it is meant for; a record of another mesh is refused. */
  readonly mesh: Digest
  readonly app: string
  /** Only grows, per app. */
  readonly seq: number
  /** For people; semver. */
  readonly version: string
  readonly component: ComponentRef
  /** `sensor:light`, `pin:led`; sorted. */
  readonly grants: readonly string[]
  readonly triggers: readonly TriggerSpec[]
  readonly config: Readonly<Record<string, string>>
  readonly limits: Limits
  /**
   * WebAssembly features beyond the MVP that the component uses, sorted: a node that lacks one need not fetch it to
   * know. A hint only, as the component itself is looked at before it is run. Absent in records of before.
   */
  readonly features?: readonly string[] | undefined
  /**
   * WIT interfaces that the component imports, with their versions, sorted: its world, so that a node without one of
   * them need not fetch it to know. A hint only, as {@link features}. Absent in records of before.
   */
  readonly imports?: readonly string[] | undefined
  /** Of the component. A hint only, as {@link features}. Absent in records of before. */
  readonly memory?: MemoryNeed | undefined
  /** The best first: each node takes the first that it can run, and the component itself where it can run none. */
  readonly variants?: readonly ComponentVariant[] | undefined
  /** Absent in records of before, and where everything is left to the node. */
  readonly instances?: InstancePolicy | undefined
  /** Absent where it takes no arguments. A node that does not know the field would run another command: see `critical`. */
  readonly run?: RunSpec | undefined
  /** Absent in records of before, and where everything is left to the node; an older node has its own limits. */
  readonly quotas?: Quotas | undefined
  /** Groups whose nodes run it; empty means all. */
  readonly groups: readonly string[]
  /** Absent where every node of its groups runs it. A node that does not know the field would run one too many: see `critical`. */
  readonly placement?: PlacementRule | undefined
  /** Absent where nothing differs from the usual. */
  readonly calls?: CallPolicy | undefined
  /** Interfaces that it imports and another app exports, by that app's name; each needs the grant `call:APP`. */
  readonly links?: Readonly<Record<string, string>> | undefined
  /** Buckets of wasi:keyvalue that are not each node's own, by name. A node that does not know the field would keep them apart: see `critical`. */
  readonly stores?: Readonly<Record<string, StoreRule>> | undefined
  /**
   * What it says of topics that it is granted, by their names: how far their messages go. Where releases differ the
   * nearest scope counts, and a topic that none declares stays on its node.
   */
  readonly topics?: Readonly<Record<string, TopicPolicy>> | undefined
  /** Digest of the record before this one, or null for the first. */
  readonly previous: Digest | null
  /** When it was signed, by the publisher's clock; ms since the epoch. */
  readonly signedAt: number
  /** Names of fields that a node must understand to run it. */
  readonly critical: readonly string[]
}
