/** What answers one route of the control API. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Digest } from '../../core/index.ts'

export interface Call {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly query: URLSearchParams
  /** What was signed for this request's body; null where its sender needs no key. */
  readonly bodyDigest: Digest | null
}

/** @returns what is answered as JSON, or undefined where the handler has answered itself */
export type Handler = (call: Call) => unknown
