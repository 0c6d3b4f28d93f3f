import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { encodeCbor } from '../../../core/index.ts'
import type { ReplicaMessage } from '../../../host/replicas/messages.ts'
import { appOf, Session } from '../../../host/replicas/session.ts'

const replica = fc.constantFrom('n0/0123456789ab', 'n1/ba9876543210', 'n2/00000000000f')
const vector = fc
  .array(fc.tuple(replica, fc.integer({ min: 1, max: 1e6 })), { maxLength: 3 })
  .map((pairs) => new Map(pairs))
const tally = fc.record({
  replica,
  counter: fc.nat(1e6),
  life: fc.nat(1e6),
  sum: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n }),
})
const sibling = fc.record({
  replica,
  counter: fc.nat(1e6),
  stamp: fc.record({ ms: fc.constantFrom(0, 1.7e12, 1.7e12 + 5, 2.1e12), count: fc.nat(99) }),
  value: fc.option(fc.uint8Array({ maxLength: 20 })),
  seen: fc.array(tally, { maxLength: 2 }),
})
const entry = fc.record({
  siblings: fc.array(sibling, { maxLength: 3 }),
  tallies: fc.array(tally, { maxLength: 3 }),
  context: vector,
})
const sent = fc.record({ bucket: fc.constantFrom('a', 'b'), key: fc.string({ maxLength: 9 }), entry })
const position = fc.option(fc.tuple(fc.constantFrom('a', 'b'), fc.string({ maxLength: 5 })))

/** What one side says in the life of a channel: its vector only grows. */
const talk: fc.Arbitrary<ReplicaMessage[]> = fc
  .array(
    fc.record({
      vector,
      entries: fc.array(sent, { maxLength: 4 }),
      position,
      what: fc.nat(4),
      lower: vector,
    }),
    { maxLength: 8 },
  )
  .map((parts) => {
    const known = new Map<string, number>()
    return parts.map(({ vector: more, entries, position: after, what, lower }): ReplicaMessage => {
      for (const [name, counter] of more) known.set(name, Math.max(counter, known.get(name) ?? 0))
      const knows = new Map(known)
      if (what === 0) return { type: 'summary', vector: knows, digest: 'ab12', wallMs: 1.7e12 }
      if (what === 1) return { type: 'want', from: { type: 'range', after } }
      if (what === 2) return { type: 'heard', rows: [['n9', lower]] }
      const ordered = [...entries].sort((one, other) =>
        one.bucket < other.bucket ? -1 : Number(one.bucket > other.bucket),
      )
      const kind =
        what === 3
          ? ({ type: 'range', after, to: null } as const)
          : ({ type: 'fresh', replica: 'n0/0123456789ab', after: 3, to: 9 } as const)
      return {
        type: 'batch',
        batch: { vector: knows, entries: ordered, kind, isLast: true, collected: lower },
      }
    })
  })

describe('messages between replicas', () => {
  it('come out as they went in, in the order of one channel', () => {
    fc.assert(
      fc.property(talk, (messages) => {
        const [ours, theirs] = [new Session('counter'), new Session('counter')]
        for (const message of messages) {
          const { app, fields } = appOf(ours.encode(message))
          expect(app).toBe('counter')
          expect(theirs.decode(fields)).toEqual(message)
        }
      }),
      { numRuns: 200 },
    )
  })

  it('are refused where a byte of them is another, or read as something well-formed', () => {
    fc.assert(
      fc.property(talk, fc.nat(), fc.integer({ min: 1, max: 255 }), (messages, at, by) => {
        const [ours, theirs] = [new Session('counter'), new Session('counter')]
        for (const message of messages) {
          const bytes = ours.encode(message)
          const index = at % bytes.length
          bytes[index] = (bytes[index] ?? 0) ^ by
          let read: ReplicaMessage | null = null
          try {
            read = theirs.decode(appOf(bytes).fields)
          } catch (error) {
            expect(error).toBeInstanceOf(Error)
            return
          }
          expect(['summary', 'want', 'batch', 'heard']).toContain(read.type)
        }
      }),
      { numRuns: 300 },
    )
  })

  it.each([
    ['a replica that was never named', ['counter', 0, [], [[4, 1]], 'ab', 0]],
    ['a replica with the name of a path', ['counter', 0, ['../../x'], [], 'ab', 0]],
    ['a counter below nothing', ['counter', 0, ['n0/0123456789ab'], [[0, -1]], 'ab', 0]],
    ['a digest that is none', ['counter', 0, [], [], 'not hexadecimal', 0]],
    ['an unknown kind', ['counter', 9, []]],
    ['no list at all', ['counter']],
    ['a batch of no kind', ['counter', 2, [], [], 1, [], [7], null]],
    [
      'a value that is text',
      ['counter', 2, ['n0/0123456789ab'], [], 1, [['b', [['k', [[[0, 1, 0, 0, 'text']]]]]]], [0, []], null],
    ],
  ])('are refused with %s', (_, fields) => {
    expect(() => new Session('counter').decode(appOf(encodeCbor(fields)).fields)).toThrow()
  })
})
