import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { fetchDefaults } from '../../../mesh/blobs/fetch-options.ts'
import type { FetchAction, FetchEvent } from '../../../mesh/blobs/fetch-events.ts'
import { FetchSchedule } from '../../../mesh/blobs/fetch.ts'
import { digestOf, TokenBucket } from '../../../core/index.ts'
import type { BlobRef } from '../../../mesh/releases/index.ts'
import { seededRandom } from '../../host/fake-clock.ts'
import { generator } from './samples.ts'

function blobs(count: number, sizeBytes = 16_384): BlobRef[] {
  return Array.from({ length: count }, (_, index) => ({
    digest: digestOf(new TextEncoder().encode(`blob ${index}`)),
    sizeBytes,
  }))
}

function requests(
  actions: readonly FetchAction[],
  type: 'request' | 'cancel' = 'request',
): Map<string, readonly string[]> {
  const entries = actions.flatMap((action) =>
    action.type === type ? [[action.peer, action.digests] as const] : [],
  )
  return new Map(entries)
}

function newSchedule(budget = new TokenBucket(Number.POSITIVE_INFINITY), self = 'self'): FetchSchedule {
  return new FetchSchedule({ self, random: seededRandom(5), budget })
}

/** A peer comes and says that it has all of these. */
function comes(
  schedule: FetchSchedule,
  peer: string,
  wants: readonly BlobRef[],
  now: number,
  isWhole = true,
): FetchAction[] {
  return [
    ...schedule.handle({ type: 'peer-up', peer }, now),
    ...schedule.handle({ type: 'has', peer, digests: wants.map(({ digest }) => digest), isWhole }, now),
  ]
}

function scheduleWith(wants: readonly BlobRef[], ...peers: string[]) {
  const schedule = newSchedule()
  schedule.handle({ type: 'start', wants }, 0)
  return { schedule, first: peers.flatMap((peer) => comes(schedule, peer, wants, 0)) }
}

const [one, two] = blobs(2) as [BlobRef, BlobRef]

function chunk(peer: string, { digest, sizeBytes }: BlobRef): FetchEvent {
  return { type: 'chunk', peer, digest, sizeBytes }
}

test('nothing to fetch is done at once', () => {
  expect(newSchedule().handle({ type: 'start', wants: [] }, 0)).toEqual([{ type: 'done' }])
})

test('without a source nothing happens until a peer says that it has something', () => {
  const { schedule, first } = scheduleWith([one])
  expect(first).toEqual([])
  expect(schedule.handle({ type: 'tick' }, 3_600_000)).toEqual([])
  expect(schedule.handle({ type: 'peer-up', peer: 'a' }, 3_600_001)).toEqual([])
  expect(comes(schedule, 'a', [one], 3_600_002)).toEqual([
    { type: 'request', peer: 'a', digests: [one.digest] },
  ])
})

test('wants are spread over the sources, within the first window, each asked of one', () => {
  const { first } = scheduleWith(blobs(100), 'a', 'b', 'c')
  const asked = requests(first)
  expect([...asked.values()].map((digests) => digests.length)).toEqual([4, 4, 4])
  expect(new Set([...asked.values()].flat()).size).toBe(12)
})

test('a source is asked for nothing that it did not say it has', () => {
  const wants = blobs(40)
  const schedule = newSchedule()
  schedule.handle({ type: 'start', wants }, 0)
  const has = wants.slice(0, 2)
  const asked = requests(comes(schedule, 'a', has, 0, false)).get('a')
  expect(new Set(asked)).toEqual(new Set(has.map(({ digest }) => digest)))
  const news: FetchEvent = { type: 'has', peer: 'a', digests: [wants[5]?.digest ?? ''], isWhole: false }
  expect(requests(schedule.handle(news, 1)).get('a')).toEqual([wants[5]?.digest])
})

test('what the fewest sources have is asked for first', () => {
  const wants = blobs(100)
  const schedule = newSchedule()
  schedule.handle({ type: 'pause' }, 0)
  schedule.handle({ type: 'start', wants }, 0)
  // Three have all but four, which only d has.
  for (const peer of ['a', 'b', 'c']) comes(schedule, peer, wants.slice(4), 0, false)
  comes(schedule, 'd', wants, 0)
  const asked = requests(schedule.handle({ type: 'resume' }, 0))
  expect(new Set(asked.get('d'))).toEqual(new Set(wants.slice(0, 4).map(({ digest }) => digest)))
})

test('nodes that fetch from one seed ask it for different chunks, without a word to each other', () => {
  const wants = blobs(400)
  const names = ['a', 'b', 'c', 'd']
  const asked = names.flatMap((self) => {
    const schedule = newSchedule(undefined, self)
    schedule.handle({ type: 'start', wants }, 0)
    schedule.handle({ type: 'pause' }, 0)
    for (const peer of names) if (peer !== self) comes(schedule, peer, [], 0, false)
    comes(schedule, 'seed', wants, 0)
    const first = [...(requests(schedule.handle({ type: 'resume' }, 0)).get('seed') ?? [])]
    // Its window opens with what comes.
    for (let at = 0; at < first.length && first.length < 60; at++) {
      const actions = schedule.handle(chunk('seed', { digest: first[at] ?? '', sizeBytes: 16_384 }), at)
      first.push(...(requests(actions).get('seed') ?? []))
    }
    return first
  })
  expect(asked.length).toBeGreaterThan(200)
  expect(new Set(asked).size).toBe(asked.length)
})

test('a chunk is stored once, and the fetch is done when the disk has it', () => {
  const { schedule } = scheduleWith([one], 'a')
  expect(schedule.awaits(one.digest)).toBe(true)
  expect(schedule.handle(chunk('a', one), 5)).toEqual([{ type: 'store', digest: one.digest }])
  expect(schedule.awaits(one.digest)).toBe(false)
  expect(schedule.handle(chunk('a', one), 6)).toEqual([])
  expect(schedule.handle({ type: 'stored', digest: one.digest }, 7)).toEqual([{ type: 'done' }])
})

test('what a source lacks is asked of another at once, and of the first again later', () => {
  const { schedule, first } = scheduleWith([one], 'a', 'b')
  expect([...requests(first).keys()]).toEqual(['a'])
  const after = schedule.handle({ type: 'missing', peer: 'a', digests: [one.digest] }, 10)
  expect(after).toEqual([{ type: 'request', peer: 'b', digests: [one.digest] }])
  expect(schedule.handle({ type: 'missing', peer: 'b', digests: [one.digest] }, 20)).toEqual([])
  expect([...requests(schedule.handle({ type: 'tick' }, 300)).keys()]).toEqual(['a'])
})

test('a source that lacks everything is asked ever more rarely', () => {
  const { schedule } = scheduleWith(blobs(50), 'a')
  let asked = 1
  for (let now = 0; now < 60_000; now += 250) {
    for (const digests of requests(schedule.handle({ type: 'tick' }, now)).values()) {
      asked++
      schedule.handle({ type: 'missing', peer: 'a', digests }, now)
    }
  }
  expect(asked).toBeGreaterThan(5)
  expect(asked).toBeLessThan(40)
})

test('a peer that says it lacks what nobody asked it for changes nothing', () => {
  const { schedule } = scheduleWith([one, two], 'a')
  expect(schedule.handle({ type: 'missing', peer: 'a', digests: [digestOf(new Uint8Array())] }, 5)).toEqual(
    [],
  )
  expect(schedule.handle({ type: 'missing', peer: 'nobody', digests: [one.digest] }, 5)).toEqual([])
})

test('a silent source loses what it was asked for to another, and is left alone for a while', () => {
  const { schedule } = scheduleWith([one], 'a')
  // One blob of 16 KiB may take a second on the slowest line, on top of the time to answer.
  expect(schedule.handle({ type: 'tick' }, 5_900)).toEqual([])
  const actions = schedule.handle({ type: 'tick' }, 6_100)
  expect(actions).toContainEqual(expect.objectContaining({ type: 'stalled', peer: 'a' }))
  expect(requests(actions, 'cancel').get('a')).toEqual([one.digest])
  expect([...requests(comes(schedule, 'b', [one], 6_150)).keys()]).toEqual(['b'])
})

test('a large blob has the time that a slow line needs for it', () => {
  const large = { digest: one.digest, sizeBytes: 2 * 1024 * 1024 }
  const { schedule } = scheduleWith([large], 'a')
  for (let now = 0; now < 130_000; now += 250) schedule.handle({ type: 'tick' }, now)
  // Still the first request: asked again only after it was given up.
  expect(schedule.handle({ type: 'tick' }, 130_001)).toEqual([])
  schedule.handle({ type: 'tick' }, 134_000)
  expect([...requests(schedule.handle({ type: 'tick' }, 140_000)).keys()]).toEqual(['a'])
})

test('a chunk that comes after its source was given up still counts', () => {
  const { schedule } = scheduleWith([one], 'a')
  schedule.handle({ type: 'tick' }, 60_000)
  expect(schedule.handle(chunk('a', one), 60_001)).toEqual([{ type: 'store', digest: one.digest }])
})

test('what waits at a slow source is taken over by one that has nothing to do, and cancelled there', () => {
  const { schedule } = scheduleWith([one], 'a')
  expect(comes(schedule, 'b', [one], 0)).toEqual([])
  expect(schedule.handle({ type: 'tick' }, 150)).toEqual([])
  const actions = schedule.handle({ type: 'tick' }, 250)
  expect(requests(actions).get('b')).toEqual([one.digest])
  expect(requests(actions, 'cancel').get('a')).toEqual([one.digest])
})

test('what was moved twice is asked for here as well as there, of three at most', () => {
  const { schedule } = scheduleWith([one], 'a')
  for (const peer of ['b', 'c', 'd', 'e', 'f']) comes(schedule, peer, [one], 0)
  let [asked, cancelled] = [1, 0]
  for (let now = 250; now < 1_900; now += 250) {
    const actions = schedule.handle({ type: 'tick' }, now)
    asked += requests(actions).size
    cancelled += requests(actions, 'cancel').size
    expect(asked - cancelled).toBeLessThanOrEqual(fetchDefaults.copies)
  }
  expect(cancelled).toBe(fetchDefaults.moves)
  expect(asked - cancelled).toBe(fetchDefaults.copies)
  // All three have been silent for long: others are asked.
  expect(requests(schedule.handle({ type: 'tick' }, 4_000)).size).toBeGreaterThan(0)
})

test('a copy that comes first calls the others off', () => {
  const { schedule } = scheduleWith([one], 'a')
  for (const peer of ['b', 'c', 'd', 'e', 'f']) comes(schedule, peer, [one], 0)
  const open = new Set(['a'])
  for (let now = 250; now < 4_000; now += 250) {
    const actions = schedule.handle({ type: 'tick' }, now)
    for (const peer of requests(actions, 'cancel').keys()) open.delete(peer)
    for (const peer of requests(actions).keys()) open.add(peer)
  }
  const [first, ...others] = open
  const actions = schedule.handle(chunk(first ?? '', one), 4_001)
  expect([...requests(actions, 'cancel').keys()].sort()).toEqual(others.sort())
})

test('a source that was overtaken is free again, and not blamed for silence', () => {
  const { schedule } = scheduleWith([one], 'a')
  comes(schedule, 'b', [one], 0)
  schedule.handle({ type: 'tick' }, 2_000)
  schedule.handle(chunk('b', one), 2_010)
  schedule.handle({ type: 'peer-down', peer: 'b' }, 2_020)
  schedule.handle({ type: 'tick' }, 60_000)
  // Four at once again: a source that fell silent would get one.
  const wants = blobs(10).slice(1)
  schedule.handle({ type: 'start', wants }, 60_001)
  expect(requests(comes(schedule, 'a', wants, 60_002)).get('a')).toHaveLength(4)
})

test('a peer that goes takes its requests with it, and they go to who is left', () => {
  const { schedule } = scheduleWith(blobs(8), 'a', 'b')
  const left = requests(schedule.handle({ type: 'peer-down', peer: 'a' }, 10))
  expect(left.size).toBe(0)
  for (const { digest, sizeBytes } of blobs(8))
    schedule.handle({ type: 'chunk', peer: 'b', digest, sizeBytes }, 20)
  const done = blobs(8).flatMap(({ digest }) => schedule.handle({ type: 'stored', digest }, 30))
  expect(done).toEqual([{ type: 'done' }])
})

test('a lost link is tried again after a pause', () => {
  const { schedule } = scheduleWith([one], 'a')
  expect(schedule.handle({ type: 'link-lost', peer: 'a' }, 10)).toEqual([])
  expect(schedule.handle({ type: 'tick' }, 200)).toEqual([])
  expect(requests(schedule.handle({ type: 'tick' }, 260)).size).toBe(1)
})

test('who sent wrong bytes is reported once and never asked again, also when it comes back', () => {
  const { schedule } = scheduleWith([one], 'a')
  const wrong: FetchEvent = { type: 'wrong', peer: 'a', reason: 'other bytes' }
  expect(schedule.handle(wrong, 10)).toEqual([{ type: 'misbehaved', peer: 'a', reason: 'other bytes' }])
  expect(schedule.handle(wrong, 11)).toEqual([])
  schedule.handle({ type: 'peer-down', peer: 'a' }, 12)
  schedule.handle({ type: 'peer-up', peer: 'a' }, 13)
  expect(schedule.handle({ type: 'tick' }, 100_000)).toEqual([])
  expect([...requests(comes(schedule, 'b', [one], 100_001)).keys()]).toEqual(['b'])
})

test('right bytes of another size than the list says end the fetch: the list is wrong, not the peer', () => {
  const { schedule } = scheduleWith([one], 'a')
  const [action, ...rest] = schedule.handle({ type: 'chunk', peer: 'a', digest: one.digest, sizeBytes: 3 }, 5)
  expect(action?.type).toBe('failed')
  expect(rest).toEqual([])
  expect(comes(schedule, 'b', [one], 6)).toEqual([])
})

test('while the disk is behind, nothing more is asked for', () => {
  const wants = blobs(2_000, 65_536)
  const { schedule, first } = scheduleWith(wants, 'a')
  let pending = [...requests(first).values()].flat()
  let arrived = 0
  while (pending.length > 0) {
    const digest = pending.shift() ?? ''
    const actions = schedule.handle({ type: 'chunk', peer: 'a', digest, sizeBytes: 65_536 }, 1)
    arrived += 65_536
    pending = pending.concat([...requests(actions).values()].flat())
  }
  expect(arrived).toBeGreaterThan(fetchDefaults.storingBytes)
  expect(arrived).toBeLessThanOrEqual(fetchDefaults.storingBytes + fetchDefaults.maxWindowBytes + 2 * 65_536)
  const next = wants.flatMap(({ digest }) => schedule.handle({ type: 'stored', digest }, 2))
  expect(requests(next).size).toBe(1)
})

test('what could not be stored is wanted again, once the fetch goes on', () => {
  const { schedule } = scheduleWith([one], 'a')
  schedule.handle(chunk('a', one), 5)
  schedule.handle({ type: 'pause' }, 6)
  expect(schedule.handle({ type: 'unstored', digest: one.digest }, 6)).toEqual([])
  expect(schedule.handle({ type: 'tick' }, 1_000)).toEqual([])
  expect(requests(schedule.handle({ type: 'resume' }, 2_000)).get('a')).toEqual([one.digest])
})

test('no more is asked for than the cap on downloads allows', () => {
  const wants = blobs(2_000)
  const schedule = newSchedule(new TokenBucket(100_000))
  schedule.handle({ type: 'start', wants }, 0)
  let asked = 0
  const waiting: BlobRef[] = []
  for (const digest of requests(comes(schedule, 'a', wants, 0)).get('a') ?? [])
    waiting.push({ digest, sizeBytes: 16_384 })
  for (let now = 0; now <= 20_000; now += 250) {
    const actions = schedule.handle({ type: 'tick' }, now)
    for (const digest of requests(actions).get('a') ?? []) waiting.push({ digest, sizeBytes: 16_384 })
    for (let want = waiting.shift(); want !== undefined; want = waiting.shift()) {
      asked++
      for (const digest of requests(schedule.handle(chunk('a', want), now)).get('a') ?? [])
        waiting.push({ digest, sizeBytes: 16_384 })
      schedule.handle({ type: 'stored', digest: want.digest }, now)
    }
  }
  expect((asked * 16_384) / 20).toBeGreaterThan(80_000)
  expect((asked * 16_384) / 20).toBeLessThan(110_000)
})

type Manner = 'honest' | 'slow' | 'silent' | 'lying' | 'lacking' | 'partial' | 'flapping' | 'fading'

interface Delivery {
  readonly at: number
  readonly event: FetchEvent
}

/** Peers of all manners in virtual time. @returns when it was done, in virtual ms, and who was reported */
function play(seed: number, count: number, others: readonly Manner[]) {
  const chance = generator(seed)
  const manners = new Map<string, Manner>(others.map((manner, index) => [`${manner}-${index}`, manner]))
  manners.set('honest', 'honest')
  const wants = blobs(count)
  const sizes = new Map(wants.map(({ digest, sizeBytes }) => [digest, sizeBytes]))
  const schedule = newSchedule()
  const pending: Delivery[] = []
  const reported: string[] = []
  const storedOnce = new Set<string>()
  let isDone = false
  let now = 0

  const answer = (peer: string, digest: string): void => {
    const manner = manners.get(peer)
    const sizeBytes = sizes.get(digest) ?? 0
    const soon = now + 1 + chance() * 40
    const chunk: FetchEvent = { type: 'chunk', peer, digest, sizeBytes }
    const missing: FetchEvent = { type: 'missing', peer, digests: [digest] }
    if (manner === 'honest') pending.push({ at: soon, event: chunk })
    if (manner === 'slow') pending.push({ at: now + 1_000 + chance() * 9_000, event: chunk })
    if (manner === 'lacking') pending.push({ at: soon, event: missing })
    if (manner === 'partial') pending.push({ at: soon, event: digest < '8' ? chunk : missing })
    if (manner === 'flapping')
      pending.push({ at: soon, event: chance() < 0.5 ? chunk : { type: 'link-lost', peer } })
    if (manner === 'lying') {
      const lie: FetchEvent = { type: 'wrong', peer, reason: 'other bytes' }
      pending.push({ at: soon, event: chance() < 0.3 ? lie : chunk })
    }
    if (manner === 'fading') {
      if (chance() < 0.7) pending.push({ at: soon, event: chunk })
      else {
        pending.push({ at: soon, event: { type: 'peer-down', peer } })
        pending.push({ at: soon + chance() * 2_000, event: { type: 'peer-up', peer } })
      }
    }
  }
  const act = (event: FetchEvent): void => {
    const has: FetchEvent[] =
      event.type === 'peer-up'
        ? [{ type: 'has', peer: event.peer, digests: wants.map(({ digest }) => digest), isWhole: true }]
        : []
    for (const action of [event, ...has].flatMap((each) => schedule.handle(each, now))) {
      expect(isDone).toBe(false)
      if (action.type === 'request') {
        expect(reported).not.toContain(action.peer)
        expect(action.digests.length).toBeLessThanOrEqual(fetchDefaults.maxWindow)
        for (const digest of action.digests) answer(action.peer, digest)
      }
      if (action.type === 'store') {
        expect(storedOnce.has(action.digest)).toBe(false)
        storedOnce.add(action.digest)
        pending.push({ at: now + chance() * 20, event: { type: 'stored', digest: action.digest } })
      }
      if (action.type === 'misbehaved') reported.push(action.peer)
      if (action.type === 'done') isDone = true
      expect(action.type).not.toBe('failed')
    }
  }
  // The honest one comes late, so that the others get their chance.
  for (const peer of manners.keys())
    pending.push({ at: chance() * 500 + (peer === 'honest' ? 500 : 0), event: { type: 'peer-up', peer } })
  act({ type: 'start', wants })
  for (let tick = 250; now < 600_000; tick += 250) {
    for (;;) {
      let next = -1
      for (const [index, { at }] of pending.entries()) {
        if (at <= tick && (next < 0 || at < (pending[next]?.at ?? 0))) next = index
      }
      const [delivery] = next < 0 ? [] : pending.splice(next, 1)
      if (delivery === undefined || isDone) break
      now = Math.max(now, delivery.at)
      act(delivery.event)
    }
    if (isDone) break
    now = tick
    act({ type: 'tick' })
  }
  return { isDone, doneAfterMs: now, reported, stored: storedOnce.size }
}

const manners = fc.array(
  fc.constantFrom<Manner>('slow', 'silent', 'lying', 'lacking', 'partial', 'flapping', 'fading'),
  { maxLength: 8 },
)

test('whatever the others do, the fetch is done when one honest peer has everything', () => {
  fc.assert(
    fc.property(fc.integer(), fc.integer({ min: 1, max: 120 }), manners, (seed, count, others) => {
      const { isDone, stored, reported } = play(seed, count, others)
      expect(isDone).toBe(true)
      expect(stored).toBe(count)
      expect(reported.every((peer) => peer.startsWith('lying'))).toBe(true)
      expect(new Set(reported).size).toBe(reported.length)
    }),
    { numRuns: 300 },
  )
})

test('silent, slow and lacking peers cost seconds, not minutes', () => {
  for (let seed = 0; seed < 20; seed++) {
    const { doneAfterMs } = play(seed, 200, ['silent', 'silent', 'slow', 'lacking', 'silent'])
    expect(doneAfterMs).toBeLessThan(20_000)
  }
})

test('what a direct source has is asked of it alone, and through a gateway once that falls silent or goes', () => {
  const wants = blobs(4)
  const { schedule } = scheduleWith([])
  const digests = wants.map(({ digest }) => digest)
  schedule.handle({ type: 'peer-up', peer: 'far', isRelayed: true }, 0)
  schedule.handle({ type: 'peer-up', peer: 'near' }, 0)
  schedule.handle({ type: 'start', wants }, 0)
  const [first = ''] = digests
  const has = (peer: string, list: readonly string[]) =>
    requests(schedule.handle({ type: 'has', peer, digests: list, isWhole: false }, 0))
  expect([...has('near', digests.slice(1))].flatMap(([peer]) => peer)).toEqual(['near'])
  // Only the far one has the first.
  expect(has('far', digests)).toEqual(new Map([['far', [first]]]))
  const after = requests(schedule.handle({ type: 'peer-down', peer: 'near' }, 10))
  expect([...(after.get('far') ?? [])].sort()).toEqual(digests.slice(1).sort())
})

test('a source that is found directly is asked like any other from then on', () => {
  // Each as much as a source is asked for at first.
  const wants = blobs(2, fetchDefaults.firstWindowBytes)
  const digests = wants.map(({ digest }) => digest)
  const schedule = newSchedule()
  schedule.handle({ type: 'peer-up', peer: 'far', isRelayed: true }, 0)
  schedule.handle({ type: 'peer-up', peer: 'near' }, 0)
  schedule.handle({ type: 'start', wants }, 0)
  const has = (peer: string) => requests(schedule.handle({ type: 'has', peer, digests, isWhole: false }, 0))
  expect(has('near').get('near')).toHaveLength(1)
  expect(has('far').size).toBe(0)
  expect(requests(schedule.handle({ type: 'tick', relayed: ['far'] }, 100)).size).toBe(0)
  expect(requests(schedule.handle({ type: 'tick', relayed: [] }, 200)).get('far')).toHaveLength(1)
})
