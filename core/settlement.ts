/**
 * Waiting for a promise that lives long, many times over. A promise keeps whatever was hung on it, and with
 * Promise.race the outcome of every race, until it settles: of an instance that runs for months, that is a leak with
 * every call. Here it has one listener, and whoever stops waiting is forgotten.
 */
import type { Cancel } from './clock.ts'

type Tell = (value: unknown) => void

/** null once it has resolved. */
const waiting = new WeakMap<Promise<unknown>, Set<Tell> | null>()

/** @param tell called once, when it has resolved; a rejection is nobody's business here */
export function whenResolved<Value>(promise: Promise<Value>, tell: (value: Value) => void): Cancel {
  const own: Tell = (value) => tell(value as Value)
  const tells = waiting.get(promise) ?? watch(promise)
  tells.add(own)
  return () => void tells.delete(own)
}

function watch(promise: Promise<unknown>): Set<Tell> {
  const tells = new Set<Tell>()
  // One that has resolved keeps nothing, so each that asks may have a listener of its own.
  if (waiting.get(promise) !== null) waiting.set(promise, tells)
  const settle = (value: unknown): void => {
    waiting.set(promise, null)
    for (const tell of tells) tell(value)
    tells.clear()
  }
  promise.then(settle, () => tells.clear())
  return tells
}

/** What `work` comes to, unless `end` resolves first: then what `ended` throws. */
export async function unlessResolved<Result, Value>(
  work: Promise<Result>,
  end: Promise<Value>,
  ended: (value: Value) => Error,
): Promise<Result> {
  let cancel!: Cancel
  try {
    return await new Promise<Result>((resolve, reject) => {
      // A turn later, so that what the work itself says of the same end comes first.
      cancel = whenResolved(end, (value) => queueMicrotask(() => reject(ended(value))))
      work.then(resolve, reject)
    })
  } finally {
    cancel()
  }
}
