import { describe, expect, it } from 'vitest'
import { silentLog } from '../../core/index.ts'
import { nodeIdOf, verifyNodeRecord } from '../../mesh/identity/index.ts'
import { OwnRecord, type OwnRecordParts } from '../../mesh/own-record.ts'
import { FakeClock } from '../host/fake-clock.ts'
import { keyNamed } from './identity/harness.ts'

const key = keyNamed('lobby-1')
const nodeId = nodeIdOf(key.publicKey)

/** A node of a mesh with `members` others, and what it issued, by the time. */
function setUp(members = 0) {
  const clock = new FakeClock()
  const issued: { atMs: number; number: number }[] = []
  const self = { id: nodeId, name: 'lobby-1', groups: [], roles: [] }
  const others = Array.from({ length: members }, (_, index) => ({ ...self, id: `other-${index}` }))
  const parts = {
    identity: { nodeId, key, boot: 1, bootNonce: new Uint8Array(16) },
    trust: { meshId: 'ab'.repeat(32) },
    credentials: { members: () => [self, ...others] },
    records: {
      get: () => null,
      offer: async (bytes: Uint8Array) => {
        const { number } = verifyNodeRecord(bytes).report
        issued.push({ atMs: clock.monotonicMs(), number })
      },
    },
    clock,
    log: silentLog,
    onAlarm: () => {},
    describe: () => ({
      arch: 'x64',
      platform: 'linux',
      runtime: 'node',
      version: '1',
      features: [],
      devices: [],
      apps: [],
    }),
    addresses: () => [],
    onIssued: () => {},
  } as unknown as OwnRecordParts
  const own = new OwnRecord(parts)
  own.start()
  return { own, clock, issued, times: () => issued.map(({ atMs }) => atMs) }
}

describe('a node’s own record', () => {
  it('is issued soon after a change, once for all that changed meanwhile', async () => {
    const { own, clock, issued } = setUp()
    own.changed()
    own.changed()
    await clock.advance(1_000)
    expect(issued).toEqual([{ atMs: 100, number: 1 }])
  })

  it('is issued at most ten times in a burst and twice a second after it, and the last state is told within half a second', async () => {
    const { own, clock, times } = setUp()
    for (let at = 0; at < 10_000; at += 20) {
      own.changed()
      await clock.advance(20)
    }
    expect(times().filter((at) => at <= 1_000).length).toBeLessThanOrEqual(10)
    expect(times().length).toBeGreaterThan(25)
    expect(times().length).toBeLessThanOrEqual(10 + 2 * 10)
    await clock.advance(600)
    expect(times().at(-1)).toBeGreaterThanOrEqual(9_980)
  })

  it('tells progress once a second in a small mesh', async () => {
    const { own, clock, times } = setUp(2)
    for (let at = 0; at < 5_000; at += 50) {
      own.moved()
      await clock.advance(50)
    }
    expect(times()).toEqual([1_500, 2_500, 3_500, 4_500])
  })

  it('tells progress so rarely in a large mesh that all together stay at ten a second', async () => {
    const { own, clock, times } = setUp(299)
    for (let at = 0; at < 90_000; at += 500) {
      own.moved()
      await clock.advance(500)
    }
    expect(times()).toEqual([1_500, 31_500, 61_500])
  })

  it('does not tell what passes within a second and a half, and tells what lasts', async () => {
    const { own, clock, times } = setUp()
    own.passes()
    await clock.advance(1_000)
    own.moved()
    own.passes()
    own.changed()
    await clock.advance(10_000)
    expect(times()).toEqual([1_100])
    own.passes()
    await clock.advance(10_000)
    expect(times()).toEqual([1_100, 12_500])
  })

  it('goes on telling of a download whose steps are rare', async () => {
    const { own, clock, times } = setUp()
    for (let step = 0; step < 4; step += 1) {
      own.moved()
      await clock.advance(2_000)
    }
    expect(times()).toEqual([1_500, 2_500, 4_100, 6_100])
  })

  it('does not let progress that waits hold up a change', async () => {
    const { own, clock, times } = setUp(299)
    own.changed()
    await clock.advance(200)
    own.moved()
    await clock.advance(1_000)
    own.changed()
    await clock.advance(200)
    expect(times()).toEqual([100, 1_300])
    // The change has told the progress too.
    await clock.advance(60_000)
    expect(times()).toEqual([100, 1_300])
  })

  it('is not issued before the start or after the stop', async () => {
    const { own, clock, issued } = setUp()
    own.changed()
    own.stop()
    own.changed()
    own.moved()
    await clock.advance(5_000)
    expect([issued, clock.pendingTimers]).toEqual([[], 0])
  })
})
