import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { HeadTree, headFingerprint } from '../../../mesh/heads/head-tree.ts'
import { makeHead } from './harness.ts'

const salt = new Uint8Array(16).fill(1)
const treeOf = (versions: ReadonlyMap<string, number>): HeadTree => {
  const tree = new HeadTree()
  for (const [key, order] of versions) tree.set(makeHead(key, [order, 0]))
  return tree
}

/** Few keys, so that heads are replaced, removed and added again. */
const step = fc.record({
  key: fc.nat(99).map((at) => `node/${at}`),
  order: fc.option(fc.nat(3), { nil: null }),
})

test('the digest depends on nothing but what is held, whatever was there before', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 300 }), (steps) => {
      const tree = new HeadTree()
      const model = new Map<string, number>()
      for (const { key, order } of steps) {
        if (order === null) {
          tree.delete(key)
          model.delete(key)
        } else {
          tree.set(makeHead(key, [order, 0]))
          model.set(key, order)
        }
        if (steps.length % 3 === 0) tree.digest()
      }
      expect(tree.size).toBe(model.size)
      const sorted = new Map([...model].sort(([a], [b]) => (a < b ? -1 : 1)))
      expect(tree.digest()).toBe(treeOf(sorted).digest())
      expect(tree.fingerprints('', salt)).toEqual(treeOf(sorted).fingerprints('', salt))
    }),
  )
})

test('two trees with a difference differ in the digest, and in exactly the parts that hold it', () => {
  fc.assert(
    fc.property(fc.nat(400), fc.nat(99), (size, at) => {
      const model = new Map(Array.from({ length: size }, (_, index) => [`node/${index}`, 1]))
      const tree = treeOf(model)
      const other = treeOf(model)
      other.set(makeHead(`node/${at}`, [2, 0]))
      expect(other.digest()).not.toBe(tree.digest())
      const [ours, theirs] = [tree.fingerprints('', salt), other.fingerprints('', salt)]
      const different = Array.from({ length: 16 }, (_, digit) => digit).filter((digit) =>
        ours.subarray(8 * digit, 8 * digit + 8).some((byte, index) => byte !== theirs[8 * digit + index]),
      )
      expect(different).toHaveLength(1)
      const digit = (different[0] as number).toString(16)
      expect(other.headsUnder(digit).map(({ key }) => key)).toContain(`node/${at}`)
      expect(tree.countUnder(digit)).toBe(tree.headsUnder(digit).length)
    }),
  )
})

test('every head is under every prefix of its place, also below where the tree ends', () => {
  const tree = treeOf(new Map(Array.from({ length: 300 }, (_, index) => [`node/${index}`, 1])))
  const digits = Array.from({ length: 16 }, (_, digit) => digit.toString(16))
  const walk = (prefix: string): number =>
    prefix.length === 4
      ? tree.countUnder(prefix)
      : digits.reduce((sum, digit) => sum + walk(prefix + digit), 0)
  expect(walk('')).toBe(300)
  expect(digits.reduce((sum, digit) => sum + tree.headsUnder(digit).length, 0)).toBe(300)
})

test('what goes over the wire is another for every salt, for branches and for heads', () => {
  const tree = treeOf(new Map(Array.from({ length: 100 }, (_, index) => [`node/${index}`, 1])))
  const other = new Uint8Array(16).fill(2)
  expect(tree.fingerprints('', salt)).not.toEqual(tree.fingerprints('', other))
  const head = makeHead('trust', [1, 0])
  expect(headFingerprint(head, salt)).not.toEqual(headFingerprint(head, other))
})
