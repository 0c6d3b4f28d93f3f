/**
 * Reads WebAssembly's binary encoding within given bounds.
 *
 * Every read is checked against the end, every count against the bytes that are left, so that a hostile file
 * costs at most time in proportion to its size.
 */

/** Thrown for bytes that are not the encoding they claim to be. */
export class MalformedError extends Error {
  override readonly name = 'MalformedError'
}

const utf8 = new TextDecoder('utf-8', { fatal: true })

export class ByteReader {
  readonly bytes: Uint8Array
  readonly end: number
  at: number

  constructor(bytes: Uint8Array, at = 0, end = bytes.length) {
    this.bytes = bytes
    this.at = at
    this.end = end
  }

  get done(): boolean {
    return this.at >= this.end
  }

  byte(): number {
    const value = this.bytes[this.at]
    if (value === undefined || this.at >= this.end) throw new MalformedError(`ends early at byte ${this.at}`)
    this.at += 1
    return value
  }

  /** Unsigned LEB128, at most 32 bits. */
  u32(): number {
    let value = 0
    for (let shift = 0; shift < 35; shift += 7) {
      const part = this.byte()
      value += (part & 0x7f) * 2 ** shift
      if (part < 0x80) {
        if (value > 0xffff_ffff) break
        return value
      }
    }
    throw new MalformedError(`a number at byte ${this.at} is out of range`)
  }

  /** Steps over any LEB128 of at most ten bytes. */
  skipLeb(): void {
    for (let length = 0; length < 10; length += 1) {
      if (this.byte() < 0x80) return
    }
    throw new MalformedError(`a number at byte ${this.at} is out of range`)
  }

  /** A count of things that take at least one byte each. */
  count(): number {
    const count = this.u32()
    if (count > this.end - this.at) throw new MalformedError(`a count at byte ${this.at} exceeds the file`)
    return count
  }

  skip(length: number): void {
    if (length > this.end - this.at) throw new MalformedError(`ends early at byte ${this.at}`)
    this.at += length
  }

  name(): string {
    const length = this.u32()
    const start = this.at
    this.skip(length)
    try {
      return utf8.decode(this.bytes.subarray(start, this.at))
    } catch {
      throw new MalformedError(`a name at byte ${start} is not UTF-8`)
    }
  }

  /** The next section: its id, and a reader confined to it. This reader steps over it. */
  section(): { readonly id: number; readonly body: ByteReader } {
    const id = this.byte()
    const size = this.u32()
    const start = this.at
    this.skip(size)
    return { id, body: new ByteReader(this.bytes, start, start + size) }
  }
}

/** Unsigned LEB128 of a number below 2^32. */
export function encodeU32(value: number): Uint8Array {
  const out: number[] = []
  let rest = value
  do {
    const part = rest % 128
    rest = Math.floor(rest / 128)
    out.push(rest > 0 ? part + 128 : part)
  } while (rest > 0)
  return Uint8Array.from(out)
}
