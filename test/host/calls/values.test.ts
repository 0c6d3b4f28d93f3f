/** WIT values on their way between nodes. */
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { encodeCbor } from '../../../core/index.ts'
import { decodeValue, encodeValue } from '../../../host/calls/values.ts'

const name = fc
  .string({ minLength: 1, maxLength: 12, unit: 'grapheme-ascii' })
  .filter((key) => key !== '__proto__')
const value = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.boolean(),
    fc.constant(null),
    fc.constant(undefined),
    fc.double(),
    fc.integer(),
    fc.bigInt({ min: -(2n ** 63n), max: 2n ** 64n - 1n }),
    fc.string({ unit: 'grapheme' }),
    fc.uint8Array(),
    fc.float64Array(),
    fc.uint32Array(),
    fc.bigInt64Array(),
    fc.array(tie('value'), { maxLength: 6 }),
    fc.dictionary(name, tie('value'), { maxKeys: 6, noNullPrototype: true }),
  ),
})).value

describe('a value', () => {
  it('is the same when it has travelled', () => {
    fc.assert(
      fc.property(value, (given) => {
        const back = decodeValue(encodeValue(given))
        expect(back).toEqual(given)
      }),
      { numRuns: 500 },
    )
  })

  it('keeps what numbers and nothing are', () => {
    const given = [-0, Number.NaN, Infinity, -Infinity, 2 ** 60, 5n, undefined, null, 0.1]
    expect(decodeValue(encodeValue(given))).toEqual(given)
    expect(Object.is((decodeValue(encodeValue([-0])) as number[])[0], -0)).toBe(true)
  })

  it('is refused where it is none, stays on its node, or is too large', () => {
    class Resource {
      readonly handle = 1
    }
    const circle: unknown[] = []
    circle.push(circle)
    const refused = [() => {}, new Resource(), circle, { '': 1 }, 'a\ud800', new Uint8Array(5 * 1024 * 1024)]
    for (const given of refused) {
      expect(() => encodeValue(given)).toThrow(expect.objectContaining({ code: 'ERR_CALL_VALUE' }))
    }
  })

  it('is read only in the form in which it is written', () => {
    const forms = [
      { '': ['n', '1e3'] },
      { '': ['n', '9'.repeat(30)] },
      { '': ['f', '5'] },
      { '': ['u', 1] },
      { '': ['u32', ['x']] },
      { '': ['worker', []] },
      { '': 'n' },
      { '': ['u'], more: 1 },
    ]
    for (const form of forms) {
      expect(() => decodeValue(encodeCbor(form))).toThrow(expect.objectContaining({ code: 'ERR_CALL_VALUE' }))
    }
    expect(() => decodeValue(new Uint8Array([0xc1, 0x00]))).toThrow(
      expect.objectContaining({ code: 'ERR_CALL_VALUE' }),
    )
  })
})
