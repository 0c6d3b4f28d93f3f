import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { digestOf, encodeCbor } from '../../../core/index.ts'
import { blobLimits, componentRef } from '../../../mesh/blobs/index.ts'
import { readChunkList } from '../../../mesh/blobs/chunk-list.ts'
import { sample } from './samples.ts'

const component = sample(7, 100_000)
const { ref, list, chunks } = componentRef(component)

function encoded(change: Record<string, unknown>): Uint8Array {
  return encodeCbor({
    v: 1,
    sizeBytes: ref.sizeBytes,
    chunks: chunks.map(({ digest, sizeBytes }) => ({ digest, sizeBytes })),
    ...change,
  })
}

test('a component is named by its bytes and by the list of its chunks', () => {
  expect(ref).toEqual({
    digest: digestOf(component),
    sizeBytes: 100_000,
    chunks: { digest: digestOf(list), sizeBytes: list.length },
  })
  expect(componentRef(component.slice()).ref).toEqual(ref)
})

test('a list is read back as it was written', () => {
  expect(readChunkList(list, ref)).toEqual({
    sizeBytes: 100_000,
    chunks: chunks.map(({ digest, sizeBytes }) => ({ digest, sizeBytes })),
  })
})

test('nothing and more than the limit make no component', () => {
  expect(() => componentRef(new Uint8Array())).toThrow(expect.objectContaining({ code: 'ERR_BLOB_SIZE' }))
  const tooLarge = new Uint8Array(blobLimits.componentBytes + 1)
  expect(() => componentRef(tooLarge)).toThrow(expect.objectContaining({ code: 'ERR_BLOB_SIZE' }))
})

test('the longest list that a component can have fits the limit of a list', () => {
  const longest = Array.from({ length: blobLimits.chunksPerComponent }, (_, index) => ({
    digest: digestOf(new Uint8Array([index & 255, index >> 8])),
    sizeBytes: index === 0 ? 0 : blobLimits.minChunkBytes,
  }))
  longest[0] = { digest: longest[0]?.digest ?? '', sizeBytes: blobLimits.minChunkBytes - 1 }
  longest[1] = { digest: longest[1]?.digest ?? '', sizeBytes: 1 }
  const sizeBytes = longest.reduce((sum, chunk) => sum + chunk.sizeBytes, 0)
  const bytes = encodeCbor({ v: 1, sizeBytes, chunks: longest })
  expect(bytes.length).toBeLessThan(blobLimits.chunkListBytes)
  expect(readChunkList(bytes, { ...ref, sizeBytes }).chunks).toEqual(longest)
})

test.each([
  ['another version', { v: 2 }],
  ['another size than the release', { sizeBytes: 1, chunks: [{ digest: ref.digest, sizeBytes: 1 }] }],
  ['chunks that do not add up', { sizeBytes: ref.sizeBytes + 1 }],
  ['no chunks', { chunks: [] }],
  ['chunks that are no list', { chunks: 'all' }],
  ['a size over the limit', { sizeBytes: blobLimits.componentBytes + 1 }],
  ['a chunk over the limit', { sizeBytes: 65_537, chunks: [{ digest: ref.digest, sizeBytes: 65_537 }] }],
  ['an empty chunk', { chunks: [{ digest: ref.digest, sizeBytes: 0 }] }],
  ['a chunk of broken size', { chunks: [{ digest: ref.digest, sizeBytes: 1.5 }] }],
  ['a chunk without a digest', { chunks: [{ digest: 'abc', sizeBytes: ref.sizeBytes }] }],
  ['a chunk that is null', { chunks: [null] }],
])('a list with %s is refused', (_what, change) => {
  expect(() => readChunkList(encoded(change), ref)).toThrow(
    expect.objectContaining({ code: 'ERR_CHUNK_LIST' }),
  )
})

test('whatever bytes are read as a list, they are read or refused with our own error', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: list.length - 1 }),
      fc.integer({ min: 0, max: 255 }),
      (at, value) => {
        const bytes = list.slice()
        bytes[at] = value
        try {
          expect(readChunkList(bytes, ref).sizeBytes).toBe(ref.sizeBytes)
        } catch (error) {
          expect(error).toMatchObject({ code: 'ERR_CHUNK_LIST' })
        }
      },
    ),
  )
})
