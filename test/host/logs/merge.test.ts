/** Lines of several nodes as one sequence. */
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { LineMerge } from '../../../host/logs/merge.ts'

const at = (time: number, line: string): { line: string; time: number } => ({ line, time })

function taken(merge: LineMerge<string>, nowMs: number): string[] {
  const lines: string[] = []
  for (let line = merge.take(nowMs); line !== null; line = merge.take(nowMs)) lines.push(line)
  return lines
}

describe('merged lines', () => {
  it('are in the order of their times, and of each node in its own, whatever its clock did', () => {
    const times = fc.array(fc.array(fc.nat(100), { maxLength: 20 }), { minLength: 1, maxLength: 4 })
    fc.assert(
      fc.property(times, (nodes) => {
        const merge = new LineMerge<string>(250)
        nodes.forEach((list, node) => {
          merge.set(`n${node}`, 'reading')
          merge.push(
            `n${node}`,
            list.map((time, index) => at(time, `${node} ${index}`)),
            0,
          )
          merge.set(`n${node}`, 'over')
        })
        const lines = taken(merge, 0)
        expect(lines).toHaveLength(nodes.flat().length)
        expect(merge.isOver).toBe(true)
        nodes.forEach((list, node) =>
          expect(lines.filter((line) => line.startsWith(`${node} `))).toEqual(
            list.map((_, index) => `${node} ${index}`),
          ),
        )
        if (nodes.every((list) => list.every((time, index) => time >= (list[index - 1] ?? 0)))) {
          const order = lines.map((line) => {
            const [node = 0, index = 0] = line.split(' ').map(Number)
            return nodes[node]?.[index] ?? -1
          })
          expect(order).toEqual([...order].sort((a, b) => a - b))
        }
      }),
    )
  })

  it('wait for a node that is still reading, and not for one that is away', () => {
    const merge = new LineMerge<string>(250)
    merge.set('a', 'reading')
    merge.set('b', 'reading')
    merge.push('a', [at(5, 'a5')], 0)
    expect(taken(merge, 10_000)).toEqual([])
    expect(merge.waitMs(10_000)).toBe(Infinity)
    merge.push('b', [at(3, 'b3'), at(9, 'b9')], 10_000)
    merge.set('a', 'live')
    expect(taken(merge, 10_000)).toEqual(['b3', 'a5'])
    merge.set('a', 'away')
    expect(taken(merge, 10_000)).toEqual(['b9'])
  })

  it('wait a moment for an older one of a node that tells what is new', () => {
    const merge = new LineMerge<string>(250)
    merge.set('a', 'live')
    merge.set('b', 'live')
    merge.push('a', [at(5, 'a5')], 1_000)
    expect(merge.waitMs(1_100)).toBe(150)
    expect(taken(merge, 1_100)).toEqual([])
    merge.push('b', [at(4, 'b4')], 1_200)
    expect(taken(merge, 1_200)).toEqual(['b4'])
    expect(taken(merge, 1_250)).toEqual(['a5'])
  })
})
