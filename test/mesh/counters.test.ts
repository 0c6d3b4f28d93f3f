import { expect, it } from 'vitest'
import { MeshCounters } from '../../mesh/counters.ts'

it('refusals are counted by our own code, and theirs by number alone', () => {
  const counters = new MeshCounters()
  counters.connectionRefused('us', 'ERR_CREDENTIAL_REVOKED')
  counters.connectionRefused('us', 'ERR_CREDENTIAL_REVOKED')
  counters.connectionRefused('them', 'whatever they like')
  counters.headRefused('release')
  counters.headRefused(null)
  counters.banned()
  expect(counters.counts).toEqual({
    refusedByUs: { ERR_CREDENTIAL_REVOKED: 2 },
    refusedByThem: 1,
    headsRefused: { release: 1, unknown: 1 },
    bans: 1,
  })
})

it('the table of reasons does not grow for ever, and loses no count', () => {
  const counters = new MeshCounters()
  for (let index = 0; index < 1_000; index += 1) counters.connectionRefused('us', `ERR_${index % 500}`)
  const { refusedByUs } = counters.counts
  expect(Object.keys(refusedByUs).length).toBeLessThanOrEqual(65)
  expect(Object.values(refusedByUs).reduce((sum, count) => sum + count)).toBe(1_000)
})
