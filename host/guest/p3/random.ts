/** wasi:random 0.3. "Insecure" numbers come from the same source: it costs less than a second one. */
import type { P3Imports, P3World } from './world.ts'

/** Most bytes of one answer: the guest may be given fewer than it asked for, and asks again. */
const maxBytes = 64 * 1024

export function createRandom({ random }: P3World): P3Imports {
  const bytes = (most: bigint): Uint8Array => random.bytes(Number(most < maxBytes ? most : maxBytes))
  const u64 = (): bigint => {
    const drawn = random.bytes(8)
    return new DataView(drawn.buffer, drawn.byteOffset, 8).getBigUint64(0, true)
  }
  // Drawn once: whoever asks again is to get the same.
  const seed = [u64(), u64()]
  return {
    'wasi:random/random@0.3': { getRandomBytes: bytes, getRandomU64: u64 },
    'wasi:random/insecure@0.3': { getInsecureRandomBytes: bytes, getInsecureRandomU64: u64 },
    'wasi:random/insecure-seed@0.3': { getInsecureSeed: () => seed },
  }
}
