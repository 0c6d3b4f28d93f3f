/**
 * Calls of an app's functions, wherever in the mesh it runs. Whoever calls (the CLI, another app through its imports)
 * names app and function; which node answers, and how often it was asked, stands in the trace.
 */
import { maxHops, type Ingress } from '../http/index.ts'

/** How far a call went: this node, another of its groups, or beyond them. */
export type CallScope = 'node' | 'group' | 'mesh'

/** What became of one attempt. */
export type AttemptOutcome =
  /** The app answered, be it with its own error. */
  | 'answered'
  /** The node did not begin it: it is busy, does not run the app, or may not for this caller. */
  | 'not-started'
  /** The node was not reached, so that nothing began. */
  | 'unreachable'
  /** It began, or may have, and failed. */
  | 'failed'
  /** The caller's time was over, or the caller went away. */
  | 'given-up'

export interface CallAttempt {
  /** The node's name. */
  readonly node: string
  readonly outcome: AttemptOutcome
  /** Problem code of what is no answer. */
  readonly code?: string
  readonly ms: number
}

/** Where a call went. Times in ms. */
export interface CallTrace {
  /** Name of the node that answered; null where none did. */
  readonly node: string | null
  readonly scope: CallScope | null
  /** Why that node, in words. */
  readonly why: string
  readonly attempts: readonly CallAttempt[]
  /** That the call waited for an instance on its node, and that the instance took. */
  readonly queueMs: number
  readonly runMs: number
  /** Arguments and result, as they crossed a wire; 0 where they crossed none. */
  readonly bytesIn: number
  readonly bytesOut: number
}

export interface CallRequest {
  readonly app: string
  /** `ns:pkg/iface@1.0.0#function`, or the name alone of a function that the world itself exports. */
  readonly target: string
  /** As jco lifts WIT values: bigints, `Uint8Array`, `undefined` for none, records, `{ tag, val }`. */
  readonly args: readonly unknown[]
  /** What is left of the caller's own time, ms; {@link callRules}.functionMs where it is left out, and never above its cap. */
  readonly deadlineMs?: number
  /** Calls with one value of it go to one node as long as that one answers. */
  readonly key?: string
  /** Name of the one node that may answer. */
  readonly node?: string
  /** Aborted when nobody wants the answer any more. */
  readonly signal?: AbortSignal
  /** The app that calls; null for a person. */
  readonly caller?: string | null
  /** Calls that this one may still lead to, one behind the other. */
  readonly hops?: number
}

export interface CallResult {
  /** What the function returned; for a `result` its ok value, the error is thrown as WitError. */
  readonly value: unknown
  readonly trace: CallTrace
}

/** The way to every app of the mesh. */
export interface CallRouter {
  /**
   * The way into an app over HTTP: an instance of this node, else those of others. `down` where it should run here and
   * does not, and nobody else may answer; null where no app of the mesh of that name takes requests.
   */
  ingressOf(app: string): Ingress | 'down' | null
  /**
   * Calls one exported function.
   * @throws WitError for the function's own error; ERR_CALL_APP, ERR_CALL_NOWHERE, ERR_CALL_SCOPE, ERR_CALL_DEADLINE,
   *   ERR_CALL_LOST, ERR_CALL_VALUE, ERR_CALL_HOPS, what the engine throws (ERR_APP_…), and the signal's reason.
   *   {@link traceOf} has what became of a call that failed.
   */
  invoke(request: CallRequest): Promise<CallResult>
  /** Resolves when this node answers no call of the app any more. */
  drained(app: string): Promise<void>
}

/** Bounds of calls, with their reasons. */
export const callRules = {
  /** A function's, where its caller says nothing. */
  functionMs: 30_000,
  /** No call waits longer, whatever its caller says: as long as the longest deadline a release may have. */
  longestMs: 600_000,
  /** On top of an app's own deadline, for its queue and the way there: until the head of a response over HTTP. */
  httpExtraMs: 30_000,
  /** Nodes asked for one call. */
  attempts: 4,
  /** Where nobody can be asked just now, but soon might, so long is waited. */
  patienceMs: 1_000,
  /** One behind the other, requests over HTTP among them: an app that calls itself in a circle ends here. */
  hops: maxHops,
  /** Arguments, and results, each. */
  valueBytes: 4 * 1024 * 1024,
  targetLength: 256,
  keyLength: 512,
} as const

const traces = new WeakMap<object, CallTrace>()

/** Puts what became of a call beside the error it ended with. */
export function withTrace<Thrown>(error: Thrown, trace: CallTrace): Thrown {
  if (typeof error === 'object' && error !== null) traces.set(error, trace)
  return error
}

/** What became of a call that ended with this error; null where the error is not of a call. */
export function traceOf(error: unknown): CallTrace | null {
  return typeof error === 'object' && error !== null ? (traces.get(error) ?? null) : null
}
