/** What a peer may read, and have looked through, of other nodes' logs. */
import { describe, expect, it } from 'vitest'
import { Allowances } from '../../../mesh/logs/allowance.ts'
import { logWireLimits as limits } from '../../../mesh/logs/limits.ts'

describe('what a peer may read', () => {
  it('empty answers for which much is looked through make it wait, and those from memory do not', () => {
    const asked = (scannedBytes: number): number => {
      const allowances = new Allowances()
      let waitMs = 0
      for (let n = 0; n < 20; n += 1) {
        waitMs = allowances.ask('peer', 0)
        allowances.answered('peer', 100, scannedBytes, 0)
      }
      return waitMs
    }
    expect(asked(0)).toBe(0)
    const [scanned, allowed] = [19 * (64 << 20), limits.bytesPerSecond * (limits.burstMs / 1_000)]
    const owed = scanned / limits.scannedPerByte - allowed
    expect(asked(64 << 20)).toBeCloseTo((owed / limits.bytesPerSecond) * 1_000, -3)
  })
})
