/**
 * Calls between nodes: a head and a body there, a head and a body back. What they mean is the caller's and the
 * callee's business; here they are bytes with bounds, a deadline, and the knowledge whether the call began.
 */
import { SelvedgeError } from '../../core/index.ts'
import type { NodeId } from '../transport/index.ts'

/** A body that comes piece by piece, for one reader. Asking for the next piece is the back-pressure. */
export interface CallStream {
  readonly chunks: AsyncIterable<Uint8Array>
  /** What came after the last piece; asked for when the pieces are over. At most {@link callLimits}.trailerBytes. */
  trailer(): Uint8Array | null
}

/** Whole where it is small: at most {@link callLimits}.inlineBytes. */
export type CallBody = Uint8Array | CallStream | null

export interface OutgoingCall {
  /** At most {@link callLimits}.headBytes. */
  readonly head: Uint8Array
  /** A stream is not touched before the callee asks for it, so a call that was not begun can be made again. */
  readonly body: CallBody
  /** Until the head of the answer, ms; what is left of it travels, never a time of day. */
  readonly deadlineMs: number
  /** Calls that this one may still lead to. */
  readonly hops: number
  /** Ends the call, here and there. */
  readonly signal?: AbortSignal
}

export interface IncomingCall {
  /** Who asks; its connection was admitted with that identity. */
  readonly peer: NodeId
  readonly head: Uint8Array
  readonly body: CallBody
  readonly deadlineMs: number
  readonly hops: number
  /** Aborts when the caller does not wait any more: it gave up, is gone, or its time is over. */
  readonly signal: AbortSignal
}

export interface CallAnswer {
  readonly head: Uint8Array
  readonly body: CallBody
}

/** @throws {@link NotStarted} where it did not begin; anything else counts as begun. */
export type CallHandler = (call: IncomingCall) => Promise<CallAnswer>

/** The call had no effect, so that it may be made again, whatever it is. */
export class NotStarted extends SelvedgeError {
  /** Whether the node was reached, and said so itself. */
  readonly isReached: boolean

  constructor({ code, kind, message, hint, cause }: SelvedgeError, isReached: boolean) {
    super(code, kind, message, hint, cause)
    this.isReached = isReached
  }
}

export const callProtocol = '/selvedge/call/1'

/** Every bound of calls between nodes, with its reason. */
export const callLimits = {
  /** What the head of an HTTP request may have, twice, for its packing. */
  headBytes: 64 * 1024,
  /** A body that crosses with its head, in one frame. */
  inlineBytes: 64 * 1024,
  trailerBytes: 32 * 1024,
  /** Of a body that streams, each: small enough to let other calls of the connection in between. */
  pieceBytes: 64 * 1024,
  /** Sent and not yet read of a streaming body. */
  windowBytes: 256 * 1024,
  frameBytes: 160 * 1024,
  /** Calls under way between two nodes and direction, each on a channel of its own. */
  channelsPerPeer: 64,
  /** Calls that wait for one of these; beyond, another node is asked. */
  waitingPerPeer: 256,
  /** Calls that a node answers at once, for all its peers. */
  served: 512,
  /** Opening a channel costs 1.3–2.6 ms, keeping one about 20 KB on each side. */
  idleChannels: 16,
  idleMs: 30_000,
  /** Of a call's time, what is left for its answer, or for another node, when no channel was had; and at most. */
  keptShare: 0.25,
  keptForAnswerMs: 1_000,
  /** A connection is kept so long behind the last call over it. */
  keptMs: 60_000,
  /** Dialling a member that is not connected, admission included. */
  connectMs: 5_000,
  openMs: 5_000,
  longestMs: 600_000,
  hops: 16,
} as const
