/**
 * What passes between the node and a sandbox, in batches: one message across threads or processes costs more than
 * what most of them carry. Both directions keep their order.
 */
import type { PartSettings } from './part.ts'

/** How the sandbox passes a function of an interface on. */
export type CallMode =
  /** The guest waits for the result. */
  | 'call'
  /** Fire and forget: no result, never waits; dropped and counted above a rate. */
  | 'post'
  /** Opens a channel. */
  | 'channel'

export interface SandboxModule {
  readonly name: string
  /** Such a module may be instantiated once only, or its memory would count twice. */
  readonly hasMemory: boolean
  /** Compiled where the sandbox is a thread; a process compiles for itself. */
  readonly module: WebAssembly.Module | Uint8Array<ArrayBuffer>
}

/** jco's glue as a script whose value is a function that gives `instantiate`. */
export interface GlueScript {
  readonly text: string
  /** V8's own form of it, where the node has made one: compiling the text takes milliseconds, taking this in a fraction. */
  readonly code: Uint8Array | null
}

export interface SandboxInterface {
  readonly id: string
  /** The part that implements it inside the sandbox; null where its functions are passed on as they are. */
  readonly part: string | null
  readonly functions: readonly { readonly name: string; readonly mode: CallMode }[]
}

export interface SandboxLimits {
  readonly valueBytes: number
  readonly postsInFlight: number
  readonly postsPerSecond: number
  readonly coreInstances: number
  /** JavaScript heap beyond which a new instance is made between two calls, in bytes. */
  readonly recycleHeapBytes: number
  /** Streams, pollables and other resources of the host that a guest may hold at once. */
  readonly heldHandles: number
  readonly channels: number
}

/** All that makes a sandbox one app's. */
export interface Boot {
  readonly app: string
  /** null for a core module of preview1, which comes alone. */
  readonly glue: GlueScript | null
  readonly modules: readonly SandboxModule[]
  /** What the names of exported state begin with; null where an instance cannot be put back as it began. */
  readonly restore: string | null
  /** Nothing of one call can be seen by the next. */
  readonly fresh: boolean
  readonly interfaces: readonly SandboxInterface[]
  readonly settings: PartSettings
  readonly limits: SandboxLimits
}

/** How a guest's call ended, seen from its thread. */
export type Outcome =
  | { readonly kind: 'ok'; readonly value: unknown }
  | { readonly kind: 'err'; readonly payload: unknown }
  | { readonly kind: 'no-export'; readonly message: string }
  | ({ readonly kind: 'end' } & EndOfGuest)

export interface EndOfGuest {
  readonly reason: 'trap' | 'memory' | 'exit' | 'host-fault'
  readonly message: string
  /** Where the reason is `exit`. */
  readonly exitCode?: number
}

/** The same in both directions; `channel` is odd where the guest opened it, even where the node did. */
export type ChannelMessage =
  | { readonly t: 'bytes'; readonly channel: number; readonly bytes: Uint8Array }
  /** No more bytes from this side. */
  | { readonly t: 'end'; readonly channel: number; readonly failure: ChannelFailure | null }
  /** The other side may send so many bytes more. */
  | { readonly t: 'credit'; readonly channel: number; readonly bytes: number }
  | { readonly t: 'message'; readonly channel: number; readonly value: unknown }
  | { readonly t: 'close'; readonly channel: number; readonly failure: ChannelFailure | null }

export interface ChannelFailure {
  readonly message: string
  readonly code?: unknown
}

export type ToGuest =
  | { readonly t: 'boot'; readonly boot: Boot }
  | { readonly t: 'call'; readonly call: number; readonly target: string; readonly args: readonly unknown[] }
  | {
      readonly t: 'invoke'
      readonly call: number
      readonly part: string
      readonly name: string
      readonly args: readonly unknown[]
      readonly channel: number
    }
  /** Takes a call back that has not begun. */
  | { readonly t: 'cancel'; readonly call: number }
  /** Answers host call `n`. Where the host is at fault there is no reply: the sandbox ends. */
  | { readonly t: 'reply'; readonly n: number; readonly kind: 'ok' | 'err'; readonly value: unknown }
  /** So many posts have been dealt with. */
  | { readonly t: 'posts'; readonly done: number }
  | ChannelMessage

export type ToHost =
  /** The glue is loaded, the instance comes next. */
  | { readonly t: 'loaded' }
  | { readonly t: 'ready'; readonly memoryBytes: number }
  | ({ readonly t: 'start-failed' } & EndOfGuest)
  /** It ended between two calls. */
  | ({ readonly t: 'failed' } & EndOfGuest)
  | {
      readonly t: 'result'
      readonly call: number
      readonly outcome: Outcome
      /** Time the guest's thread was busy with it, without what it slept, in ms. */
      readonly activeMs: number
      /** Of all its linear memories, now. */
      readonly memoryBytes: number
      /** Estimated size of the result, in bytes. */
      readonly bytes: number
      /** Posts dropped since the last result. */
      readonly dropped: number
      /** Whether an invocation's channel was used. */
      readonly channelUsed: boolean
    }
  | {
      readonly t: 'host-call'
      readonly n: number
      readonly id: string
      readonly name: string
      readonly args: readonly unknown[]
    }
  | { readonly t: 'post'; readonly id: string; readonly name: string; readonly args: readonly unknown[] }
  | {
      readonly t: 'open'
      readonly channel: number
      readonly id: string
      readonly name: string
      readonly args: readonly unknown[]
    }
  /** Send a batch, of nothing if need be, after so long: a process cannot both sleep on a pipe and on a clock. */
  | { readonly t: 'wake'; readonly afterMs: number }
  | ChannelMessage

/** Indices into the Int32Array that a node and a sandbox in a thread share. */
export const cells = {
  /** Goes up with every batch to the guest; its thread sleeps on it. */
  batches: 0,
  /** The number of the call that was begun last. */
  begun: 1,
} as const
export const cellCount = 2

/** Sandboxes in one shared thread; the next ones get another. */
export const maxTenants = 32
const held = cellCount
/**
 * Indices into the same array of a thread that sandboxes share. The thread says whose turn it is and then looks
 * whether that one has left; the node says that it leaves and then looks whose turn it is. So one of both sees it.
 */
export const sharedCells = {
  count: held + 2 + 2 * maxTenants,
  /** The number of the sandbox that has the thread, awake or asleep; 0 for none. */
  held,
  /** The number of the call that a sandbox began last. Numbers are given so that no two at a time share a cell. */
  begunBy: (sandbox: number): number => held + 1 + (sandbox % maxTenants),
  /** Its own number, from when it is to begin nothing more. */
  leaving: (sandbox: number): number => held + 1 + maxTenants + (sandbox % maxTenants),
  /** Goes up with every turn that a sandbox gets, so that a long one can be told from many. */
  turns: held + 1 + 2 * maxTenants,
} as const

/** Bytes under way in one direction of one channel. Two of the largest pieces that a guest reads at once. */
export const channelWindowBytes = 256 * 1024
/** Messages that a side of a channel has not looked at yet. Beyond it the channel is closed as faulty. */
export const maxChannelMessages = 1_024
/** The interface behind standard streams; only the engine binds it. */
export const stdioInterface = 'selvedge:sandbox/stdio'

/** File descriptors in a sandbox's process. */
export const pipes = { toGuest: 3, toHost: 4 } as const

/** To a sandbox's process that is started before there is an app for it. */
export const spareArgument = 'spare'

/** Messages of one turn, flat: what costs least to copy from one thread to another. */
export type PackedBatch = readonly unknown[]

/** Between a node and a thread that several sandboxes share; null lets one go, and says that it has gone. */
export interface ToShared {
  readonly sandbox: number
  readonly batch: PackedBatch | null
}

export interface FromShared {
  readonly sandbox: number
  readonly batch: PackedBatch | null
}
