/** Messages on the wire: what is read is what was written, and nothing else is read. */
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { encodeCbor } from '../../../core/index.ts'
import {
  decodeBatch,
  decodeVerdicts,
  encodeBatch,
  encodeVerdicts,
  wireSize,
  type Verdict,
  type WireMessage,
} from '../../../mesh/messages/batch.ts'
import { messageWireLimits as limits } from '../../../mesh/messages/index.ts'

const word = fc.string({ minLength: 1, maxLength: 12, unit: fc.constantFrom(...'abcdefghij0123456789') })
const topic = fc
  .tuple(fc.constantFrom('a', 'shop', 'x-1'), fc.array(word, { maxLength: 5 }))
  .map(([first, rest]) => [first, ...rest].join('/'))
const text = fc.string({ maxLength: 40, unit: 'grapheme' })
const message: fc.Arbitrary<WireMessage> = fc.record({
  id: fc.stringMatching(/^[!-~]{1,64}$/),
  topic,
  key: fc.option(text),
  contentType: fc.option(text),
  metadata: fc.array(fc.tuple(text, text), { maxLength: 8 }),
  body: fc.uint8Array({ maxLength: 200 }),
  timeMs: fc.nat(),
})

const plain: WireMessage = {
  id: '1',
  topic: 'light',
  key: null,
  contentType: null,
  metadata: [],
  body: new Uint8Array(3),
  timeMs: 0,
}
const listOf = (changes: Record<number, unknown>): unknown[] =>
  Object.assign(['1', 'light', null, null, [], new Uint8Array(3), 0], changes)
const codeOf = (run: () => unknown): string => {
  try {
    run()
    return 'taken'
  } catch (error) {
    return (error as { code: string }).code
  }
}

describe('a batch of messages', () => {
  it('is read as it was written, and is no larger than was reckoned', () => {
    fc.assert(
      fc.property(fc.array(message, { minLength: 1, maxLength: 12 }), (batch) => {
        const bytes = encodeBatch(batch)
        expect(decodeBatch(bytes)).toEqual(batch)
        expect(bytes.length).toBeLessThanOrEqual(batch.reduce((sum, one) => sum + wireSize(one), 16))
      }),
    )
  })

  it('is refused where it is anything else', () => {
    const wrong: Record<number, unknown>[] = [
      { 0: '' },
      { 0: 'x'.repeat(limits.idChars + 1) },
      { 0: 'a b' },
      { 1: 'Light' },
      { 1: 'light/' },
      { 1: 'a/b/c/d/e/f/g/h/i' },
      { 2: 7 },
      { 2: 'k'.repeat(limits.keyChars + 1) },
      { 3: 't'.repeat(limits.contentTypeChars + 1) },
      { 4: 'x' },
      { 4: [['only one']] },
      { 4: [['a', 1]] },
      { 4: [['a', 'v'.repeat(limits.metadataChars)]] },
      { 4: Array.from({ length: limits.metadataEntries + 1 }, () => ['a', 'b']) },
      { 5: 'text' },
      { 5: new Uint8Array(limits.bodyBytes + 1) },
      { 6: -1 },
      { 6: 1.5 },
      { 6: 'now' },
      { 6: 8.64e15 + 1 },
      { 7: 'one more' },
    ]
    for (const changes of wrong) {
      expect([changes, codeOf(() => decodeBatch(encodeCbor([listOf(changes)])))]).toEqual([
        changes,
        'ERR_MESSAGES_PROTOCOL',
      ])
    }
    expect(codeOf(() => decodeBatch(encodeCbor([listOf({})])))).toBe('taken')
    for (const value of [[], {}, 'x', [[]], [7]])
      expect(codeOf(() => decodeBatch(encodeCbor(value)))).toBe('ERR_MESSAGES_PROTOCOL')
    expect(codeOf(() => decodeBatch(new Uint8Array([0xff, 0, 1])))).toBe('ERR_MESSAGES_PROTOCOL')
  })

  it('is refused where it is too large or too many', () => {
    const many = Array.from({ length: limits.batchMessages + 1 }, () => plain)
    expect(codeOf(() => decodeBatch(encodeBatch(many)))).toBe('ERR_MESSAGES_ENDLESS')
    const large = Array.from({ length: 3 }, () => ({ ...plain, body: new Uint8Array(limits.bodyBytes) }))
    expect(codeOf(() => decodeBatch(encodeBatch(large)))).toBe('ERR_MESSAGES_ENDLESS')
  })

  it('is answered with a verdict on each', () => {
    const verdicts: Verdict[] = ['taken', 'later', 'refused', 'unwanted', 'taken']
    const bytes = encodeVerdicts({ verdicts, waitMs: 12.3 })
    expect(decodeVerdicts(bytes, 5)).toEqual({ verdicts, waitMs: 13 })
    expect(codeOf(() => decodeVerdicts(bytes, 4))).toBe('ERR_MESSAGES_PROTOCOL')
    for (const answer of [
      [0, 4],
      [-1, 0],
      ['x', 0],
      [0, '0'],
      [limits.longestWaitMs + 1, 0],
    ])
      expect(codeOf(() => decodeVerdicts(encodeCbor(answer), 1))).toBe('ERR_MESSAGES_PROTOCOL')
  })
})
