/** A head on its way to everybody, over wires that resend one message in ten; a thousand nodes are in bench/distribution. */
import { expect, test } from 'vitest'
import { simSeed, withSeedAsync } from './index.ts'
import { issueSpread, percentile, spread } from './spread.ts'

test('a head reaches every one of sixty nodes within two virtual seconds, at little more than its own size', () =>
  withSeedAsync(simSeed(), async (random) => {
    const found = await spread({ ...issueSpread, nodes: 60, heads: 4 }, random)
    expect(found.missed).toBe(0)
    expect(found.delaysMs).toHaveLength(4 * 59)
    expect(percentile(found.delaysMs, 99)).toBeLessThanOrEqual(2_000)
    // Each node is sent the head once, and told of it by its neighbours.
    expect(found.bytesPerHead).toBeLessThan(3 * issueSpread.headBytes)
  }))

test('wires that break now and then leave nobody without a head', () =>
  withSeedAsync(simSeed(), async (random) => {
    const wire = { ...issueSpread.wire, breakChance: 0.0005 }
    const found = await spread({ ...issueSpread, nodes: 30, heads: 3, wire }, random)
    expect(found.missed).toBe(0)
  }))
