/** Bytes for the tests of blobs: pseudo-random, the same for the same seed. */

/** A small generator (mulberry32) whose run can be repeated. */
export function generator(seed: number): () => number {
  let state = seed | 0
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

export function sample(seed: number, sizeBytes: number): Uint8Array {
  const next = generator(seed)
  return Uint8Array.from({ length: sizeBytes }, () => Math.floor(next() * 256))
}

export function joined(parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts))
}

export function isSame(a: Uint8Array | null, b: Uint8Array): boolean {
  return a !== null && Buffer.compare(a, b) === 0
}
