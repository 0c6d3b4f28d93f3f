/**
 * Batches on a pipe: a length and the structured clone of the batch. V8's reader of that form is the one that
 * browsers use between processes which do not trust each other; what the values mean is checked by whoever reads.
 */
import { deserialize, serialize } from 'node:v8'
import { assertFrame, type FrameBounds } from './frame-check.ts'

const lengthBytes = 4

/** The frame, ready to be written. */
export function encodeFrame(batch: readonly unknown[]): Buffer {
  const body = serialize(batch)
  const frame = Buffer.allocUnsafe(lengthBytes + body.length)
  frame.writeUInt32LE(body.length)
  body.copy(frame, lengthBytes)
  return frame
}

/** Cuts what comes out of a pipe into batches. */
export class FrameReader {
  readonly #bounds: FrameBounds | null
  #pieces: Buffer[] = []
  #size = 0

  /** @param bounds null for whoever reads what the node sends, which is trusted */
  constructor(bounds: FrameBounds | null) {
    this.#bounds = bounds
  }

  push(bytes: Buffer): void {
    this.#pieces.push(bytes)
    this.#size += bytes.length
  }

  /** @returns null where no frame is whole yet. @throws where one is beyond its bounds, or is not a batch */
  next(): unknown[] | null {
    if (this.#size < lengthBytes) return null
    const length = this.#joined(lengthBytes).readUInt32LE(0)
    const bounds = this.#bounds
    if (bounds !== null && length > bounds.bytes)
      throw new Error(`a frame of ${length} bytes, more than ${bounds.bytes}`)
    if (this.#size < lengthBytes + length) return null
    const all = this.#joined(lengthBytes + length)
    const body = all.subarray(lengthBytes, lengthBytes + length)
    this.#pieces = all.length === lengthBytes + length ? [] : [all.subarray(lengthBytes + length)]
    this.#size -= lengthBytes + length
    if (bounds !== null) assertFrame(body, bounds)
    const batch: unknown = deserialize(body)
    if (!Array.isArray(batch)) throw new Error('a frame that holds no batch')
    return batch
  }

  /** The first piece, made at least so long. */
  #joined(bytes: number): Buffer {
    const first = this.#pieces[0]
    if (first !== undefined && first.length >= bytes) return first
    const all = Buffer.concat(this.#pieces)
    this.#pieces = [all]
    return all
  }
}
