/**
 * What the two halves of wasi:http say to each other. Heads and small bodies travel in one message; what is longer
 * goes through the channel of the exchange: bytes through its streams, and beside them these messages.
 *
 * Fields are flat lists, name and value in turn, in the order and case of the network; a value is a string of
 * bytes (latin1), as node:http has it.
 */
import type { HttpErrorCode } from './error-code.ts'

/** The part's name, and the interface behind which the node's half of outgoing requests is bound. */
export const httpPartName = 'wasi:http'
export const httpTypesId = 'wasi:http/types@0.2.12'
export const outgoingHandlerId = 'wasi:http/outgoing-handler@0.2.12'
export const incomingHandlerId = 'wasi:http/incoming-handler@0.2.12'

export type FlatFields = readonly string[]

/** A body that is there as a whole, `null` where it is empty; or `streamed`: it comes through the channel. */
export type WireBody = Uint8Array | null | 'streamed'

/** What `invoke('handle', …)` is asked, as both halves work with it; it crosses as {@link packCall} has it. */
export interface IncomingCall {
  /** As in the request line: `GET`. */
  readonly method: string
  /** Path and query. */
  readonly path: string
  readonly scheme: 'http' | 'https'
  readonly authority: string | undefined
  readonly headers: FlatFields
  readonly body: WireBody
}

export interface WholeResponse {
  readonly t: 'response'
  readonly status: number
  readonly headers: FlatFields
  readonly body: WireBody
  /** Of a body that is not streamed; those of a streamed one follow it. */
  readonly trailers: FlatFields | null
}

/** The same with a short body, one character a byte (latin1): a few characters cost less than a buffer of their own. */
export interface TextResponse {
  readonly t: 'text'
  readonly status: number
  readonly headers: FlatFields
  readonly body: string
  readonly trailers: FlatFields | null
}

/** What `invoke('handle', …)` answers; it crosses as {@link packAnswer} has it. */
export type IncomingAnswer =
  | WholeResponse
  | TextResponse
  /** Head and body went through the channel. */
  | { readonly t: 'streamed' }
  /** The guest answered with an error code of its own. */
  | { readonly t: 'error'; readonly code: HttpErrorCode }
  /** The guest returned and had not answered, or had not finished the body. */
  | { readonly t: 'none'; readonly why: string }

/** The one argument with which the guest opens the channel of an outgoing request. */
export interface OutgoingCall {
  readonly method: string
  readonly scheme: 'http' | 'https'
  /** Host, and port where it is not the scheme's own. */
  readonly authority: string
  readonly path: string
  readonly headers: FlatFields
  readonly body: WireBody
  /** Of a body that is not streamed. */
  readonly trailers: FlatFields | null
  /** null is the node's own. */
  readonly connectTimeoutMs: number | null
  readonly firstByteTimeoutMs: number | null
  readonly betweenBytesTimeoutMs: number | null
}

/** From the sandbox, through the channel of either kind of exchange. */
export type FromGuest =
  /** The head of a streamed response (incoming); its bytes follow. */
  | WholeResponse
  /** The streamed body is complete. */
  | { readonly t: 'end'; readonly trailers: FlatFields | null }
  /** The streamed body will never be complete. */
  | { readonly t: 'abort' }
  /** The guest has begun with a request whose body streams: only now there is somebody to send it to. */
  | { readonly t: 'want' }
  /** Nobody reads the other side's body any more: what remains of it is to be thrown away. */
  | { readonly t: 'discard' }

/** From the node. */
export type FromNode =
  | WholeResponse
  /** There will be no response. */
  | { readonly t: 'error'; readonly code: HttpErrorCode }
  /** The streamed body is complete; also after `discard`. */
  | { readonly t: 'end'; readonly trailers: FlatFields | null }
  /** The streamed body will never be complete. */
  | { readonly t: 'failed'; readonly code: HttpErrorCode }
