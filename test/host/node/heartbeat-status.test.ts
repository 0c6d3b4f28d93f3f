import { describe, expect, it } from 'vitest'
import { memoryFolder, silentLog } from '../../../core/index.ts'
import { heartbeatStatus } from '../../../host/node/heartbeat-status.ts'
import { Signs, type SignsParts } from '../../../host/node/signs.ts'
import type { LastHeartbeat } from '../../../mesh/index.ts'
import { AttackLedger } from '../../../mesh/attack-ledger.ts'
import { openAudit } from '../../../mesh/audit.ts'
import { Witness } from '../../../mesh/witness.ts'
import { FakeClock } from '../fake-clock.ts'

const releases = 'ab'.repeat(32)
const hour = 3_600_000

function beat(
  ageMs: number | null,
  changes: Partial<LastHeartbeat['heartbeat']['record']> = {},
): LastHeartbeat {
  const record = { v: 1, mesh: '', counter: 4, at: 0, trust: 2, releases, critical: [], ...changes }
  return { ageMs, heartbeat: { record, admin: new Uint8Array([1]) } } as unknown as LastHeartbeat
}

const facts = { trustVersion: 2, releases, releasesSinceMs: 0, nowMs: 10 * hour }

describe('a heartbeat', () => {
  it('is nothing to speak of where the mesh uses none', () => {
    expect(heartbeatStatus({ ...facts, last: null })).toBeNull()
  })

  it('has an unknown age after a start, and is fresh when it came', () => {
    expect(heartbeatStatus({ ...facts, last: beat(null, { everyMs: hour }) })?.state).toBe('unknown')
    expect(heartbeatStatus({ ...facts, last: beat(5_000) })?.state).toBe('fresh')
  })

  it('is overdue a quarter after the promised time, and never where nothing was promised', () => {
    const at = (ageMs: number, everyMs?: number) =>
      heartbeatStatus({ ...facts, last: beat(ageMs, everyMs === undefined ? {} : { everyMs }) })?.state
    expect(at(1.25 * hour, hour)).toBe('fresh')
    expect(at(1.25 * hour + 1, hour)).toBe('overdue')
    expect(at(9 * hour)).toBe('fresh')
  })

  it('shows that news stayed away: newer trust, or other releases though none came since', () => {
    const behind = (last: LastHeartbeat, changes = {}) =>
      heartbeatStatus({ ...facts, last, ...changes })?.state
    expect(behind(beat(120_000, { trust: 3 }))).toBe('behind')
    expect(behind(beat(30_000, { trust: 3 }))).toBe('fresh')
    expect(behind(beat(120_000, { releases: 'cd'.repeat(32) }))).toBe('behind')
    // What came after it its admin could not see.
    const later = { releasesSinceMs: facts.nowMs - 60_000 }
    expect(behind(beat(120_000, { releases: 'cd'.repeat(32) }), later)).toBe('fresh')
  })
})

describe('signs', () => {
  it('tells of an overdue heartbeat and of a release for another node once, by the name of the attack', async () => {
    const clock = new FakeClock()
    const ledger = new AttackLedger(clock)
    const audit = await openAudit({ folder: memoryFolder(), clock, log: silentLog })
    let last: LastHeartbeat | null = null
    let onApps = (): void => {}
    const reason = { code: 'ERR_FEATURE_MISSING', message: 'no simd', hint: '' }
    let apps: unknown[] = []
    const signs = new Signs({
      clock,
      mesh: {
        witness: new Witness(audit, ledger),
        heartbeats: { last: () => last },
        trust: { current: { record: { version: 2 } } },
        releases: { heads: () => [], onChange: () => () => {} },
      },
      apps: { status: () => apps, onChange: (run: () => void) => ((onApps = run), () => {}) },
    } as unknown as SignsParts)
    signs.start()
    expect(signs.heartbeat()).toBeNull()
    await clock.advance(30_000)
    expect(ledger.sightings()).toEqual([])
    apps = [{ app: 'light-alarm', reason }]
    onApps()
    onApps()
    last = beat(2 * hour, { everyMs: hour })
    await clock.advance(60_000)
    expect(ledger.counts).toMatchObject({ 'wrong-target': 1, freeze: 1 })
    expect(signs.problems()).toMatchObject([{ code: 'ERR_HEARTBEAT_OVERDUE' }])
    last = beat(1_000, { everyMs: hour })
    await clock.advance(20_000)
    last = beat(2 * hour, { everyMs: hour })
    await clock.advance(20_000)
    expect(ledger.counts.freeze).toBe(2)
    signs.stop()
    expect(clock.pendingTimers).toBeLessThanOrEqual(1)
  })
})
