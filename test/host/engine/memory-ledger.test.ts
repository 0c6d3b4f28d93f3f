import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  largestAppBytes,
  MemoryLedger,
  refusalOfSize,
  type MemoryHolder,
} from '../../../host/engine/memory-ledger.ts'

const mib = 2 ** 20
const room = { appsBytes: 48 * mib, budgetBytes: 128 * mib }

describe('the memory that is for apps', () => {
  it('is refused with what is needed, what is left, and who has the rest', () => {
    const ledger = new MemoryLedger(room)
    ledger.take(ledger.holder('hello', 1 * mib, 'worker'))
    ledger.take(ledger.holder('counter', 16 * mib, 'shared'))
    const large = ledger.holder('vision', 64 * mib, 'process')
    expect(ledger.fits(large)).toBe(false)
    expect(() => ledger.take(large)).toThrow(
      'vision needs 76 MiB; this node has 20 MiB left of the 48 MiB that are for apps in its 128 MiB of memory, ' +
        'used by counter (17 MiB), hello (11 MiB)',
    )
  })

  it('is there again when an instance has ended', () => {
    const ledger = new MemoryLedger(room)
    const first = ledger.holder('one', 30 * mib, 'worker')
    const second = ledger.holder('two', 30 * mib, 'worker')
    ledger.take(first)
    expect(ledger.fits(second)).toBe(false)
    ledger.giveBack(first)
    ledger.take(second)
    expect(ledger.held()).toEqual([{ app: 'two', bytes: 40 * mib }])
  })

  it('counts the larger of two releases of one app while they are swapped', () => {
    const ledger = new MemoryLedger(room)
    const old = ledger.holder('app', 30 * mib, 'worker')
    const next = ledger.holder('app', 36 * mib, 'worker')
    ledger.take(old)
    ledger.take(next)
    expect(ledger.held()).toEqual([{ app: 'app', bytes: 46 * mib }])
    ledger.giveBack(next)
    expect(ledger.held()).toEqual([{ app: 'app', bytes: 40 * mib }])
    ledger.giveBack(old)
    expect(ledger.held()).toEqual([])
  })

  it('counts an instance that was moved out of a shared thread for what it takes now', () => {
    const ledger = new MemoryLedger(room)
    const pool = ledger.holder('app', 1 * mib, 'shared')
    ledger.take(pool)
    for (let n = 0; n < 4; n += 1) ledger.take(pool, 'worker')
    expect(ledger.held()).toEqual([{ app: 'app', bytes: 46 * mib }])
    expect(ledger.fits(pool)).toBe(true)
    expect(() => ledger.take(pool, 'worker')).toThrow('app needs 11 MiB; this node has 2 MiB left')
    ledger.giveBack(pool)
    for (let n = 0; n < 4; n += 1) ledger.giveBack(pool, 'worker')
    expect(ledger.held()).toEqual([])
  })

  it('names a few of many apps, and counts the others', () => {
    const ledger = new MemoryLedger({ appsBytes: 100 * mib, budgetBytes: 200 * mib })
    for (let n = 0; n < 9; n += 1) ledger.take(ledger.holder(`app-${n}`, 1 * mib, 'worker'))
    const refusal = ledger.refusal(ledger.holder('last', 4 * mib, 'worker'))
    expect(refusal.code).toBe('ERR_MEMORY_BUDGET')
    expect(refusal.message).toContain('app-0 (11 MiB), app-1 (11 MiB)')
    expect(refusal.message).toMatch(/app-4 \(11 MiB\), 4 others$/)
  })

  it('refuses beforehand what could not have it all', () => {
    const shared = (memoryBytes: number) =>
      refusalOfSize(room, 'vision', { memoryBytes, isolation: 'shared' })
    expect(shared(47 * mib)).toBeNull()
    expect(shared(48 * mib)?.message).toBe(
      'vision needs 49 MiB; this node has 48 MiB left of the 48 MiB that are for apps in its 128 MiB of memory',
    )
    expect(largestAppBytes(room)).toBe(38 * mib)
    expect(refusalOfSize(room, 'vision', { memoryBytes: 38 * mib, instances: 0 })).toBeNull()
    const three = refusalOfSize(room, 'vision', { memoryBytes: 8 * mib, instances: 3 })
    expect(three?.message).toMatch(/^vision needs 54 MiB; /)
  })

  it('is never given out twice, whatever comes and goes', () => {
    const step = fc.record({
      app: fc.integer({ min: 0, max: 4 }),
      release: fc.integer({ min: 0, max: 1 }),
      takes: fc.boolean(),
    })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const ledger = new MemoryLedger(room)
        const holders = Array.from({ length: 5 }, (_, app) =>
          [1, 12].map((size) => ledger.holder(`app-${app}`, size * mib, 'shared')),
        )
        for (const { app, release, takes } of steps) {
          const holder = holders[app]?.[release] as MemoryHolder
          if (!takes) {
            if (holder.instances > 0) ledger.giveBack(holder)
          } else if (ledger.fits(holder)) {
            ledger.take(holder)
          } else {
            expect(() => ledger.take(holder)).toThrow('left of the 48 MiB')
          }
          const larger = holders.map((pair) => Math.max(...pair.map(({ bytes }) => bytes)))
          const sum = larger.reduce((all, bytes) => all + bytes, 0)
          expect(sum).toBeLessThanOrEqual(room.appsBytes)
          expect(ledger.held().reduce((all, { bytes }) => all + bytes, 0)).toBe(sum)
        }
      }),
    )
  })
})
