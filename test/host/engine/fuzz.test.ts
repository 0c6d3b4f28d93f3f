/** Whatever bytes come: read or refused, in time and memory that the size of the file bounds. */
import * as fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { isSelvedgeError } from '../../../core/index.ts'
import { MalformedError } from '../../../host/engine/byte-reader.ts'
import { parseStored } from '../../../host/engine/cache.ts'
import { usesAsync } from '../../../host/engine/component-async.ts'
import { outlineOf } from '../../../host/engine/component-reader.ts'
import { capModule, memoriesOf, tablesOf } from '../../../host/engine/core-module.ts'
import { refuseUnsafeNames } from '../../../host/engine/core-names.ts'
import { exposeState } from '../../../host/engine/core-state.ts'
import { featuresOf, isRestorable } from '../../../host/engine/features.ts'
import { pack, unpack } from '../../../host/engine/packed.ts'
import { guest } from '../../guests/index.ts'
import { core } from './hostile.ts'
import { makeEngine } from './kit.ts'

const readers: Readonly<Record<string, (bytes: Uint8Array) => unknown>> = {
  outlineOf,
  usesAsync,
  memoriesOf,
  tablesOf,
  refuseUnsafeNames,
  featuresOf,
  isRestorable,
  capModule: (bytes) => capModule(bytes, 16, 16),
  exposeState: (bytes) => exposeState(new Map([['core', bytes]])),
}

/** One change that an attacker, a bad disk or a bad pipe makes. */
type Change = (bytes: Uint8Array) => Uint8Array

const at = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })
const place = (bytes: Uint8Array, share: number): number =>
  8 + Math.floor(share * Math.max(0, bytes.length - 8))

/** Where each section begins: the most rewarding places to lie. */
function sectionStarts(bytes: Uint8Array): number[] {
  const starts: number[] = []
  for (let position = 8; position < bytes.length;) {
    starts.push(position)
    let size = 0
    let next = position + 1
    for (let shift = 0; shift < 35; shift += 7) {
      const part = bytes[next] ?? 0
      next += 1
      size += (part & 0x7f) * 2 ** shift
      if (part < 0x80) break
    }
    position = next + size
  }
  return starts
}

function splice(
  bytes: Uint8Array,
  from: number,
  to: number,
  middle: readonly number[] | Uint8Array,
): Uint8Array {
  return Uint8Array.from([...bytes.subarray(0, from), ...middle, ...bytes.subarray(to)])
}

const change: fc.Arbitrary<Change> = fc.oneof(
  fc.tuple(at, fc.nat(7)).map(([share, bit]): Change => (bytes) => {
    const changed = bytes.slice()
    const position = place(bytes, share)
    if (position < changed.length) changed[position]! ^= 1 << bit
    return changed
  }),
  at.map(
    (share): Change =>
      (bytes) =>
        bytes.slice(0, place(bytes, share)),
  ),
  // A section that claims to be longer, or of any size at all.
  fc
    .tuple(
      at,
      fc.constantFrom(
        [0],
        [0x7f],
        [0xff, 0x7f],
        [0xff, 0xff, 0xff, 0xff, 0x0f],
        [0x80, 0x80, 0x80, 0x80, 0x80, 0x00],
        [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
      ),
    )
    .map(([share, size]): Change => (bytes) => {
      const starts = sectionStarts(bytes)
      const start = starts[Math.floor(share * starts.length)] ?? 8
      return splice(bytes, start + 1, start + 2, size)
    }),
  // The same section twice, and one taken out.
  fc.tuple(at, fc.boolean()).map(([share, twice]): Change => (bytes) => {
    const starts = [...sectionStarts(bytes), bytes.length]
    const index = Math.floor(share * (starts.length - 1))
    const [start = 8, end = 8] = [starts[index], starts[index + 1]]
    return twice ? splice(bytes, end, end, bytes.subarray(start, end)) : splice(bytes, start, end, [])
  }),
  fc.tuple(at, fc.uint8Array({ maxLength: 24 })).map(([share, more]): Change => (bytes) => {
    const position = place(bytes, share)
    return splice(bytes, position, position, more)
  }),
)

const originals: Uint8Array[] = []

beforeAll(async () => {
  const components = await Promise.all((['relay', 'wasi', 'hello-http', 'pry', 'simd'] as const).map(guest))
  originals.push(...components, ...components.flatMap((bytes) => outlineOf(bytes).modules))
})

const mutated = fc
  .tuple(fc.nat(), fc.array(change, { minLength: 1, maxLength: 4 }))
  .map(([index, changes]) =>
    changes.reduce((bytes, apply) => apply(bytes), originals[index % originals.length]!),
  )
const random = fc.oneof(
  fc.uint8Array({ maxLength: 200 }),
  fc.uint8Array({ maxLength: 200 }).map((bytes) => core(bytes)),
  fc
    .uint8Array({ maxLength: 200 })
    .map((bytes) => Uint8Array.from([0, 0x61, 0x73, 0x6d, 13, 0, 1, 0, ...bytes])),
)

describe.each(Object.keys(readers))('the reader %s', (name) => {
  const read = readers[name]!

  test.each([
    ['random bytes', random],
    ['real files, changed', mutated],
  ])('reads or refuses %s', (_, files) => {
    fc.assert(
      fc.property(files, (bytes) => {
        try {
          read(bytes)
        } catch (error) {
          expect(error).toBeInstanceOf(MalformedError)
        }
      }),
      { numRuns: 1_500 },
    )
  })
})

test('a packed answer is read as it was written, or refused, whatever happened to it', () => {
  const packed = pack(
    { v: 1, text: 'header' },
    new Map([
      ['a', Uint8Array.of(1, 2, 3)],
      ['b', new Uint8Array(40)],
    ]),
  )
  expect(unpack(packed).parts.get('a')).toEqual(Buffer.from([1, 2, 3]))
  fc.assert(
    fc.property(fc.array(change, { minLength: 1, maxLength: 3 }), (changes) => {
      const bytes = changes.reduce((before, apply) => apply(before), packed)
      if (Buffer.from(bytes).equals(packed)) return
      expect(() => unpack(bytes)).toThrow()
      expect(() => parseStored(bytes)).toThrow()
    }),
    { numRuns: 1_000 },
  )
})

describe('the child', () => {
  const engine = makeEngine()
  afterAll(() => engine.stop())

  test('answers for changed components and modules, or says what is wrong with them', async () => {
    const refusals = ['ERR_NOT_WASM', 'ERR_CORE_MODULE', 'ERR_COMPONENT_INVALID', 'ERR_FEATURE_MISSING']
    await fc.assert(
      fc.asyncProperty(fc.oneof(mutated, random), async (bytes) => {
        try {
          const facts = await engine.inspect(bytes)
          expect(facts.sizeBytes).toBe(bytes.length)
        } catch (error) {
          if (!isSelvedgeError(error)) throw error
          expect(refusals).toContain(error.code)
          expect(error.message.length).toBeLessThan(2_000)
          expect(error.message).not.toMatch(/(?!\n)[\p{Cc}\p{Zl}\p{Zp}]/u)
          expect(error.message).not.toMatch(/undefined|\[object/)
        }
      }),
      { numRuns: 24, endOnFailure: true },
    )
  })
})
