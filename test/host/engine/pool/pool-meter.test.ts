import { describe, expect, it } from 'vitest'
import type { Clock } from '../../../../core/index.ts'
import type { Sandbox } from '../../../../host/engine/index.ts'
import { Member, PoolMeter } from '../../../../host/engine/pool/pool-meter.ts'
import { noUsage } from '../../../../host/engine/sandbox/usage.ts'

const mib = 1024 * 1024

function meter(): {
  meter: PoolMeter
  join: (id: number, memoryBytes: number) => { memoryBytes: number; calls: number }
  at: (seconds: number) => number
} {
  let nowMs = 0
  const clock = { monotonicMs: () => nowMs } as unknown as Clock
  const made = new PoolMeter(clock, new Map())
  return {
    meter: made,
    join(id, memoryBytes) {
      const usage = { ...noUsage(), memoryBytes }
      made.joined(id, new Member({ usage } as unknown as Sandbox, 0))
      return usage
    },
    at: (seconds) => (nowMs = seconds * 1_000),
  }
}

describe('the meter of a pool', () => {
  it('counts a memory for as long as it is held, at what it came to be with the call that grew it', () => {
    const { meter: made, join, at } = meter()
    const usage = join(1, 1 * mib)
    made.worked(1, at(10))
    // The next call begins then and takes ten seconds, in which it grows.
    usage.memoryBytes = 3 * mib
    made.worked(1, at(20))
    made.worked(1, at(30))
    expect(made.sum().memoryByteSeconds).toBe((10 * 1 + 10 * 3 + 10 * 3) * mib)
    expect(made.sum().memoryBytes).toBe(3 * mib)
  })

  it('keeps what those that are gone have used, and no memory of theirs', () => {
    const { meter: made, join, at } = meter()
    const first = join(1, 1 * mib)
    join(2, 2 * mib)
    first.calls = 7
    at(10)
    made.left(1)
    at(20)
    expect(made.sum()).toMatchObject({ calls: 7, memoryBytes: 2 * mib })
    expect(made.sum().memoryByteSeconds).toBe((10 * 3 + 10 * 2) * mib)
    made.left(3)
    expect(made.sum().calls).toBe(7)
  })

  it('tells calls that found an instance from those that waited for one', () => {
    const { meter: made } = meter()
    made.begun(false)
    made.begun(true)
    made.begun(true)
    expect(made.sum()).toMatchObject({ newStarts: 1, warmStarts: 2 })
  })
})
