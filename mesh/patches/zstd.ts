/** Packing with a dictionary, whoever does it: Node.js itself where it can, else the same library as WebAssembly. */

export interface Zstd {
  /** One frame that says its content size. */
  compress(bytes: Uint8Array, dictionary: Uint8Array, level: number): Uint8Array
  /**
   * @returns exactly `sizeBytes` bytes, in bounded memory
   * @throws RangeError where the frame holds more, any error where it holds anything else
   */
  decompress(frame: Uint8Array, dictionary: Uint8Array, sizeBytes: number): Uint8Array
}

const magic = 0xfd2fb528

/**
 * What a frame says of itself, before anything is allocated for it (RFC 8878, section 3.1.1.1).
 * @returns null where it is no frame, or does not say how large its content is
 */
export function contentSizeOf(frame: Uint8Array): number | null {
  const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength)
  if (frame.length < 6 || view.getUint32(0, true) !== magic) return null
  const descriptor = view.getUint8(4)
  const isSingleSegment = (descriptor & 0x20) !== 0
  const sizeFlag = descriptor >> 6
  const dictionaryIdBytes = [0, 1, 2, 4][descriptor & 3] ?? 0
  const at = 5 + (isSingleSegment ? 0 : 1) + dictionaryIdBytes
  const sizeBytes = sizeFlag === 0 ? (isSingleSegment ? 1 : 0) : 1 << sizeFlag
  if (sizeBytes === 0 || at + sizeBytes > frame.length) return null
  switch (sizeBytes) {
    case 1:
      return view.getUint8(at)
    case 2:
      return view.getUint16(at, true) + 256
    case 4:
      return view.getUint32(at, true)
    default:
      return Number(view.getBigUint64(at, true))
  }
}
