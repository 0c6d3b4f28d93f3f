/** Every bound of HTTP on the node's side, in both directions, each with its reason. */
export interface HttpLimits {
  /** A request's head, in bytes: twice what node:http takes by default, for cookies. */
  readonly headBytes: number
  /** Fields of a request; node:http would drop what is beyond without a word. */
  readonly fields: number
  /** A body that is read whole before the app is called, so that both cross at once. */
  readonly wholeBodyBytes: number
  /** Of a body whose request waits for its turn, read before that: only behind it is seen that its client has gone. */
  readonly aheadBytes: number
  /** The same of all requests together. */
  readonly allAheadBytes: number
  /** A request's body, streamed. */
  readonly bodyBytes: number
  /** A body, either way, of an app that takes and gives records: it is whole in the memory of both. */
  readonly recordBodyBytes: number
  /** Time for a request's head, ms. */
  readonly headMs: number
  /** A connection on which nothing moves although the other side is to send or to read, ms. */
  readonly idleMs: number
  /** A connection without a request, ms. */
  readonly keepAliveMs: number
  /** A request's head and body together, ms; node:http's own default. */
  readonly requestMs: number
  readonly connections: number
  /** Requests under way, all apps together. */
  readonly requests: number
  /** Time for what is under way when the node stops, ms. */
  readonly stopMs: number
  /** Outgoing requests of one app at once. */
  readonly outgoing: number
  /** Head of a response from elsewhere, in bytes. */
  readonly responseHeadBytes: number
  /** What an outgoing request may take where the app says nothing, each, ms; no app waits for the head of a response until its own deadline. */
  readonly outgoingMs: number
}

export const defaultHttpLimits: HttpLimits = {
  headBytes: 32 * 1024,
  fields: 256,
  wholeBodyBytes: 64 * 1024,
  aheadBytes: 1024 * 1024,
  allAheadBytes: 16 * 1024 * 1024,
  bodyBytes: 256 * 1024 * 1024,
  recordBodyBytes: 1024 * 1024,
  headMs: 10_000,
  idleMs: 30_000,
  keepAliveMs: 5_000,
  requestMs: 300_000,
  connections: 4_096,
  requests: 4_096,
  stopMs: 2_000,
  outgoing: 64,
  responseHeadBytes: 64 * 1024,
  outgoingMs: 60_000,
}
