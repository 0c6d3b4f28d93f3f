import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { digestOf } from '../../../core/index.ts'
import { blobLimits, cut } from '../../../mesh/blobs/index.ts'
import { isSame, joined, sample } from './samples.ts'

const { minChunkBytes, averageChunkBytes, maxChunkBytes } = blobLimits
const seeds = fc.integer({ min: 0, max: 1_000_000 })
const sizes = fc.integer({ min: 0, max: 400_000 })

test('the chunks put together are the bytes that were cut', () => {
  fc.assert(
    fc.property(seeds, sizes, (seed, size) => {
      const bytes = sample(seed, size)
      expect(isSame(joined(cut(bytes).map((chunk) => chunk.bytes)), bytes)).toBe(true)
    }),
    { numRuns: 30 },
  )
})

test('every chunk but the last keeps the bounds, and names its own size and digest', () => {
  fc.assert(
    fc.property(seeds, sizes, (seed, size) => {
      const chunks = cut(sample(seed, size))
      for (const [index, chunk] of chunks.entries()) {
        expect(chunk.bytes.length).toBe(chunk.sizeBytes)
        expect(digestOf(chunk.bytes)).toBe(chunk.digest)
        expect(chunk.sizeBytes).toBeLessThanOrEqual(maxChunkBytes)
        if (index < chunks.length - 1) expect(chunk.sizeBytes).toBeGreaterThanOrEqual(minChunkBytes)
      }
    }),
    { numRuns: 30 },
  )
})

test('where a view lies in its buffer changes nothing', () => {
  const bytes = sample(3, 200_000)
  const shifted = new Uint8Array(bytes.length + 13)
  shifted.set(bytes, 13)
  expect(cut(shifted.subarray(13)).map((chunk) => chunk.digest)).toEqual(
    cut(bytes).map((chunk) => chunk.digest),
  )
})

test('an insertion anywhere changes few chunks', () => {
  fc.assert(
    fc.property(
      seeds,
      fc.double({ min: 0, max: 1, noNaN: true }),
      fc.integer({ min: 1, max: 300 }),
      (seed, at, length) => {
        const before = sample(seed, 1_000_000)
        const place = Math.floor(at * before.length)
        const after = joined([before.subarray(0, place), sample(seed + 1, length), before.subarray(place)])
        const known = new Set(cut(before).map((chunk) => chunk.digest))
        const changed = cut(after).filter((chunk) => !known.has(chunk.digest))
        // The chunk that got the insertion, and those until the cuts fall in step again.
        expect(changed.length).toBeLessThanOrEqual(12)
      },
    ),
    { numRuns: 20 },
  )
})

test('bytes without any content to cut at are cut at the greatest size', () => {
  const chunks = cut(new Uint8Array(5 * maxChunkBytes))
  expect(chunks.map((chunk) => chunk.sizeBytes)).toEqual(Array.from({ length: 5 }, () => maxChunkBytes))
})

test('the average over random bytes is near the one that was asked for', () => {
  const bytes = sample(99, 8 * 1024 * 1024)
  const average = bytes.length / cut(bytes).length
  expect(average).toBeGreaterThan(averageChunkBytes * 0.75)
  expect(average).toBeLessThan(averageChunkBytes * 1.5)
})

test('the cuts of a known text stay where every released version puts them', () => {
  // Part of the format: nodes of different versions must name the same component alike.
  const bytes = sample(1, 150_000)
  expect(digestOf(bytes)).toBe('b6051bc4f1d50eac41e57d86f038b562be1357ab503e0fe2d2115916a9c2ca00')
  expect(cut(bytes).map((chunk) => chunk.sizeBytes)).toEqual([
    16826, 13244, 21563, 15373, 33120, 15169, 21801, 12904,
  ])
})
