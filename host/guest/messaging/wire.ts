/** What the two halves of wasi:messaging say to each other: a message, whole, in either direction. */

export const messagingPartName = 'wasi:messaging'
export const messagingTypesId = 'wasi:messaging/types@0.2.0-draft'
export const messagingProducerId = 'wasi:messaging/producer@0.2.0-draft'
export const messagingRequestId = 'wasi:messaging/request-reply@0.2.0-draft'
export const messagingHandlerId = 'wasi:messaging/incoming-handler@0.2.0-draft'

/** `error` of wasi:messaging/types. */
export type MessagingError =
  | { readonly tag: 'timeout' }
  | { readonly tag: 'connection'; readonly val: string }
  | { readonly tag: 'permission-denied'; readonly val: string }
  | { readonly tag: 'other'; readonly val: string }

/** A message as it crosses between node and sandbox: what its handler is called with, and what is sent. */
export interface GuestMessage {
  readonly topic: string | undefined
  readonly contentType: string | undefined
  readonly data: Uint8Array
  readonly metadata: readonly (readonly [string, string])[] | undefined
  /** Of a request: what the node knows it by when it is replied to. */
  readonly replyTo?: string | undefined
}

/** Data and metadata of all messages that one sandbox holds: each is in its heap, which must never run full. */
export const heldMessageBytes = 8 * 1024 * 1024
