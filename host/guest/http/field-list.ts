/** Header or trailer fields in the order and case of the network: one flat list, searched from its beginning. */
import { httpGuestLimits } from './limits.ts'
import type { FlatFields } from './wire.ts'

/** Beside the characters, what a pair costs. */
export const pairBytes = 32

export class FieldList {
  /** Name and value in turn; never written to from outside. */
  #flat: string[]
  #bytes = 0

  /** @param flat becomes its own */
  constructor(flat: string[]) {
    this.#flat = flat
    for (let at = 0; at < flat.length; at += 1) this.#bytes += flat[at]!.length
    this.#bytes += (flat.length / 2) * pairBytes
  }

  get flat(): FlatFields {
    return this.#flat
  }

  get bytes(): number {
    return this.#bytes
  }

  copy(): FieldList {
    return new FieldList(this.#flat.slice())
  }

  /** The first value. @param key in lower case */
  first(key: string): string | undefined {
    const flat = this.#flat
    for (let at = 0; at < flat.length; at += 2) if (isNamed(flat[at]!, key)) return flat[at + 1]
    return undefined
  }

  /** @param key in lower case */
  all(key: string): string[] {
    const flat = this.#flat
    const found: string[] = []
    for (let at = 0; at < flat.length; at += 2) if (isNamed(flat[at]!, key)) found.push(flat[at + 1]!)
    return found
  }

  /** @throws (which ends the guest) beyond the limits of one list */
  append(name: string, value: string): void {
    this.#bytes += name.length + value.length + pairBytes
    if (this.#flat.length >= httpGuestLimits.fields * 2 || this.#bytes > httpGuestLimits.fieldBytes) {
      throw new Error(
        `a guest made fields of more than ${httpGuestLimits.fields} entries or ${httpGuestLimits.fieldBytes} bytes`,
      )
    }
    this.#flat.push(name, value)
  }

  /** @param key in lower case */
  remove(key: string): void {
    const flat = this.#flat
    let to = 0
    for (let at = 0; at < flat.length; at += 2) {
      const name = flat[at]!
      const value = flat[at + 1]!
      if (isNamed(name, key)) {
        this.#bytes -= name.length + value.length + pairBytes
        continue
      }
      flat[to] = name
      flat[to + 1] = value
      to += 2
    }
    flat.length = to
  }
}

function isNamed(name: string, key: string): boolean {
  return name.length === key.length && (name === key || name.toLowerCase() === key)
}

/** Bytes as characters and back. */
export function latin1Of(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1')
}

export function bytesOf(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length)
  for (let at = 0; at < text.length; at += 1) bytes[at] = text.charCodeAt(at)
  return bytes
}

/**
 * A message's declared length. @returns null where it declares none; undefined where what it says is none, or two
 * fields disagree
 */
export function contentLengthOf(list: FieldList): number | null | undefined {
  const first = list.first('content-length')
  if (first === undefined) return null
  if (!/^\d{1,15}$/.test(first)) return undefined
  return list.all('content-length').every((value) => value === first) ? Number(first) : undefined
}
