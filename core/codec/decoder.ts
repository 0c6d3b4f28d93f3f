/**
 * The only door through which CBOR comes in: exactly what {@link encodeCbor} writes, within limits, or an error.
 *
 * It reads in one pass what it checks. A check before a lenient decoder would leave two readers of one signed text
 * that can disagree (cbor-x, for one, drops a leading byte order mark from longer text and renames `__proto__`).
 */
import { codecProblems } from './problems.ts'
import { forbiddenKey, maxCborDepth } from './encoder.ts'

export interface CborLimits {
  /** Longer input is refused before a byte of it is read. */
  readonly maxBytes: number
  /** Arrays and maps within each other; 16 where not given, never above 64. */
  readonly maxDepth?: number
  /** Values in all, map keys included; 65,536 where not given. */
  readonly maxItems?: number
}

/**
 * Decodes one value. What is returned still has to be checked against a schema.
 * @returns null, booleans, numbers, strings, `Uint8Array` copies, arrays and plain objects with text keys
 * @throws ERR_CBOR for tags, indefinite lengths, duplicate or unsorted keys, keys that are not text, longer forms than
 *   needed, text that is not UTF-8, and whatever exceeds a limit; ERR_CBOR_SIZE for more bytes than allowed,
 *   ERR_CBOR_TRAILING for bytes behind the value
 */
export function decodeCbor(bytes: Uint8Array, limits: CborLimits): unknown {
  if (bytes.length > limits.maxBytes) {
    throw codecProblems.error(
      'ERR_CBOR_SIZE',
      `${bytes.length} bytes, more than the ${limits.maxBytes} allowed here`,
    )
  }
  const reader = new CborReader(bytes, limits)
  const value = reader.value(0)
  reader.end()
  return value
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

class CborReader {
  readonly #bytes: Uint8Array
  readonly #view: DataView
  readonly #maxDepth: number
  #position = 0
  #itemsLeft: number

  constructor(bytes: Uint8Array, limits: CborLimits) {
    // A Buffer is seen as the Uint8Array it is: its own `slice` would share memory, not copy.
    this.#bytes = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.#maxDepth = Math.min(limits.maxDepth ?? 16, maxCborDepth)
    this.#itemsLeft = limits.maxItems ?? 65_536
  }

  end(): void {
    if (this.#position !== this.#bytes.length) {
      throw this.#refuse(`${this.#bytes.length - this.#position} bytes too many`, 'ERR_CBOR_TRAILING')
    }
  }

  value(depth: number): unknown {
    if (this.#itemsLeft-- <= 0) throw this.#refuse('too many values')
    const first = this.#take(1)
    const initial = this.#view.getUint8(first)
    const major = initial >> 5
    if (major === 7) return this.#simple(initial)
    const argument = this.#argument(initial & 0x1f)
    switch (major) {
      case 0:
        return argument
      case 1:
        if (argument > Number.MAX_SAFE_INTEGER - 1) throw this.#refuse('an integer below -(2^53 - 1)')
        return -1 - argument
      case 2:
        return this.#bytesOf(argument).slice()
      case 3:
        return this.#text(argument)
      case 4:
        return this.#array(argument, depth + 1)
      case 5:
        return this.#map(argument, depth + 1)
      default:
        throw this.#refuse('a tag')
    }
  }

  #argument(info: number): number {
    if (info < 24) return info
    if (info > 27) throw this.#refuse(info === 31 ? 'an indefinite length' : 'a reserved length')
    const width = 1 << (info - 24)
    const at = this.#take(width)
    const view = this.#view
    if (info === 24) return this.#shortest(view.getUint8(at), 24)
    if (info === 25) return this.#shortest(view.getUint16(at), 0x100)
    if (info === 26) return this.#shortest(view.getUint32(at), 0x10000)
    const high = view.getUint32(at)
    if (high > 0x1fffff) throw this.#refuse('an integer beyond 2^53 - 1')
    return this.#shortest(high * 0x100000000 + view.getUint32(at + 4), 0x100000000)
  }

  #shortest(argument: number, least: number): number {
    if (argument < least) throw this.#refuse('a number in a longer form than it needs')
    return argument
  }

  #simple(initial: number): unknown {
    if (initial === 0xf4) return false
    if (initial === 0xf5) return true
    if (initial === 0xf6) return null
    if (initial !== 0xfb) throw this.#refuse('a simple value or short float')
    const value = this.#view.getFloat64(this.#take(8))
    if (!Number.isFinite(value) || Number.isInteger(value)) throw this.#refuse('a float that is no fraction')
    return value
  }

  #text(length: number): string {
    try {
      return utf8.decode(this.#bytesOf(length))
    } catch (error) {
      if (error instanceof TypeError) throw this.#refuse('text that is not UTF-8')
      throw error
    }
  }

  #array(length: number, depth: number): unknown[] {
    this.#enter(length, depth)
    const array: unknown[] = []
    for (let index = 0; index < length; index++) array.push(this.value(depth))
    return array
  }

  #map(length: number, depth: number): Record<string, unknown> {
    this.#enter(length * 2, depth)
    const map: Record<string, unknown> = {}
    let previous: Uint8Array | null = null
    for (let index = 0; index < length; index++) {
      const start = this.#position
      const name = this.value(depth)
      if (typeof name !== 'string') throw this.#refuse('a map key that is not text')
      if (name === forbiddenKey) throw this.#refuse(`a map key named ${forbiddenKey}`)
      const key = this.#bytes.subarray(start, this.#position)
      if (previous !== null && Buffer.compare(previous, key) >= 0)
        throw this.#refuse('a map key twice or out of order')
      previous = key
      map[name] = this.value(depth)
    }
    return map
  }

  /** Every value takes at least a byte, so a length beyond what is left is a lie, found before memory is spent on it. */
  #enter(items: number, depth: number): void {
    if (depth > this.#maxDepth) throw this.#refuse(`nesting deeper than ${this.#maxDepth} levels`)
    if (items > this.#bytes.length - this.#position) throw this.#refuse('a length beyond the end')
    if (items > this.#itemsLeft) throw this.#refuse('too many values')
  }

  #bytesOf(length: number): Uint8Array {
    const start = this.#take(length)
    return this.#bytes.subarray(start, start + length)
  }

  #take(length: number): number {
    const start = this.#position
    if (length > this.#bytes.length - start) throw this.#refuse('a value that goes on beyond the end')
    this.#position = start + length
    return start
  }

  #refuse(what: string, code: 'ERR_CBOR' | 'ERR_CBOR_TRAILING' = 'ERR_CBOR'): Error {
    return codecProblems.error(code, `found ${what} near byte ${this.#position} of ${this.#bytes.length}`)
  }
}
