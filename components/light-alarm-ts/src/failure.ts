/** Errors as WIT has them, on their way out of this app and into it. */

/**
 * Answers the event with `err`. The payload is what the interface declares, here a string; both engines pass it
 * on. StarlingMonkey takes an error without one for a bug, and the instance is discarded.
 */
export class Failure extends Error {
  readonly payload: string

  constructor(message: string) {
    super(message)
    this.payload = message
  }
}

/**
 * Why a function of the node failed. What WIT declares as its error arrives as an `Error` whose `payload` is that
 * value: a variant with a text, or without one.
 */
export function reasonOf(error: unknown): string {
  const payload = (error as { payload?: { tag?: unknown; val?: unknown } } | null)?.payload
  if (payload?.tag === 'not-granted') return 'it is not granted to this app'
  if (typeof payload?.val === 'string') return payload.val
  return error instanceof Error ? error.message : String(error)
}
