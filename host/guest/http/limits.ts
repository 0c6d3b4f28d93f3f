/** Bounds of what one guest may hold of HTTP, each with its reason. */
export const httpGuestLimits = {
  /** A body up to here crosses with its head, in one message. */
  wholeBodyBytes: 64 * 1024,
  /** A body up to here is kept, and crosses, as characters; beyond it, making them costs more than it saves. */
  textBodyBytes: 4_096,
  /** Name and value pairs of one set of fields. */
  fields: 1_024,
  /** Names and values of one set of fields together, as wasmtime allows. */
  fieldBytes: 128 * 1024,
  /** All fields and all bodies that wait, together: far below the heap of a sandbox. */
  heldBytes: 8 * 1024 * 1024,
  /** A path with its query; servers on the way refuse longer ones. */
  pathChars: 16 * 1024,
  /** Host and port. RFC 1035 allows names of 253 characters. */
  authorityChars: 300,
  methodChars: 64,
  /** What a guest says went wrong, in an `internal-error`. */
  messageChars: 500,
} as const
