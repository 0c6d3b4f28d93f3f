import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  judgeRelease,
  maxForks,
  maxHistory,
  type History,
  type Numbered,
} from '../../../mesh/releases/sequence.ts'

const none: History<Numbered> = { line: [], forks: [] }
const numbered = (seq: number, digest: string): Numbered => ({ digest, record: { seq } })
/** Few numbers and few digests, so that forks and repeats are common. */
const offers = fc.array(
  fc.tuple(fc.integer({ min: 1, max: 8 }), fc.constantFrom('a', 'b', 'c', 'd')).map(([seq, letter]) => {
    return numbered(seq, `${letter}${seq}`)
  }),
  { maxLength: 40 },
)

function taken(list: readonly Numbered[], from = none): History<Numbered> {
  return list.reduce((held, offered) => judgeRelease(held, offered).next, from)
}

describe('the rules of sequence numbers', () => {
  it('never lower the number of the head', () => {
    fc.assert(
      fc.property(offers, (list) => {
        let held = none
        for (const offered of list) {
          const before = held.line[0]?.record.seq ?? 0
          held = judgeRelease(held, offered).next
          expect(held.line[0]?.record.seq).toBeGreaterThanOrEqual(before)
        }
      }),
    )
  })

  it('bring two nodes that took releases in different orders to the same head', () => {
    fc.assert(
      fc.property(offers, offers, (left, right) => {
        const a = taken(left)
        const b = taken(right)
        const heads = [a, b].flatMap(({ line }) => line.slice(0, 1))
        expect(taken(heads, a).line[0]).toEqual(taken(heads, b).line[0])
      }),
    )
  })

  it('make the smallest digest of the highest number the head, whatever the order', () => {
    fc.assert(
      fc.property(offers, (list) => {
        const seq = Math.max(0, ...list.map(({ record }) => record.seq))
        const best = list
          .filter(({ record }) => record.seq === seq)
          .sort((a, b) => (a.digest < b.digest ? -1 : 1))[0]
        expect(taken(list).line[0]).toEqual(best)
      }),
    )
  })

  it('change nothing when the same releases come again', () => {
    fc.assert(
      fc.property(offers, (list) => {
        const held = taken(list)
        const heldDigests = [...held.line, ...held.forks].map(({ digest }) => digest)
        for (const offered of list.filter(({ digest }) => heldDigests.includes(digest))) {
          const { next, rival } = judgeRelease(held, offered)
          expect(next).toBe(held)
          expect(rival).toBeNull()
        }
      }),
    )
  })

  it('keep each number once, newest first, and no more than they say', () => {
    fc.assert(
      fc.property(offers, (list) => {
        const { line, forks } = taken(list)
        const numbers = line.map(({ record }) => record.seq)
        expect(numbers).toEqual([...new Set(numbers)].sort((a, b) => b - a))
        expect(forks.length).toBeLessThanOrEqual(maxForks)
      }),
    )
    const long = taken(Array.from({ length: 40 }, (_, index) => numbered(index + 1, `r${index}`)))
    expect(long.line.map(({ record }) => record.seq)).toEqual(
      Array.from({ length: maxHistory }, (_, i) => 40 - i),
    )
  })

  it('call a fork of the head won or lost, and one of an earlier number older, each with its rival', () => {
    const held = taken([numbered(1, 'b1'), numbered(2, 'b2')])
    expect(judgeRelease(held, numbered(2, 'a2'))).toMatchObject({
      outcome: 'fork-won',
      rival: { digest: 'b2' },
    })
    expect(judgeRelease(held, numbered(2, 'c2'))).toMatchObject({
      outcome: 'fork-lost',
      rival: { digest: 'b2' },
    })
    expect(judgeRelease(held, numbered(1, 'a1'))).toMatchObject({ outcome: 'older', rival: { digest: 'b1' } })
    expect(judgeRelease(held, numbered(2, 'b2'))).toMatchObject({ outcome: 'known', rival: null })
    expect(judgeRelease(taken([numbered(5, 'a5')]), numbered(4, 'a4'))).toMatchObject({
      outcome: 'older',
      rival: null,
    })
  })
})
