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

  it('what is looked through is put down at once, so that several questions get no more than one', () => {
    const allowances = new Allowances()
    const ring = 64 << 20
    const piece = 128 << 10
    // The largest ring is looked through for whoever asked nothing before, within the wait.
    let standing = 0
    let now = 0
    for (let bytes = 0; bytes < ring; bytes += piece) {
      const waitMs = allowances.scanned('one', piece, now)
      standing += waitMs
      now += waitMs
    }
    expect(standing).toBeGreaterThan(0)
    expect(standing).toBeLessThan(limits.scanWaitMs)
    // Eight at once owe for each other's.
    let waitMs = 0
    for (let bytes = 0; bytes < 8 * ring; bytes += piece) waitMs = allowances.scanned('many', piece, 0)
    expect(waitMs).toBeGreaterThan(limits.scanWaitMs)
    expect(allowances.scanned('other', piece, 0)).toBe(0)
  })
})
