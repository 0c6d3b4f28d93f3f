/** What a node holds for those who ask why: pauses of its own, how verdicts changed, and the whole answer. */
import { describe, expect, it } from 'vitest'
import { VerdictHistory } from '../../../host/node/verdict-history.ts'
import { Pauses } from '../../../host/node/pauses.ts'
import { createWhy, type WhyParts } from '../../../host/node/why.ts'
import {
  readRelease,
  signRelease,
  type Grounds,
  type HistoryEntry,
  type MemberView,
  type Opinion,
  type VerdictChange,
} from '../../../mesh/index.ts'
import { keyNamed } from '../../mesh/identity/harness.ts'
import { releaseRecord } from '../../mesh/releases/harness.ts'
import { FakeClock } from '../fake-clock.ts'
import { alive, appStatus, heard, member } from './parts.ts'

/** A clock whose process can stand still and whose machine can sleep, which its monotonic clock does not count. */
class SleepyClock extends FakeClock {
  sleptMs = 0

  override now(): number {
    return super.now() + this.sleptMs
  }
}

describe('pauses', () => {
  function watched(): { clock: SleepyClock; pauses: Pauses; told: () => number } {
    const clock = new SleepyClock()
    let count = 0
    const pauses = new Pauses(clock, () => void count++)
    pauses.start()
    return { clock, pauses, told: () => count }
  }

  it('a node that runs on time has none', async () => {
    const { clock, pauses, told } = watched()
    await clock.advance(60_000)
    expect([pauses.last(), told()]).toEqual([null, 0])
  })

  it('a machine that slept is told by its wall clock, for an hour', async () => {
    const { clock, pauses, told } = watched()
    await clock.advance(5_000)
    clock.sleptMs = 2_400_000
    await clock.advance(1_000)
    expect(pauses.last()).toEqual({ kind: 'slept', ms: 2_400_000, endedAt: clock.now() })
    expect(told()).toBe(1)
    await clock.advance(3_599_000)
    expect(pauses.last()).not.toBeNull()
    await clock.advance(2_000)
    expect(pauses.last()).toBeNull()
  })

  it('clocks that are corrected by a little, also backwards, are no sleep', async () => {
    const { clock, pauses } = watched()
    for (const ms of [3_000, -60_000, 4_000]) {
      clock.sleptMs += ms
      await clock.advance(1_000)
    }
    expect(pauses.last()).toBeNull()
  })

  it('a process that stood still is told by its late timer; one that does so again and again, once a minute', async () => {
    const clock = new FakeClock()
    let lateMs = 0
    const late = new Proxy(clock, {
      get(target, name) {
        if (name === 'after') return (ms: number, run: () => void) => target.after(ms + lateMs, run)
        const value: unknown = Reflect.get(target, name, target)
        return typeof value === 'function' ? (value.bind(target) as unknown) : value
      },
    })
    let told = 0
    const pauses = new Pauses(late, () => void told++)
    pauses.start()
    await clock.advance(10_000)
    expect(pauses.last()).toBeNull()
    lateMs = 5_000
    await clock.advance(31_000)
    expect(pauses.last()).toMatchObject({ kind: 'stalled', ms: 5_000 })
    expect(told).toBe(1)
    pauses.stop()
  })
})

const grounds: Grounds = {
  watchers: ['id-lobby-1', 'id-lobby-2'],
  probes: {
    isConnected: false,
    heardAgoMs: 4_000.4,
    unanswered: 3,
    askedAgoMs: 1_200.2,
    evidence: 'no-answer',
    doubtedForMs: 3_900.1,
    vouchedAgoMs: null,
    isOneWay: false,
    slow: 0,
  },
  word: { kind: 'alive', boot: 4, number: 1, ageMs: 9_000 },
  isTwofold: false,
  counted: 3,
  reached: 2,
}

describe('how verdicts changed', () => {
  it('is kept for each member, the last of it, with the boot that spoke; and dropped with the member', () => {
    const clock = new FakeClock()
    const listeners: ((change: VerdictChange) => void)[] = []
    const changes: (() => void)[] = []
    let opinion: Opinion | null = { ...alive, why: 'why', grounds }
    const history = new VerdictHistory({
      clock,
      mesh: {
        opinion: () => opinion,
        onVerdict: (listener) => {
          listeners.push(listener)
          return () => {}
        },
        onChange: (listener) => {
          changes.push(listener)
          return () => {}
        },
      },
    })
    history.start()
    history.start()
    expect(listeners).toHaveLength(1)
    for (let round = 0; round < 20; round++) listeners[0]?.({ node: 'id-a', from: 'alive', to: 'dead' })
    expect(history.of('id-a')).toHaveLength(16)
    expect(history.of('id-a')[0]).toEqual({ at: clock.now(), from: 'alive', to: 'dead', why: 'why', boot: 4 })
    expect(history.of('id-b')).toEqual([])
    opinion = null
    changes[0]?.()
    expect(history.of('id-a')).toEqual([])
  })
})

describe('the answer', () => {
  const publisher = keyNamed('publisher')
  const meshId = 'ab'.repeat(32)
  const record = releaseRecord(meshId, { groups: ['lobby'] })
  const entry: HistoryEntry = { ...readRelease(signRelease(publisher, record)), receivedAt: 7, role: 'head' }
  const report = { boot: 4, number: 7, issuedAt: 5, version: '0.1.0', addresses: ['/ip4/10.0.0.7/tcp/1'] }

  function whyOf(
    members: MemberView[],
    changes: Partial<WhyParts['mesh']> = {},
  ): ReturnType<typeof createWhy> {
    const clock = new FakeClock()
    return createWhy({
      mesh: {
        self: 'id-lobby-1',
        isOnline: true,
        alarms: [
          { code: 'ERR_DUPLICATE_IDENTITY', message: 'two run with id-garage-1', evidence: [] },
          { code: 'ERR_DUPLICATE_IDENTITY', message: 'two run with id-garage-1', evidence: [] },
          { code: 'ERR_OTHER', message: 'of nobody', evidence: [] },
        ],
        releases: { history: (app: string) => (app === 'light-alarm' ? [entry] : []), halted: () => null },
        ...changes,
        members: () => members,
      } as unknown as WhyParts['mesh'],
      apps: { status: () => [appStatus()] },
      placement: {
        of: () => ({
          app: 'light-alarm',
          version: '1.0.0',
          seq: 1,
          nodes: ['id-lobby-1'],
          instance: null,
          why: 'every node that can runs it',
        }),
      },
      history: { of: () => [] },
      pauses: { last: () => null },
      clock,
      fixOf: (code) => `fix ${code}`,
    })
  }

  it('about a node names its watchers and voters, rounds times, and tells each alarm once', () => {
    const vote = { observer: 'id-lobby-1', verdict: 'suspect', evidence: 'no-answer' } as const
    const opinion: Opinion = {
      ...alive,
      verdict: 'suspect',
      grounds,
      votes: [
        { ...vote, silentMs: 1_400.4, ageMs: 800.7, self: true },
        { ...vote, observer: 'id-gone', silentMs: 1, ageMs: 1, self: false },
      ],
    }
    const garage = member('garage-1', { opinion, held: heard({ ...report, apps: [], devices: [] }, 0) })
    const answer = whyOf([member('lobby-1'), garage]).node('id-garage-1')
    expect(answer.votes.map(({ name, silentMs, ageMs }) => [name, silentMs, ageMs])).toEqual([
      ['lobby-1', 1_400, 801],
      [null, 1, 1],
    ])
    expect(answer.watchers).toEqual([
      { id: 'id-lobby-1', name: 'lobby-1', state: 'alive' },
      { id: 'id-lobby-2', name: null, state: null },
    ])
    expect(answer.probes).toMatchObject({ heardAgoMs: 4_000, askedAgoMs: 1_200, unanswered: 3 })
    expect(answer.record).toEqual({ ...report, ageMs: 0 })
    expect(answer.alarms).toEqual([
      {
        code: 'ERR_DUPLICATE_IDENTITY',
        message: 'two run with id-garage-1',
        hint: 'fix ERR_DUPLICATE_IDENTITY',
      },
    ])
  })

  it('about an app says of every member whether it is meant, has a place, runs it, and what it lacks', () => {
    const led = { kind: 'pin' as const, name: 'led', driver: 'x' }
    const light = { kind: 'sensor' as const, name: 'light', driver: 'x' }
    const facts = { ...report, apps: [], features: [], arch: 'x64', platform: 'linux' }
    const members = [
      member('lobby-1', { held: heard({ ...facts, devices: [led, light] }, 0) }),
      member('lobby-2', { held: heard({ ...facts, devices: [light] }, 0) }),
      member('garage-1', { groups: ['garage'], held: heard({ ...facts, devices: [led, light] }, 0) }),
    ]
    const { places, head } = whyOf(members).app('light-alarm')
    expect(head).toMatchObject({ version: record.version, role: 'head' })
    expect(
      places.map(({ name, isMeant, isPlaced, lacks, app }) => [name, isMeant, isPlaced, lacks, app?.state]),
    ).toEqual([
      ['lobby-1', true, true, [], 'running'],
      ['lobby-2', true, false, ['pin:led'], undefined],
      ['garage-1', false, false, [], undefined],
    ])
  })

  it('of what nobody knows is an error', () => {
    const why = whyOf([member('lobby-1')])
    expect(() => why.node('id-x')).toThrow(expect.objectContaining({ code: 'ERR_MEMBER_UNKNOWN' }))
    expect(() => why.app('x')).toThrow(expect.objectContaining({ code: 'ERR_APP_UNKNOWN' }))
  })
})
