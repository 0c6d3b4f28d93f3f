import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { digestOf, encodeCbor, isSelvedgeError, systemClock } from '../../../core/index.ts'
import { systemCodec } from '../../../mesh/patches/index.ts'
import { patchLimits } from '../../../mesh/patches/limits.ts'
import { nativeZstd } from '../../../mesh/patches/native-zstd.ts'
import { applyPatch, makePatch } from '../../../mesh/patches/patch.ts'
import { sectionsOf } from '../../../mesh/patches/sections.ts'
import { contentSizeOf, type Zstd } from '../../../mesh/patches/zstd.ts'
import { isSame, joined, sample } from '../blobs/samples.ts'
import { newer, older, zstd } from './samples.ts'

const refOf = (bytes: Uint8Array) => ({ digest: digestOf(bytes), sizeBytes: bytes.length })
const noPause = async (): Promise<void> => {}
const apply = (base: Uint8Array, patch: Uint8Array, target = refOf(newer), by: Zstd = zstd) =>
  applyPatch(base, patch, target, by, noPause)

const patch = makePatch(older, newer, zstd)

async function codeOf(work: Promise<unknown>): Promise<string | null> {
  try {
    await work
    return null
  } catch (error) {
    return isSelvedgeError(error) ? error.code : `not ours: ${String(error)}`
  }
}

test('a patch of a small change is small, and gives the new component', async () => {
  expect(patch.length).toBeLessThan(1_000)
  expect(isSame(await apply(older, patch), newer)).toBe(true)
})

test('any two components can be patched', async () => {
  const bytes = fc.uint8Array({ maxLength: 3_000 })
  const property = fc.asyncProperty(
    bytes,
    fc.uint8Array({ minLength: 1, maxLength: 3_000 }),
    async (base, target) => {
      expect(isSame(await apply(base, makePatch(base, target, zstd), refOf(target)), target)).toBe(true)
    },
  )
  await fc.assert(property, { numRuns: 60 })
})

test('the patch to a component that another one is applied to is refused by its result', async () => {
  const other = older.slice()
  other[5] = (other[5] ?? 0) ^ 1
  expect(await codeOf(apply(other, patch))).toBe('ERR_PATCH_RESULT')
  expect(await codeOf(apply(sample(43, older.length), patch))).toMatch(/^ERR_PATCH_(RESULT|FORMAT)$/)
})

test('a patch that is altered anywhere gives the right bytes or none, and errors of ours alone', async () => {
  const change = fc.record({
    at: fc.integer({ min: 0, max: patch.length - 1 }),
    flip: fc.integer({ min: 1, max: 255 }),
    cutTo: fc.option(fc.integer({ min: 0, max: patch.length }), { nil: undefined }),
    tail: fc.uint8Array({ maxLength: 20 }),
  })
  const property = fc.asyncProperty(change, async ({ at, flip, cutTo, tail }) => {
    const altered = joined([patch.slice(0, cutTo), tail])
    if (at < altered.length) altered[at] = (altered[at] ?? 0) ^ flip
    try {
      expect(isSame(await apply(older, altered), newer)).toBe(true)
    } catch (error) {
      expect(isSelvedgeError(error, 'ERR_PATCH_FORMAT', 'ERR_PATCH_SIZE', 'ERR_PATCH_RESULT')).toBe(true)
    }
  })
  await fc.assert(property, { numRuns: 200 })
})

describe('a patch that would inflate', () => {
  const section = (frame: Uint8Array, sizeBytes: number) =>
    encodeCbor({ v: 1, sections: [{ from: 0, length: 1_000, sizeBytes, frame }] })
  const bomb = zstd.compress(new Uint8Array(8 * 1024 * 1024), older.subarray(0, 1_000), 3)

  test('is refused by what its frame says, before anything is unpacked', async () => {
    expect(bomb.length).toBeLessThan(2_000)
    let calls = 0
    const counting: Zstd = {
      compress: zstd.compress,
      decompress(...args) {
        calls++
        return zstd.decompress(...args)
      },
    }
    expect(await codeOf(apply(older, section(bomb, newer.length), refOf(newer), counting))).toBe(
      'ERR_PATCH_SIZE',
    )
    expect(calls).toBe(0)
  })

  test('is stopped where its frame lies about its size', async () => {
    const target = new Uint8Array(70_000)
    const honest = zstd.compress(target, older.subarray(0, 1_000), 3)
    // The size field of the small frame over the blocks of the large one.
    const header = (frame: Uint8Array): number => (((frame[4] ?? 0) & 0x20) === 0 ? 6 : 5) + 4
    expect(contentSizeOf(honest)).toBe(70_000)
    const lying = joined([honest.subarray(0, header(honest)), bomb.subarray(header(bomb))])
    expect(contentSizeOf(lying)).toBe(70_000)
    expect(await codeOf(apply(older, section(lying, 70_000), refOf(target)))).toMatch(
      /^ERR_PATCH_(SIZE|FORMAT)$/,
    )
  })

  test('is refused where its sections are more than the release, or a section more than allowed', async () => {
    const many = { from: 0, length: 1, sizeBytes: patchLimits.sectionBytes, frame: bomb }
    const sections = Array.from({ length: 8 }, () => many)
    expect(await codeOf(apply(older, encodeCbor({ v: 1, sections })))).toBe('ERR_PATCH_SIZE')
    expect(await codeOf(apply(older, section(bomb, patchLimits.sectionBytes + 1)))).toBe('ERR_PATCH_FORMAT')
  })
})

test.each([
  ['nothing', new Uint8Array()],
  ['no map', encodeCbor([])],
  ['another version', encodeCbor({ v: 2, sections: [] })],
  ['no sections', encodeCbor({ v: 1 })],
  ['a section of bytes that the base lacks', encodeCbor({ v: 1, sections: [{ from: 299_999, length: 2 }] })],
  ['a section without bytes', encodeCbor({ v: 1, sections: [{ from: 0, length: 2, sizeBytes: 5 }] })],
])('a patch with %s is refused', async (_what, bytes) => {
  expect(await codeOf(apply(older, bytes))).toBe('ERR_PATCH_FORMAT')
})

test('in a large component every section is packed against what it was made of, though it has moved', async () => {
  const base = sample(44, 6_000_000)
  const moved = joined([sample(45, 700_000), base.subarray(0, 5_000_000)])
  const sections = sectionsOf(base, moved)
  expect(sections.map(({ end, start }) => end - start)).toEqual([2_097_152, 2_097_152, 1_505_696])
  expect(Math.max(...sections.map(({ length }) => length))).toBe(patchLimits.dictionaryBytes)
  const large = makePatch(base, moved, zstd)
  expect(large.length).toBeLessThan(702_000)
  expect(isSame(await apply(base, large, refOf(moved)), moved)).toBe(true)
})

test('the content size of a frame is read as zstd writes it, and nothing else is taken for a frame', () => {
  for (const size of [0, 1, 255, 256, 300, 65_535, 65_791, 65_792, 70_000, 1_000_000]) {
    expect(contentSizeOf(zstd.compress(new Uint8Array(size), older, 3))).toBe(size)
  }
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 20 }), (bytes) => {
      expect(contentSizeOf(bytes)).toBeNull()
    }),
  )
})

const native = nativeZstd()
test.skipIf(native === null)('what Node packs, WebAssembly unpacks, and the other way round', async () => {
  if (native === null) return
  expect(isSame(await apply(older, makePatch(older, newer, native)), newer)).toBe(true)
  expect(isSame(await apply(older, patch, refOf(newer), native), newer)).toBe(true)
  const bomb = native.compress(new Uint8Array(8_000_000), older, 3)
  expect(() => native.decompress(bomb, older, 70_000)).toThrow(RangeError)
})

test('WebAssembly stops at the size that was asked for', () => {
  const bomb = zstd.compress(new Uint8Array(2_000_000), older, 3)
  expect(() => zstd.decompress(bomb, older, 70_000)).toThrow(RangeError)
  expect(() => zstd.decompress(bomb, older, 3_000_000)).toThrow('not 3000000')
})

test('the daemon makes a patch in a thread, and applies it here', async () => {
  const codec = systemCodec(systemClock)
  const made = await codec.make(older, newer)
  expect(made.length).toBeLessThan(1_000)
  expect(isSame(await codec.apply(older, made, refOf(newer)), newer)).toBe(true)
})

test('a thread that cannot start says so, and one that is stopped', async () => {
  const nowhere = systemCodec(systemClock, new URL('file:///nowhere/'))
  expect(await codeOf(nowhere.make(older, newer))).toBe('ERR_PATCH_MAKING')
  const stopped = systemCodec(systemClock)
  const making = codeOf(stopped.make(older, newer))
  stopped.stop()
  expect(await making).toBe('ERR_PATCH_MAKING')
})
