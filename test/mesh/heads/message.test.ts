import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { encodeCbor } from '../../../core/index.ts'
import { decodeMessage, encodeMessage, messageLimits, type HeadMessage } from '../../../mesh/heads/message.ts'

const key = fc.constantFrom('trust', 'release/light-alarm', 'node/12D3KooW', 'member/x.y_z')
const digest = fc
  .uint8Array({ minLength: 32, maxLength: 32 })
  .map((bytes) => Buffer.from(bytes).toString('hex'))
const id = fc.record({ key, order: fc.tuple(fc.maxSafeNat(), fc.nat()), digest })
const prefix = fc.stringMatching(/^[0-9a-f]{0,15}$/)
const branch = fc.record({ prefix, fingerprints: fc.uint8Array({ minLength: 128, maxLength: 128 }) })
const leaf = fc.record({
  prefix,
  fingerprints: fc.nat(64).chain((count) => fc.uint8Array({ minLength: 8 * count, maxLength: 8 * count })),
})
const salt = fc.uint8Array({ minLength: 16, maxLength: 16 })
const message: fc.Arbitrary<HeadMessage> = fc.oneof(
  fc.record({ t: fc.constant('have' as const), ids: fc.array(id) }),
  fc.record({ t: fc.constant('found' as const), ids: fc.array(id) }),
  fc.record({ t: fc.constant('want' as const), keys: fc.array(key) }),
  fc.record({
    t: fc.constant('heads' as const),
    heads: fc.array(fc.record({ key, bytes: fc.uint8Array() })),
  }),
  fc.record({ t: fc.constant('summary' as const), count: fc.nat(), digest }),
  fc.record({
    t: fc.constant('compare' as const),
    salt,
    branches: fc.array(branch, { maxLength: 64 }),
    leaves: fc.array(leaf, { maxLength: 64 }),
  }),
  fc.record({ t: fc.constant('name' as const), salt, parts: fc.array(leaf, { maxLength: 64 }) }),
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
          expect((error as { code?: string }).code).toMatch(/^ERR_(CBOR(_TRAILING)?|HEAD_MESSAGE)$/)
        }
      },
    ),
  )
})

const d = new Uint8Array(32)
const compare = { t: 'compare', salt: new Uint8Array(16), branches: [], leaves: [] }
const fine = new Uint8Array(128)
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
  ['a digest in text', { t: 'summary', count: 1, digest: 'a'.repeat(64) }],
  ['a short digest', { t: 'have', ids: [['trust', 0, 0, d.slice(1)]] }],
  ['a short salt', { ...compare, salt: new Uint8Array(15) }],
  ['a prefix that is not hexadecimal', { ...compare, branches: [['0g', fine]] }],
  ['a branch where no branch can be', { ...compare, branches: [['0'.repeat(16), fine]] }],
  ['a prefix without end', { ...compare, leaves: [['0'.repeat(17), fine]] }],
  ['a branch without all its parts', { ...compare, branches: [['', fine.slice(8)]] }],
  ['a fingerprint cut short', { ...compare, leaves: [['', new Uint8Array(9)]] }],
  ['a leaf of a thousand heads', { ...compare, leaves: [['', new Uint8Array(8_000)]] }],
  ['too many branches', { ...compare, branches: Array.from({ length: 65 }, () => ['', fine]) }],
  ['a head that is text', { t: 'heads', heads: [['trust', 'text']] }],
])('%s is refused', (_name, value) => {
  expect(() => decodeMessage(encodeCbor(value))).toThrow(
    expect.objectContaining({ code: 'ERR_HEAD_MESSAGE' }) as Error,
  )
})
