/**
 * Signed records and chunks on the control socket: a kind in one byte, a length in four, the bytes. Bodies of many MiB
 * in JSON would be a third larger, and would have to be there as a whole.
 */
import type { IncomingMessage } from 'node:http'
import type { CarriedKind } from '../../mesh/index.ts'
import { apiLimits } from './limits.ts'
import { apiProblems } from './problems.ts'

/** `bare`: a release of which no component is on the node's disk. `absent`: no chunk, or component, of that name is. */
export type FrameKind = CarriedKind | 'bare' | 'blob' | 'absent'

export interface Frame {
  readonly kind: FrameKind
  readonly bytes: Uint8Array
}

/** Their places are their numbers on the wire, so the list only ever grows at its end. */
const kinds: readonly FrameKind[] = ['absent', 'blob', 'trust', 'revocation', 'credential', 'release', 'bare']
const headBytes = 5

export function encodeFrame({ kind, bytes }: Frame): Uint8Array {
  const frame = new Uint8Array(headBytes + bytes.length)
  frame[0] = kinds.indexOf(kind)
  new DataView(frame.buffer).setUint32(1, bytes.length)
  frame.set(bytes, headBytes)
  return frame
}

/** @throws ERR_API_REQUEST for anything but whole frames */
export function decodeFrames(body: Uint8Array): Frame[] {
  const frames: Frame[] = []
  const view = new DataView(body.buffer, body.byteOffset, body.length)
  for (let at = 0; at < body.length;) {
    const kind = kinds[body[at] ?? kinds.length]
    const length = at + headBytes <= body.length ? view.getUint32(at + 1) : Infinity
    if (kind === undefined || length > body.length - at - headBytes) {
      throw apiProblems.error('ERR_API_REQUEST', 'the body is not made of whole records')
    }
    at += headBytes
    frames.push({ kind, bytes: body.slice(at, at + length) })
    at += length
  }
  return frames
}

/** Frames of a response as they come. @throws ERR_API_ANSWER for a frame that is cut short, too long or unknown */
export async function* readFrames(response: IncomingMessage): AsyncGenerator<Frame> {
  const pieces = new Pieces()
  for await (const chunk of response) {
    pieces.add(chunk as Buffer)
    for (let frame = pieces.take(); frame !== null; frame = pieces.take()) yield frame
  }
  if (pieces.size > 0) throw apiProblems.error('ERR_API_ANSWER', 'the daemon’s answer ends within a record')
}

/** Chunks are joined only when a frame is whole: a large one comes in many. */
class Pieces {
  size = 0
  #pieces: Buffer[] = []

  add(piece: Buffer): void {
    this.#pieces.push(piece)
    this.size += piece.length
  }

  take(): Frame | null {
    if (this.size < headBytes) return null
    if ((this.#pieces[0]?.length ?? 0) < headBytes) this.#join()
    const head = this.#pieces[0] ?? Buffer.alloc(0)
    const [kind, length] = [kinds[head[0] ?? kinds.length], head.readUInt32BE(1)]
    if (kind === undefined || length > apiLimits.frameBytes) {
      throw apiProblems.error('ERR_API_ANSWER', 'the daemon’s answer holds a record that is none')
    }
    if (this.size < headBytes + length) return null
    this.#join()
    const whole = this.#pieces[0] ?? Buffer.alloc(0)
    const bytes = new Uint8Array(whole.subarray(headBytes, headBytes + length))
    const rest = whole.subarray(headBytes + length)
    this.#pieces = rest.length === 0 ? [] : [rest]
    this.size = rest.length
    return { kind, bytes }
  }

  #join(): void {
    if (this.#pieces.length > 1) this.#pieces = [Buffer.concat(this.#pieces)]
  }
}
