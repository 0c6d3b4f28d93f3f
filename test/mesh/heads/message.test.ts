import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { encodeCbor } from '../../../core/index.ts'
import { decodeMessage, encodeMessage, messageLimits, type HeadMessage } from '../../../mesh/heads/message.ts'

const key = fc.constantFrom('trust', 'release/light-alarm', 'node/12D3KooW', 'member/x.y_z')
const digest = fc
  .uint8Array({ minLength: 32, maxLength: 32 })
  .map((bytes) => Buffer.from(bytes).toString('hex'))
const id = fc.record({ key, order: fc.tuple(fc.maxSafeNat(), fc.nat()), digest })
const sortedIds = fc
  .uniqueArray(id, { selector: ({ key }) => key })
  .map((ids) => ids.toSorted((a, b) => (a.key < b.key ? -1 : 1)))
const message: fc.Arbitrary<HeadMessage> = fc.oneof(
  fc.record({ t: fc.constant('have' as const), ids: fc.array(id) }),
  fc.record({ t: fc.constant('want' as const), keys: fc.array(key) }),
  fc.record({
    t: fc.constant('heads' as const),
    heads: fc.array(fc.record({ key, bytes: fc.uint8Array() })),
  }),
  fc.record({ t: fc.constant('summary' as const), count: fc.nat(), digest }),
  fc.record({
    t: fc.constant('list' as const),
    after: fc.constant(''),
    ids: sortedIds,
    isLast: fc.boolean(),
  }),
)

test('a message is read as it was written', () => {
  fc.assert(
    fc.property(message, (sent) => {
      expect(decodeMessage(encodeMessage(sent))).toEqual(sent)
    }),
  )
})

test('whatever bytes arrive, reading them gives a message or an error of ours', () => {
  fc.assert(
    fc.property(
      fc.oneof(fc.uint8Array(), message.map(encodeMessage)),
      fc.nat(),
      fc.nat(255),
      (bytes, at, byte) => {
        const altered = bytes.slice()
        if (altered.length > 0) altered[at % altered.length] = byte
        try {
          decodeMessage(altered)
        } catch (error) {
          expect((error as { code?: string }).code).toMatch(/^ERR_(CBOR|HEAD_MESSAGE)$/)
        }
      },
    ),
  )
})

const d = '0'.repeat(64)
test.each([
  ['null', null],
  ['an unknown kind', { t: 'gossip' }],
  ['a key outside the pattern', { t: 'want', keys: ['../etc'] }],
  [
    'too many keys',
    { t: 'want', keys: Array.from({ length: messageLimits.keysPerWant + 1 }, () => 'trust') },
  ],
  ['a negative order', { t: 'have', ids: [['trust', -1, 0, d]] }],
  ['an order that is no integer', { t: 'have', ids: [['trust', 0.5, 0, d]] }],
  ['a digest in capitals', { t: 'summary', count: 1, digest: 'A'.repeat(64) }],
  [
    'a list out of order',
    {
      t: 'list',
      after: '',
      isLast: true,
      ids: [
        ['node/b', 1, 0, d],
        ['node/a', 1, 0, d],
      ],
    },
  ],
  [
    'a list that starts before its beginning',
    { t: 'list', after: 'node/b', isLast: true, ids: [['node/a', 1, 0, d]] },
  ],
  ['a head that is text', { t: 'heads', heads: [['trust', 'text']] }],
])('%s is refused', (_name, value) => {
  expect(() => decodeMessage(encodeCbor(value))).toThrow(
    expect.objectContaining({ code: 'ERR_HEAD_MESSAGE' }) as Error,
  )
})
