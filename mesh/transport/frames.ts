/**
 * Frames on a byte stream: a length of four bytes, big-endian, then so many bytes.
 *
 * The length is judged before a byte of the frame is kept, so a peer cannot make this node reserve memory by
 * announcing a large one.
 */
import { transportProblems } from './problems.ts'

const frameHeaderBytes = 4

/** @throws ERR_FRAME_TOO_LARGE */
export function encodeFrame(payload: Uint8Array, maxFrameBytes: number): Uint8Array {
  if (payload.length > maxFrameBytes) {
    throw transportProblems.error(
      'ERR_FRAME_TOO_LARGE',
      `a message of ${payload.length} bytes is over the limit of ${maxFrameBytes}`,
    )
  }
  const frame = new Uint8Array(frameHeaderBytes + payload.length)
  new DataView(frame.buffer).setUint32(0, payload.length)
  frame.set(payload, frameHeaderBytes)
  return frame
}

/** Puts frames together from pieces of any size. */
export class FrameReader {
  readonly #maxFrameBytes: number
  readonly #header = new Uint8Array(frameHeaderBytes)
  #headerFill = 0
  #body: Uint8Array | null = null
  #bodyFill = 0

  constructor(maxFrameBytes: number) {
    this.#maxFrameBytes = maxFrameBytes
  }

  /**
   * @returns the frames that `piece` completes, in order
   * @throws ERR_FRAME_TOO_LARGE; the reader must not be used after that
   */
  push(piece: Uint8Array): Uint8Array[] {
    const frames: Uint8Array[] = []
    let at = 0
    while (at < piece.length || this.#isComplete()) {
      if (this.#body === null) {
        const take = Math.min(frameHeaderBytes - this.#headerFill, piece.length - at)
        this.#header.set(piece.subarray(at, at + take), this.#headerFill)
        this.#headerFill += take
        at += take
        if (this.#headerFill < frameHeaderBytes) break
        this.#body = this.#start()
      }
      const take = Math.min(this.#body.length - this.#bodyFill, piece.length - at)
      this.#body.set(piece.subarray(at, at + take), this.#bodyFill)
      this.#bodyFill += take
      at += take
      if (!this.#isComplete()) break
      frames.push(this.#body)
      this.#body = null
      this.#bodyFill = 0
      this.#headerFill = 0
    }
    return frames
  }

  #isComplete(): boolean {
    return this.#body !== null && this.#bodyFill === this.#body.length
  }

  #start(): Uint8Array {
    const length = new DataView(this.#header.buffer).getUint32(0)
    if (length > this.#maxFrameBytes) {
      throw transportProblems.error(
        'ERR_FRAME_TOO_LARGE',
        `the peer announced a message of ${length} bytes, the limit is ${this.#maxFrameBytes}`,
      )
    }
    return new Uint8Array(length)
  }
}
