import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Rings, wholeMesh } from '../../../mesh/membership/index.ts'

const names = (count: number): string[] => Array.from({ length: count }, (_, number) => `n${number}`)
const meshes = fc.record({
  count: fc.integer({ min: 1, max: 60 }),
  gone: fc.float({ min: 0, max: 1, noNaN: true }),
})

/** Everybody that can be reached over neighbours. */
function spread(rings: Rings, gone: ReadonlySet<string>): Set<string> {
  const first = rings.nodes.find((node) => !gone.has(node))
  const reached = new Set(first === undefined ? [] : [first])
  for (const node of reached) for (const other of rings.neighbours(node, gone)) reached.add(other)
  return reached
}

describe('the circles in which members stand', () => {
  it('make everybody a neighbour while there are few', () => {
    const rings = new Rings(names(wholeMesh))
    expect(rings.neighbours('n3')).toEqual(names(wholeMesh).filter((node) => node !== 'n3'))
  })

  it('give each node six to eight neighbours however many there are, and are the same for everybody', () => {
    const [some, same] = [new Rings(names(500)), new Rings(names(500).reverse())]
    for (const node of some.nodes) {
      const neighbours = some.neighbours(node)
      expect(neighbours.length).toBeGreaterThanOrEqual(6)
      expect(neighbours.length).toBeLessThanOrEqual(8)
      expect(same.neighbours(node)).toEqual(neighbours)
    }
  })

  it('are symmetric, pass over those that are gone, and hold the others together', () => {
    fc.assert(
      fc.property(meshes, ({ count, gone: share }) => {
        const rings = new Rings(names(count))
        const gone = new Set(names(Math.floor(count * share)))
        const there = rings.nodes.filter((node) => !gone.has(node))
        for (const node of there) {
          for (const other of rings.neighbours(node, gone)) {
            expect(gone.has(other)).toBe(false)
            expect(rings.neighbours(other, gone)).toContain(node)
          }
        }
        expect(spread(rings, gone).size).toBe(there.length)
      }),
    )
  })

  it('let most watchers of a node know another one of them, so that they can compare what they see', () => {
    const rings = new Rings(names(300))
    for (const node of rings.nodes) {
      const watchers = rings.neighbours(node)
      const met = watchers.filter((watcher) =>
        rings.neighbours(watcher).some((other) => watchers.includes(other)),
      )
      expect(met.length).toBeGreaterThanOrEqual(6)
    }
  })

  it('change few neighbours when one member comes', () => {
    const before = new Rings(names(200))
    const after = new Rings([...names(200), 'newcomer'], before)
    const changed = before.nodes.filter(
      (node) => before.neighbours(node).join() !== after.neighbours(node).join(),
    )
    expect(changed.length).toBeLessThanOrEqual(8)
    expect(after.neighbours('newcomer').length).toBeGreaterThanOrEqual(6)
  })

  it('spread over a thousand nodes within nine steps', () => {
    const rings = new Rings(names(1_000))
    let edge = ['n0']
    const seen = new Set(edge)
    let steps = 0
    for (; seen.size < 1_000; steps++) {
      edge = edge.flatMap((node) =>
        rings.neighbours(node).filter((other) => !seen.has(other) && seen.add(other)),
      )
      expect(edge.length).toBeGreaterThan(0)
    }
    expect(steps).toBeLessThanOrEqual(9)
  })

  it('know nothing of strangers', () => {
    expect(new Rings(names(20)).neighbours('stranger')).toEqual([])
  })
})
