import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  automaticBudgetBytes,
  budgetFault,
  isBeyondMachine,
  nodeBudget,
  shareMemory,
  shareNames,
  sizesOf,
  smallestBudgetBytes,
} from '../../../host/budget/index.ts'

const mib = 2 ** 20
/** From nothing to more than any device has, with all the small ones. */
const budgets = fc.oneof(
  fc.integer({ min: 0, max: 1_024 * mib }),
  fc.double({ min: 0, max: 2 ** 45, noNaN: true }),
)

describe('a memory budget', () => {
  it('is never exceeded by its shares together', () => {
    fc.assert(
      fc.property(budgets, (bytes) => {
        const { totalBytes, shares } = shareMemory(bytes)
        const sum = shareNames.reduce((all, name) => all + shares[name], 0)
        expect(sum).toBeLessThanOrEqual(totalBytes)
        expect(totalBytes).toBeLessThanOrEqual(Math.max(bytes, smallestBudgetBytes))
        // What is given to nobody is less than a step.
        expect(totalBytes - sum).toBeLessThan(mib)
        for (const name of shareNames) expect(Number.isInteger(shares[name])).toBe(true)
      }),
    )
  })

  it('gives nobody less where the whole is more', () => {
    fc.assert(
      fc.property(budgets, fc.integer({ min: 0, max: 64 * mib }), (bytes, more) => {
        const [small, large] = [shareMemory(bytes), shareMemory(bytes + more)]
        for (const name of shareNames) {
          expect(large.shares[name], name).toBeGreaterThanOrEqual(small.shares[name])
        }
        const [before, after] = [sizesOf(small), sizesOf(large)]
        for (const name of Object.keys(before) as (keyof typeof before)[]) {
          expect(after[name], name).toBeGreaterThanOrEqual(before[name])
        }
      }),
    )
  })

  it('leaves room for a small app and its thread in the smallest', () => {
    expect(shareMemory(smallestBudgetBytes).shares.apps).toBeGreaterThanOrEqual(11 * mib)
    expect(budgetFault(smallestBudgetBytes)).toBeNull()
    expect(budgetFault(smallestBudgetBytes - 1)).toContain(`${smallestBudgetBytes / mib} MiB`)
  })

  it('lets heaps grow beyond their shares in the smallest, by what docs/small-devices.md says', () => {
    const smallest = shareMemory(smallestBudgetBytes)
    const { prepareHeapMb, preparePages, storageHeapMb } = sizesOf(smallest)
    const { preparing, storage } = smallest.shares
    expect([prepareHeapMb, preparePages / 16, preparing / mib]).toEqual([24, 32, 44])
    expect([storageHeapMb, storage / mib]).toEqual([16, 4])
  })

  it('bounds no part of a large machine more than it was bounded before there was a budget', () => {
    expect(sizesOf(shareMemory(16 * 1_024 * mib))).toEqual({
      prepareHeapMb: 512,
      preparePages: 16_384,
      sandboxHeapMb: 64,
      spares: 1,
      storageHeapMb: 64,
      storePagesKb: 1_024,
      recentChunkBytes: 4 * mib,
      logLines: 65_536,
      queuedEvents: 4_096,
    })
  })

  it('is half of what the machine has where its owner says nothing', () => {
    expect(automaticBudgetBytes(1_024 * mib)).toBe(512 * mib)
    expect(nodeBudget('auto', 1_024 * mib)).toMatchObject({ totalBytes: 512 * mib, from: 'machine' })
    expect(nodeBudget(300 * mib, 1_024 * mib)).toMatchObject({ totalBytes: 300 * mib, from: 'config' })
  })

  it('is known to be more than a machine has', () => {
    expect(isBeyondMachine(nodeBudget('auto', 64 * mib))).toBe(true)
    expect(isBeyondMachine(nodeBudget(2_048 * mib, 1_024 * mib))).toBe(true)
    expect(isBeyondMachine(nodeBudget('auto', 512 * mib))).toBe(false)
  })
})
