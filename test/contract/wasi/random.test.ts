/** wasi:random 0.2 as its WIT says it: `random.wit`, `insecure.wit`, `insecure-seed.wit`. */
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ours, subjects } from './subjects.ts'

const limit = 1n << 64n

describe.each(subjects)('wasi:random of $name', (subject) => {
  const open = subject.open()
  const sources = [
    ['random', 'getRandomBytes', 'getRandomU64'],
    ['insecure', 'getInsecureRandomBytes', 'getInsecureRandomU64'],
  ] as const

  it.each(sources)('%s gives exactly as many bytes as were asked for', (path, bytes) => {
    const get = open(`wasi:random/${path}`)[bytes]!
    fc.assert(
      fc.property(fc.nat({ max: 5_000 }), (length) => {
        expect((get(BigInt(length)) as Uint8Array).length).toBe(length)
      }),
      { numRuns: 40 },
    )
  })

  it.each(sources)('%s gives others each time', (path, bytes, u64) => {
    const source = open(`wasi:random/${path}`)
    expect(source[bytes]!(32n)).not.toEqual(source[bytes]!(32n))
    const numbers = Array.from({ length: 64 }, () => source[u64]!() as bigint)
    expect(new Set(numbers).size).toBe(64)
    for (const number of numbers) expect(number >= 0n && number < limit).toBe(true)
  })

  it.each(sources)('%s uses all bits of its numbers', (path, _, u64) => {
    const source = open(`wasi:random/${path}`)
    let [some, all] = [0n, limit - 1n]
    for (let count = 0; count < 256; count += 1) {
      const number = source[u64]!() as bigint
      some |= number
      all &= number
    }
    // Chances against it: 128 in 2^256.
    expect([some, all]).toEqual([limit - 1n, 0n])
  })

  it('gives the same seed however often it is asked', () => {
    const { insecureSeed } = open('wasi:random/insecure-seed')
    const seed = insecureSeed!() as [bigint, bigint]
    expect(insecureSeed!()).toEqual(seed)
    for (const half of seed) expect(half >= 0n && half < limit).toBe(true)
  })
})

describe('wasi:random of ours', () => {
  it('gives each instance a seed of its own', () => {
    const seeds = [ours.open(), ours.open()].map((open) =>
      open('wasi:random/insecure-seed')['insecureSeed']!(),
    )
    expect(seeds[0]).not.toEqual(seeds[1])
  })

  it('ends a guest that asks for more at once than a heap should hold', () => {
    const { getRandomBytes } = ours.open()('wasi:random/random')
    expect(() => getRandomBytes!(1n << 40n)).toThrow(/random bytes/)
  })
})
