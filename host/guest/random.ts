/** wasi:random 0.2, from the operating system's generator throughout: a weaker one would save nothing here. */
import { randomFillSync } from 'node:crypto'
import type { PartKind } from './part.ts'

/** Most bytes a guest gets in one call; asking for more is a fault of the guest. */
const maxRandomBytes = 1024 * 1024

export const randomPart: PartKind = {
  name: 'wasi:random',
  create() {
    // One for each instance: whoever asks again is to get the same.
    const seed = [randomU64(), randomU64()]
    return {
      imports: {
        'wasi:random/random': { getRandomBytes: randomBytes, getRandomU64: randomU64 },
        'wasi:random/insecure': { getInsecureRandomBytes: randomBytes, getInsecureRandomU64: randomU64 },
        'wasi:random/insecure-seed': { insecureSeed: () => seed },
      },
    }
  },
}

function randomBytes(length: bigint): Uint8Array {
  if (length > maxRandomBytes)
    throw new RangeError(`a guest asked for ${length} random bytes at once, more than ${maxRandomBytes}`)
  return randomFillSync(new Uint8Array(Number(length)))
}

function randomU64(): bigint {
  return randomFillSync(new BigUint64Array(1))[0] ?? 0n
}
