/** Bounds on the values that cross between a guest and its host. */

const maxDepth = 64
/** What a small object or list costs a JavaScript heap beside its contents. */
const overheadBytes = 32

/** Thrown where a value is too large, too deep, or not of a kind that WIT has. */
export class ValueError extends Error {
  override readonly name = 'ValueError'
}

/**
 * Estimates what `value` takes and refuses what is over `maxBytes`, without copying it.
 * @returns the estimate, in bytes
 * @throws ValueError also for functions, promises and other things that no WIT value becomes
 */
export function assertBounded(value: unknown, maxBytes: number): number {
  let left = maxBytes
  const spend = (bytes: number): void => {
    left -= bytes
    if (left < 0) throw new ValueError(`a value is larger than ${maxBytes} bytes`)
  }
  const visit = (item: unknown, depth: number): void => {
    if (depth > maxDepth) throw new ValueError(`a value is nested deeper than ${maxDepth}`)
    if (typeof item === 'string') return spend(item.length * 2)
    if (typeof item !== 'object' || item === null) {
      if (typeof item === 'function' || typeof item === 'symbol') throw notAValue(item)
      return spend(8)
    }
    spend(overheadBytes)
    if (ArrayBuffer.isView(item)) return spend(item.byteLength)
    if (Array.isArray(item)) {
      for (const entry of item as unknown[]) visit(entry, depth + 1)
      return
    }
    const prototype: unknown = Object.getPrototypeOf(item)
    if (prototype !== Object.prototype && prototype !== null) throw notAValue(item)
    for (const entry of Object.values(item)) visit(entry, depth + 1)
  }
  visit(value, 0)
  return maxBytes - left
}

function notAValue(item: unknown): ValueError {
  const kind = typeof item === 'object' && item !== null ? item.constructor.name : typeof item
  return new ValueError(`a ${kind} is not a value that WIT has`)
}
