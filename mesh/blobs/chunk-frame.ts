/**
 * Several chunks in one frame, so that a fast link is filled by few large sends and no byte is copied on arrival:
 *
 *     0x01 · count (1 byte) · count × { SHA-256 (32) · length (4) · packed length (4) } · bytes of each in turn
 *
 * Integers are big-endian. Where the packed length is the smaller one, the bytes are raw DEFLATE (RFC 1951); a receiver
 * inflates no further than the length that was said, and the digest is over the inflated bytes.
 */
import { deflateRawSync, inflateRawSync } from 'node:zlib'
import { messageOf, type Digest } from '../../core/index.ts'
import { blobLimits } from './limits.ts'
import { blobsProblems } from './problems.ts'

export interface ChunkBody {
  readonly digest: Digest
  readonly bytes: Uint8Array
}

const frameMark = 1
const headBytes = 2
const entryBytes = 40

/** No map of CBOR begins with this byte. */
export function isChunkFrame(frame: Uint8Array): boolean {
  return frame[0] === frameMark
}

/** @param packs whether to spend time on making it smaller; what does not shrink goes as it is */
export function encodeChunkFrame(chunks: readonly ChunkBody[], packs: boolean): Uint8Array {
  const wires = chunks.map(({ bytes }) => (packs ? packed(bytes) : bytes))
  const bodyBytes = wires.reduce((sum, wire) => sum + wire.length, 0)
  const frame = new Uint8Array(headBytes + chunks.length * entryBytes + bodyBytes)
  const view = new DataView(frame.buffer)
  frame[0] = frameMark
  frame[1] = chunks.length
  let at = headBytes + chunks.length * entryBytes
  chunks.forEach(({ digest, bytes }, index) => {
    const wire = wires[index] as Uint8Array
    const entry = headBytes + index * entryBytes
    frame.set(Buffer.from(digest, 'hex'), entry)
    view.setUint32(entry + 32, bytes.length)
    view.setUint32(entry + 36, wire.length)
    frame.set(wire, at)
    at += wire.length
  })
  return frame
}

/**
 * @returns what the peer says these chunks are, unverified; their bytes are views into the frame unless they were packed
 * @throws ERR_BLOB_PROTOCOL
 */
export function decodeChunkFrame(frame: Uint8Array): ChunkBody[] {
  const count = frame[1] ?? 0
  let at = headBytes + count * entryBytes
  if (count === 0 || frame.length < at) throw unreadable('its head is cut off')
  const view = new DataView(frame.buffer, frame.byteOffset, frame.length)
  const chunks: ChunkBody[] = []
  let sumBytes = 0
  for (let index = 0; index < count; index++) {
    const entry = headBytes + index * entryBytes
    const digest = Buffer.from(frame.buffer, frame.byteOffset + entry, 32).toString('hex')
    const sizeBytes = view.getUint32(entry + 32)
    const wireBytes = view.getUint32(entry + 36)
    sumBytes += sizeBytes
    if (sizeBytes === 0 || wireBytes > sizeBytes || sumBytes > blobLimits.frameBytes)
      throw unreadable('a length in it is out of bounds')
    if (at + wireBytes > frame.length) throw unreadable('it is cut off')
    const wire = frame.subarray(at, at + wireBytes)
    at += wireBytes
    chunks.push({ digest, bytes: wireBytes === sizeBytes ? wire : unpacked(wire, sizeBytes) })
  }
  if (at !== frame.length) throw unreadable('it has more bytes than chunks')
  return chunks
}

/** Bytes of a sample that tell whether the rest is worth the time. */
const sampleBytes = 1024
/** Random bytes show 7.8 bits each in such a sample, code and text 3 to 6.5. */
const densestBits = 7.2

function packed(bytes: Uint8Array): Uint8Array {
  if (entropyBits(bytes.subarray(0, sampleBytes)) > densestBits) return bytes
  const smaller = deflateRawSync(bytes, { level: 3 })
  return smaller.length < bytes.length * 0.9 ? smaller : bytes
}

/** Bits a byte, of the distribution of single bytes: a hundredth of what a try at compressing costs. */
function entropyBits(sample: Uint8Array): number {
  const counts = new Uint16Array(256)
  for (const byte of sample) counts[byte] = (counts[byte] ?? 0) + 1
  let sum = 0
  for (const count of counts) if (count > 0) sum += count * Math.log2(count)
  return Math.log2(sample.length) - sum / sample.length
}

function unpacked(wire: Uint8Array, sizeBytes: number): Uint8Array {
  let bytes: Uint8Array
  try {
    bytes = inflateRawSync(wire, { maxOutputLength: sizeBytes })
  } catch (error) {
    throw unreadable(`a chunk in it does not unpack: ${messageOf(error)}`, error)
  }
  if (bytes.length !== sizeBytes) throw unreadable('a chunk in it unpacks to another length')
  return bytes
}

function unreadable(what: string, cause?: unknown): Error {
  return blobsProblems.error('ERR_BLOB_PROTOCOL', `a frame of chunks was refused: ${what}`, { cause })
}
