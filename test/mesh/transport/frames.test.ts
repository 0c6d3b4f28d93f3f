import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { encodeFrame, FrameReader } from '../../../mesh/transport/frames.ts'

test('frames come out as they went in, however the bytes are cut', () => {
  fc.assert(
    fc.property(
      fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 12 }),
      fc.array(fc.nat(50), { minLength: 1, maxLength: 40 }),
      (frames, cuts) => {
        const wire = new Uint8Array(frames.flatMap((frame) => [...encodeFrame(frame, 300)]))
        const reader = new FrameReader(300)
        const out: Uint8Array[] = []
        for (let at = 0, turn = 0; at < wire.length; turn++) {
          const take = (cuts[turn % cuts.length] ?? 0) + 1
          out.push(...reader.push(wire.subarray(at, at + take)))
          at += take
        }
        expect(out).toEqual(frames)
      },
    ),
  )
})

test('a length over the limit is refused before any of its bytes', () => {
  const reader = new FrameReader(1_000)
  expect(() => reader.push(new Uint8Array([0, 0, 3, 233]))).toThrow(/1001 bytes, the limit is 1000/)
})

test('a frame at the limit passes, one byte more does not', () => {
  expect(encodeFrame(new Uint8Array(10), 10)).toHaveLength(14)
  expect(() => encodeFrame(new Uint8Array(11), 10)).toThrow(/11 bytes/)
})
