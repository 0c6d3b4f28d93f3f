/**
 * What passes between the node's thread and a sandbox's thread.
 *
 * Three channels: messages both ways on the worker's own port; a second port for the replies a blocked guest
 * waits for; and a few shared cells that wake the guest and count its posts.
 */
import type { MessagePort } from 'node:worker_threads'
import type { CallMode, InterfaceId } from './contract.ts'

/** Indices into the shared Int32Array. */
export const cells = {
  /** Goes up with every reply; the guest's thread sleeps on it. */
  replies: 0,
  /** Posts handed to the node's thread, and those it is done with; wrap around together. */
  postsSent: 1,
  postsDone: 2,
  /** Posts dropped because too many were under way, or too many in a second. */
  postsDropped: 3,
} as const
export const cellCount = 4

export interface SandboxModule {
  readonly name: string
  readonly hasMemory: boolean
  readonly module: WebAssembly.Module
}

export interface SandboxInterface {
  readonly id: InterfaceId
  readonly functions: readonly { readonly name: string; readonly mode: CallMode }[]
}

export interface SandboxData {
  readonly glue: string
  readonly modules: readonly SandboxModule[]
  readonly interfaces: readonly SandboxInterface[]
  readonly cells: SharedArrayBuffer
  readonly replies: MessagePort
  readonly limits: SandboxLimits
}

export interface SandboxLimits {
  readonly valueBytes: number
  readonly postsInFlight: number
  readonly postsPerSecond: number
  readonly lineChars: number
  readonly coreInstances: number
}

export interface CallMessage {
  readonly type: 'call'
  readonly target: string
  readonly args: readonly unknown[]
}

/** How a guest's call ended, seen from its thread. */
export type Outcome =
  | { readonly kind: 'ok'; readonly value: unknown }
  | { readonly kind: 'err'; readonly payload: unknown }
  | { readonly kind: 'no-export'; readonly message: string }
  | {
      readonly kind: 'end'
      readonly reason: 'trap' | 'memory' | 'exit' | 'host-fault'
      readonly message: string
    }

export type FromSandbox =
  /** The glue is loaded, the instance comes next. */
  | { readonly type: 'loaded' }
  | { readonly type: 'ready' }
  | {
      readonly type: 'start-failed'
      readonly reason: 'trap' | 'memory' | 'exit' | 'host-fault'
      readonly message: string
    }
  | { readonly type: 'result'; readonly outcome: Outcome }
  | {
      readonly type: 'host-call'
      readonly id: InterfaceId
      readonly name: string
      readonly args: readonly unknown[]
    }
  | {
      readonly type: 'post'
      readonly id: InterfaceId
      readonly name: string
      readonly args: readonly unknown[]
    }
  | { readonly type: 'line'; readonly stream: 'stdout' | 'stderr'; readonly line: string }

/** To a blocked guest. Where the host is at fault there is no reply: the sandbox ends. */
export type HostReply =
  | { readonly kind: 'ok'; readonly value: unknown }
  | { readonly kind: 'err'; readonly payload: unknown }
