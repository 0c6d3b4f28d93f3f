import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ByteReader, encodeU32, MalformedError } from '../../../host/engine/byte-reader.ts'
import { formOf } from '../../../host/engine/component-form.ts'
import { outlineOf } from '../../../host/engine/component-reader.ts'
import { guest } from '../../guests/index.ts'

describe('numbers', () => {
  test('come back as they were written', () => {
    fc.assert(
      fc.property(fc.nat({ max: 0xffff_ffff }), (value) => {
        expect(new ByteReader(encodeU32(value)).u32()).toBe(value)
      }),
    )
  })

  test.each([[[0x80]], [[0xff, 0xff, 0xff, 0xff, 0x7f]], [[0x80, 0x80, 0x80, 0x80, 0x80, 0]]])(
    'that end early or do not fit 32 bits are refused: %j',
    (bytes) => {
      expect(() => new ByteReader(Uint8Array.from(bytes)).u32()).toThrow(MalformedError)
    },
  )
})

describe('the outline of a component', () => {
  test('has its outermost imports and exports and its core modules', async () => {
    const outline = outlineOf(await guest('wasi'))
    expect([...outline.imports].sort()).toContain('wasi:io/streams@0.2.3')
    expect([...outline.exports].sort()).toEqual(['hoard', 'print', 'quit', 'sleep', 'variables'])
    expect(outline.modules.every((module) => formOf(module) === 'core-module')).toBe(true)
    expect(outline.modules.length).toBeGreaterThan(0)
  })

  test('is read or refused as malformed, whatever bytes are changed', async () => {
    const original = await guest('relay')
    const change = fc.tuple(fc.nat({ max: original.length - 1 }), fc.nat({ max: 255 }))
    fc.assert(
      fc.property(
        fc.array(change, { minLength: 1, maxLength: 8 }),
        fc.nat({ max: original.length }),
        (changes, end) => {
          const bytes = original.slice(0, end)
          for (const [at, value] of changes) bytes[at] = value
          try {
            outlineOf(bytes)
          } catch (error) {
            expect(error).toBeInstanceOf(MalformedError)
          }
        },
      ),
      { numRuns: 2_000 },
    )
  })

  test('is refused where components are nested without end', () => {
    let bytes = Uint8Array.of(0, 0x61, 0x73, 0x6d, 13, 0, 1, 0)
    for (let depth = 0; depth < 20; depth += 1) {
      bytes = Uint8Array.of(0, 0x61, 0x73, 0x6d, 13, 0, 1, 0, 4, ...encodeU32(bytes.length), ...bytes)
    }
    expect(() => outlineOf(bytes)).toThrow(/nested/)
  })
})
