import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { FetchSchedule, fetchDefaults, type FetchAction, type FetchEvent } from '../../../mesh/blobs/fetch.ts'
import { digestOf } from '../../../core/index.ts'
import type { BlobRef } from '../../../mesh/releases/index.ts'
import { generator } from './samples.ts'

function blobs(count: number, sizeBytes = 16_384): BlobRef[] {
  return Array.from({ length: count }, (_, index) => ({
    digest: digestOf(new TextEncoder().encode(`blob ${index}`)),
    sizeBytes,
  }))
}

function requests(actions: readonly FetchAction[]): Map<string, readonly string[]> {
  const entries = actions.flatMap((action) =>
    action.type === 'request' ? [[action.peer, action.digests] as const] : [],
  )
  return new Map(entries)
}

function scheduleWith(wants: readonly BlobRef[], ...peers: string[]) {
  const schedule = new FetchSchedule()
  const actions = peers.flatMap((peer) => schedule.handle({ type: 'peer-up', peer }, 0))
  expect(actions).toEqual([])
  return { schedule, first: schedule.handle({ type: 'start', wants }, 0) }
}

const [one, two] = blobs(2) as [BlobRef, BlobRef]

test('nothing to fetch is done at once', () => {
  expect(new FetchSchedule().handle({ type: 'start', wants: [] }, 0)).toEqual([{ type: 'done' }])
})

test('without a source nothing happens until a peer comes', () => {
  const { schedule, first } = scheduleWith([one])
  expect(first).toEqual([])
  expect(schedule.handle({ type: 'tick' }, 3_600_000)).toEqual([])
  expect(schedule.handle({ type: 'peer-up', peer: 'a' }, 3_600_001)).toEqual([
    { type: 'request', peer: 'a', digests: [one.digest] },
  ])
})

test('wants are spread over the sources, the least loaded first, within the first window', () => {
  const { first } = scheduleWith(blobs(100), 'a', 'b', 'c')
  const asked = requests(first)
  expect([...asked.values()].map((digests) => digests.length)).toEqual([4, 4, 4])
  expect(new Set([...asked.values()].flat()).size).toBe(12)
})

test('a chunk is stored once, and the fetch is done when the disk has it', () => {
  const { schedule } = scheduleWith([one], 'a')
  const chunk: FetchEvent = { type: 'chunk', peer: 'a', digest: one.digest, sizeBytes: one.sizeBytes }
  expect(schedule.awaits(one.digest)).toBe(true)
  expect(schedule.handle(chunk, 5)).toEqual([{ type: 'store', digest: one.digest }])
  expect(schedule.awaits(one.digest)).toBe(false)
  expect(schedule.handle(chunk, 6)).toEqual([])
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
  expect(schedule.handle({ type: 'tick' }, 5_000)).toEqual([])
  schedule.handle({ type: 'peer-up', peer: 'b' }, 5_100)
  // One blob of 16 KiB may take a second on the slowest line, on top of the time to answer.
  expect([...requests(schedule.handle({ type: 'tick' }, 6_100)).keys()]).toEqual(['b'])
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
  const late: FetchEvent = { type: 'chunk', peer: 'a', digest: one.digest, sizeBytes: one.sizeBytes }
  expect(schedule.handle(late, 60_001)).toEqual([{ type: 'store', digest: one.digest }])
})

test('what is out for long at the end is asked of another source too, of three at most', () => {
  const { schedule, first } = scheduleWith([one], 'a')
  expect(requests(first).size).toBe(1)
  schedule.handle({ type: 'peer-up', peer: 'b' }, 0)
  expect(schedule.handle({ type: 'tick' }, 1_999)).toEqual([])
  expect([...requests(schedule.handle({ type: 'tick' }, 2_000)).keys()]).toEqual(['b'])
  for (const peer of ['c', 'd']) schedule.handle({ type: 'peer-up', peer }, 2_000)
  expect(schedule.handle({ type: 'tick' }, 3_999)).toEqual([])
  expect([...requests(schedule.handle({ type: 'tick' }, 4_000)).keys()]).toEqual(['c'])
  expect(schedule.handle({ type: 'tick' }, 5_900)).toEqual([])
})

test('a source that was overtaken is free again, and not blamed for silence', () => {
  const { schedule } = scheduleWith([one], 'a')
  schedule.handle({ type: 'peer-up', peer: 'b' }, 0)
  schedule.handle({ type: 'tick' }, 2_000)
  schedule.handle({ type: 'chunk', peer: 'b', digest: one.digest, sizeBytes: one.sizeBytes }, 2_010)
  schedule.handle({ type: 'peer-down', peer: 'b' }, 2_020)
  schedule.handle({ type: 'tick' }, 60_000)
  // Four at once again: a source that fell silent would get one.
  const wants = blobs(10).slice(1)
  expect(requests(schedule.handle({ type: 'start', wants }, 60_001)).get('a')).toHaveLength(4)
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
  expect([...requests(schedule.handle({ type: 'peer-up', peer: 'b' }, 100_001)).keys()]).toEqual(['b'])
})

test('right bytes of another size than the list says end the fetch: the list is wrong, not the peer', () => {
  const { schedule } = scheduleWith([one], 'a')
  const [action, ...rest] = schedule.handle({ type: 'chunk', peer: 'a', digest: one.digest, sizeBytes: 3 }, 5)
  expect(action?.type).toBe('failed')
  expect(rest).toEqual([])
  expect(schedule.handle({ type: 'peer-up', peer: 'b' }, 6)).toEqual([])
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
  expect(arrived).toBeLessThanOrEqual(fetchDefaults.storingBytes + fetchDefaults.windowBytes + 2 * 65_536)
  const next = wants.flatMap(({ digest }) => schedule.handle({ type: 'stored', digest }, 2))
  expect(requests(next).size).toBe(1)
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
  const schedule = new FetchSchedule()
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
    for (const action of schedule.handle(event, now)) {
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
