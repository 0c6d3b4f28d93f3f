/**
 * The guest's memory as the calls see it. Every pointer and length comes from the guest: what is not wholly inside
 * is EFAULT, and nothing is read or written of it.
 */
import { FileError } from '../filesystem/index.ts'

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

export class GuestMemory {
  #memory: WebAssembly.Memory | null = null
  #view = new DataView(new ArrayBuffer(0))

  bind(memory: WebAssembly.Memory): void {
    this.#memory = memory
  }

  /** The bytes themselves, for the length of one call. */
  bytes(pointer: number, length: number): Uint8Array {
    const { buffer } = this.#checked(pointer, length)
    return new Uint8Array(buffer, pointer, length)
  }

  u8(pointer: number): number {
    return this.#checked(pointer, 1).getUint8(pointer)
  }

  u16(pointer: number): number {
    return this.#checked(pointer, 2).getUint16(pointer, true)
  }

  u32(pointer: number): number {
    return this.#checked(pointer, 4).getUint32(pointer, true)
  }

  u64(pointer: number): bigint {
    return this.#checked(pointer, 8).getBigUint64(pointer, true)
  }

  setU8(pointer: number, value: number): void {
    this.#checked(pointer, 1).setUint8(pointer, value)
  }

  setU16(pointer: number, value: number): void {
    this.#checked(pointer, 2).setUint16(pointer, value, true)
  }

  setU32(pointer: number, value: number): void {
    this.#checked(pointer, 4).setUint32(pointer, value, true)
  }

  setU64(pointer: number, value: bigint): void {
    this.#checked(pointer, 8).setBigUint64(pointer, value, true)
  }

  /** @throws FileError EILSEQ where it is not UTF-8 */
  text(pointer: number, length: number): string {
    const bytes = this.bytes(pointer, length)
    try {
      return decoder.decode(bytes)
    } catch (error) {
      throw new FileError('EILSEQ', error)
    }
  }

  /** The memory may have grown since the last call, and its buffer is another one then. */
  #checked(pointer: number, length: number): DataView {
    const buffer = this.#memory?.buffer
    if (buffer === undefined) throw new FileError('EFAULT')
    if (this.#view.buffer !== buffer) this.#view = new DataView(buffer)
    if (pointer + length > buffer.byteLength) throw new FileError('EFAULT')
    return this.#view
  }
}
