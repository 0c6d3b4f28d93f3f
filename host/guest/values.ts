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
  return maxBytes - leftAfter(value, maxBytes, maxBytes, 0)
}

/** @returns what is left of `left` bytes, without a closure or an object of its own: it runs with every call */
function leftAfter(item: unknown, left: number, maxBytes: number, depth: number): number {
  if (depth > maxDepth) throw new ValueError(`a value is nested deeper than ${maxDepth}`)
  let rest = left - sizeOf(item)
  if (rest < 0) throw new ValueError(`a value is larger than ${maxBytes} bytes`)
  if (typeof item !== 'object' || item === null || ArrayBuffer.isView(item)) return rest
  if (Array.isArray(item)) {
    for (const entry of item as unknown[]) rest = leftAfter(entry, rest, maxBytes, depth + 1)
    return rest
  }
  const prototype: unknown = Object.getPrototypeOf(item)
  if (prototype !== Object.prototype && prototype !== null) throw notAValue(item)
  // Nothing that is inherited counts, and nothing is: its prototype is the plain one.
  const record = item as Readonly<Record<string, unknown>>
  for (const key in record) rest = leftAfter(record[key], rest, maxBytes, depth + 1)
  return rest
}

/** Without what is in it, where that is looked at one by one. */
function sizeOf(item: unknown): number {
  if (typeof item === 'string') return item.length * 2
  if (typeof item === 'object' && item !== null)
    return ArrayBuffer.isView(item) ? overheadBytes + item.byteLength : overheadBytes
  if (typeof item === 'function' || typeof item === 'symbol') throw notAValue(item)
  return 8
}

function notAValue(item: unknown): ValueError {
  const kind = typeof item === 'object' && item !== null ? item.constructor.name : typeof item
  return new ValueError(`a ${kind} is not a value that WIT has`)
}
