/** Frames of a process that may have been taken over: bounded before anything is made of them. */
import { deserialize, serialize } from 'node:v8'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { assertFrame } from '../../../host/guest/frame-check.ts'
import { encodeFrame, FrameReader } from '../../../host/guest/frames.ts'

const bounds = { bytes: 1_000_000, objects: 1_000, values: 10_000 }

function read(frame: Buffer): unknown {
  const reader = new FrameReader(bounds)
  reader.push(frame)
  return reader.next()
}

function framed(...body: readonly (number | string)[]): Buffer {
  const bytes = Buffer.from(
    body.flatMap((part) => (typeof part === 'string' ? [...Buffer.from(part)] : [part])),
  )
  const frame = Buffer.alloc(4 + bytes.length)
  frame.writeUInt32LE(bytes.length)
  bytes.copy(frame, 4)
  return frame
}

const value = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    fc.constantFrom(null, undefined, true, false),
    fc.integer(),
    fc.double({ noNaN: true }),
    fc.bigInt(),
    fc.string({ unit: 'binary' }),
    fc.uint8Array(),
    fc.float64Array({ noNaN: true }),
    fc.array(tie('value'), { maxLength: 5 }),
    fc.array(tie('value'), { maxLength: 5 }).map((items) => Object.assign(Array(items.length), items)),
    fc.dictionary(fc.string(), tie('value'), { maxKeys: 5, noNullPrototype: true }),
  ),
})).value

describe('a frame', () => {
  it('of whatever WIT values become is taken as it was sent', () => {
    fc.assert(
      fc.property(fc.array(value, { maxLength: 5 }), (batch) => {
        expect(read(encodeFrame(batch))).toEqual(deserialize(serialize(batch)))
      }),
    )
  })

  it('may name an object that it holds already', () => {
    const shared = { a: [1] }
    expect(read(encodeFrame([shared, shared]))).toEqual([shared, shared])
  })

  it.each([
    ['objects', Array.from({ length: 2_000 }, () => ({})), /more than 1000 objects/],
    ['lists', Array.from({ length: 2_000 }, () => []), /more than 1000 objects/],
    ['views', Array.from({ length: 2_000 }, () => new Uint8Array(0)), /more than 1000 objects/],
    ['empty text', Array.from({ length: 20_000 }, () => ''), /more than 10000 values/],
    ['numbers', Array.from({ length: 20_000 }, (_, index) => index), /more than 10000 values/],
    ['a list that is only long', [Object.assign([], { length: 4_000_000_000 })], /more than 10000 values/],
    ['bytes', [new Uint8Array(1_000_000)], /more than 1000000/],
  ])('with too many or too large %s is refused before they are made', (_, batch, why) => {
    expect(() => read(encodeFrame(batch))).toThrow(why)
  })

  it.each([
    ['a map', new Map()],
    ['a set', new Set()],
    ['a date', new Date(0)],
    ['an expression', /(a+)+$/],
    ['an error', new Error('x')],
    ['an object around a number', Object(1)],
    ['a buffer without a view', new ArrayBuffer(8)],
  ])('with %s is refused: no WIT value becomes one', (_, item) => {
    expect(() => read(encodeFrame([item]))).toThrow('no sandbox sends')
  })

  it.each([
    ['in the middle of text', framed(0xff, 0x0f, '"', 5, 'abc')],
    ['in the middle of a number', framed(0xff, 0x0f, 'I', 0x80)],
    ['in the middle of a view', framed(0xff, 0x0f, '\\', 1, 200)],
    ['with an endless number', framed(0xff, 0x0f, 'U', 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 1)],
    ['without a list', framed(0xff, 0x0f, 'o', '{', 0)],
  ])('that ends %s is refused', (_, frame) => {
    expect(() => read(frame)).toThrow(Error)
  })

  it('of any bytes is taken or refused, never more than its bounds', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (noise) => {
        try {
          assertFrame(noise, { bytes: 200, objects: 5, values: 50 })
        } catch (error) {
          expect(String(error)).toContain('a frame')
        }
      }),
    )
  })
})
