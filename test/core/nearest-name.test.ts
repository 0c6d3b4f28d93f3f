import { describe, expect, it } from 'vitest'
import { nearestName } from '../../core/index.ts'

describe('the nearest name', () => {
  it.each([
    ['Sensors', ['sensor', 'pins'], 'sensor'],
    ['tresholds', ['threshold', 'unit'], 'threshold'],
    ['nmae', ['name', 'groups'], 'name'],
    ['err_tokn_used', ['ERR_TOKEN_USED', 'ERR_DISK_FULL'], 'ERR_TOKEN_USED'],
    ['rel', ['releases', 'status'], 'releases'],
  ])('to %s is what was meant', (typed, known, meant) => {
    expect(nearestName(typed, known)).toBe(meant)
  })

  it.each([
    ['another word', 'banana', ['sensor', 'pins']],
    ['as short as what would change', 'xy', ['up']],
    ['one letter', 'a', ['apps', 'up']],
    ['endless', 'x'.repeat(10_000), ['sensor']],
    ['compared with nothing', 'a', []],
  ])('is none for a name that is %s', (_what, typed, known) => {
    expect(nearestName(typed, known)).toBeNull()
  })
})
