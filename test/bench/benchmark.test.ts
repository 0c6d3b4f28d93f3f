import { describe, expect, it } from 'vitest'
import { formatTable, median, meetsGoal, type Finding } from '../../bench/benchmark.ts'

const finding: Finding = {
  bench: 'first-light',
  question: 'start to ready',
  metric: 'ready',
  value: 420.456,
  unit: 'ms',
  samples: 5,
  rival: 'bare node',
  rivalValue: 40,
  goalOf: 'value',
  op: '<=',
  goalValue: 500,
}

describe('the median', () => {
  it('is the middle value, or the mean of the middle two, in numeric order', () => {
    expect(median([10, 9, 100])).toBe(10)
    expect(median([4, 1, 3, 2])).toBe(2.5)
    expect(median([7])).toBe(7)
  })

  it('of nothing is no number, and leaves its input as it was', () => {
    const values = [3, 1, 2]
    median(values)
    expect(values).toEqual([3, 1, 2])
    expect(median([])).toBeNaN()
  })
})

describe('a goal', () => {
  it.each<[string, Partial<Finding>, boolean]>([
    ['value at most', { value: 500 }, true],
    ['value over', { value: 500.1 }, false],
    ['value at least', { op: '>=', value: 500 }, true],
    ['value under', { op: '>=', value: 499 }, false],
    ['ratio at most', { goalOf: 'ratio', goalValue: 2, value: 80 }, true],
    ['ratio over', { goalOf: 'ratio', goalValue: 2, value: 81 }, false],
    ['no figure and no reason', { value: null }, false],
    ['ratio without a rival', { goalOf: 'ratio', rivalValue: null }, false],
    ['ratio to nothing', { goalOf: 'ratio', rivalValue: 0 }, false],
    ['a figure that is no number', { value: Number.NaN }, false],
    ['skipped with a reason', { value: null, skipped: 'no such program here' }, true],
  ])('%s', (_what, changes, isMet) => {
    expect(meetsGoal({ ...finding, ...changes })).toBe(isMet)
  })
})

it('the table names question, value, rival, ratio, goal and verdict', () => {
  const findings: Finding[] = [
    finding,
    {
      ...finding,
      question: 'memory',
      unit: 'MB',
      value: 120,
      rivalValue: 60,
      goalOf: 'ratio',
      goalValue: 1.5,
    },
    { ...finding, question: 'gap', value: null, rivalValue: null, op: '>=', skipped: 'no root' },
  ]
  expect(formatTable(findings)).toBe(
    [
      '| question | value | rival | ratio | goal | |',
      '| --- | --- | --- | --- | --- | --- |',
      '| start to ready | 420.5 ms | bare node: 40 ms | 10.51 | ≤ 500 ms | met |',
      '| memory | 120 MB | bare node: 60 MB | 2.00 | ratio ≤ 1.5 | **missed** |',
      '| gap | – | bare node: – | – | ≥ 500 ms | skipped: no root |',
    ].join('\n'),
  )
})
