import { describe, expect, test } from 'vitest'
import * as fc from 'fast-check'
import { differing, Reaching, type Ground, type Reach } from '../../../mesh/membership/reach.ts'
import { Rings } from '../../../mesh/membership/rings.ts'

const rings = new Rings(Array.from({ length: 40 }, (_, index) => `n${index}`))
const { nodes } = rings
const self = 0

interface Moment {
  readonly broken: readonly (readonly [number, number])[]
  readonly unmet: readonly number[]
  readonly gone: readonly number[]
  readonly ends: readonly number[]
}

const place = fc.nat({ max: nodes.length - 1 })
const few = { maxLength: 2 }
/** Edges break around a few members, as they do where those fail: else hardly anybody would ever be cut off. */
const broken = fc
  .array(fc.tuple(place, fc.subarray([0, 1, 2, 3, 4, 5, 6, 7])), { maxLength: 8 })
  .map((members) =>
    members.flatMap(([one, edges]) =>
      edges.flatMap((edge) => {
        const other = rings.neighboursAt(one)[edge]
        return other === undefined || other === self || one === self ? [] : [[one, other] as const]
      }),
    ),
  )
const moment: fc.Arbitrary<Moment> = fc.record({
  broken,
  unmet: fc.oneof(fc.constant([]), fc.array(place, few)),
  gone: fc.oneof(
    fc.constant([]),
    fc.array(
      place.filter((at) => at !== self),
      few,
    ),
  ),
  ends: fc.oneof(fc.constant([]), fc.array(place, few)),
})

function groundOf({ broken: edges, unmet, gone, ends }: Moment, version: number): Ground {
  const isGone = new Set(gone)
  const neighboursAt = (at: number): number[] =>
    isGone.has(at) ? [] : rings.neighboursAt(at).filter((other) => !isGone.has(other))
  return {
    rings,
    version,
    self: nodes[self] as string,
    present: nodes.length - isGone.size,
    first: neighboursAt(self)
      .filter((other) => !unmet.includes(other))
      .map((at) => nodes[at] as string),
    ends: ends.map((at) => nodes[at] as string),
    broken: edges.flat(),
    neighboursAt,
  }
}

/** The walk as it is meant, without anything kept. */
function walked(ground: Ground): Set<string> {
  const found = new Set([ground.self, ...ground.first])
  const isBroken = (one: number, other: number): boolean =>
    ground.broken.some(
      (at, index) =>
        index % 2 === 0 &&
        ((at === one && ground.broken[index + 1] === other) ||
          (at === other && ground.broken[index + 1] === one)),
    )
  for (const node of found) {
    if (node === ground.self || ground.ends.includes(node)) continue
    const at = nodes.indexOf(node)
    for (const other of ground.neighboursAt(at)) if (!isBroken(at, other)) found.add(nodes[other] as string)
  }
  return found
}

function followThrough(moments: readonly Moment[]): void {
  const reaching = new Reaching()
  let before: Reach | null = null
  let version = 0
  for (const [index, now] of moments.entries()) {
    if (now.gone.join() !== moments[index - 1]?.gone.join()) version++
    const ground = groundOf(now, version)
    const reach = reaching.look(ground)
    const expected = walked(ground)
    expect(nodes.filter((node) => reach.has(node))).toEqual(nodes.filter((node) => expected.has(node)))
    expect(reach.size).toBe(expected.size)
    const was = before
    expect(differing(was, reach)).toEqual(
      nodes.filter((node) => (was?.has(node) ?? true) !== reach.has(node)),
    )
    before = reach
  }
}

describe('the part of the mesh that is reached', () => {
  test('is what a new walk finds, however edges break and mend meanwhile', () =>
    fc.assert(fc.property(fc.array(moment, { minLength: 1, maxLength: 12 }), followThrough), {
      numRuns: 200,
    }))

  test('is the same object while nothing changes', () => {
    const reaching = new Reaching()
    const one = rings.neighboursAt(self).find((at) => at !== self) as number
    const edges = rings.neighboursAt(one).filter((at) => at !== self)
    const calm: Moment = { broken: [], unmet: [], gone: [], ends: [] }
    const first = reaching.look(groundOf(calm, 1))
    // Another way leads to it: who is reached stays the same.
    const second = reaching.look(groundOf({ ...calm, broken: [[one, edges[0] as number]] }, 1))
    expect(second).toBe(first)
    expect(differing(first, second)).toEqual([])
  })
})
