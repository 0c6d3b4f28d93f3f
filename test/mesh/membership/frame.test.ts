import { describe, expect, it } from 'vitest'
import * as fc from 'fast-check'
import { encodeCbor } from '../../../core/index.ts'
import { decodeFrame, encodeMessage } from '../../../mesh/membership/frame.ts'

const id = fc.string({ minLength: 1, maxLength: 64 })
const number = fc.nat()

describe('messages between neighbours', () => {
  it('come out as they went in', () => {
    const message = fc.oneof(
      fc.record({ t: fc.constantFrom('probe' as const, 'ack' as const), number, slow: fc.nat(8) }),
      fc.record({
        t: fc.constant('summary' as const),
        digest: number,
        missing: fc.option(fc.array(id, { maxLength: 16 })),
      }),
      fc.record({ t: fc.constant('parting' as const) }),
    )
    fc.assert(
      fc.property(message, (sent) => {
        expect(encodeMessage(sent).map(decodeFrame)).toEqual([sent])
      }),
    )
  })

  it.each([
    ['more neighbours than a node has', Array.from({ length: 17 }, (_, n) => `n${n}`)],
    ['a number among them', ['n1', 2]],
    ['a name that is too long', ['n'.repeat(129)]],
    ['text', 'n1'],
  ])('are refused where a node misses %s', (_what, missing) => {
    expect(() => decodeFrame(encodeCbor([3, 7, missing]))).toThrow(
      expect.objectContaining({ code: 'ERR_VOTE' }),
    )
  })

  it('are passed over where their kind is from a later version', () => {
    expect(decodeFrame(encodeCbor([99, 'anything']))).toBeNull()
  })
})
