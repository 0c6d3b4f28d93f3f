import { expect, test } from 'vitest'
import { Redial, type RedialEvent } from '../../../mesh/transport/redial.ts'
import { SeededRandom } from '../../sim/index.ts'

const options = { baseMs: 100, capMs: 1_000, maxMembers: 10, maxDials: 2 }

function redial(): { feed(event: RedialEvent, nowMs: number): void; dials(nowMs: number): string[] } {
  const machine = new Redial(new SeededRandom(1), options)
  return {
    feed: (event, nowMs) => expect(machine.on(event, nowMs)).toEqual([]),
    dials: (nowMs) => machine.on({ type: 'tick' }, nowMs).map(({ peer }) => peer),
  }
}
const known = (peer: string, ...addresses: string[]): RedialEvent => ({ type: 'known', peer, addresses })

test('a member is dialled as soon as it is known, and only once at a time', () => {
  const { feed, dials } = redial()
  feed(known('a', '/x'), 0)
  expect(dials(0)).toEqual(['a'])
  expect(dials(60_000)).toEqual([])
})

test('a member without an address is not dialled', () => {
  const { feed, dials } = redial()
  feed(known('a'), 0)
  expect(dials(0)).toEqual([])
})

test('waits grow after each failure, stay under the cap, and start over after a success', () => {
  const { feed, dials } = redial()
  feed(known('a', '/x'), 0)
  let now = 0
  const waits: number[] = []
  for (let round = 0; round < 30; round++) {
    let waited = 0
    while (dials(now).length === 0) {
      now += 10
      waited += 10
    }
    waits.push(waited)
    feed({ type: 'failed', peer: 'a' }, now)
  }
  expect(Math.max(...waits)).toBeLessThanOrEqual(options.capMs)
  expect(Math.max(...waits.slice(10))).toBeGreaterThan(options.baseMs)
  expect(Math.min(...waits.slice(1))).toBeGreaterThanOrEqual(options.baseMs / 2)
  while (dials(now).length === 0) now += 10
  feed({ type: 'admitted', peer: 'a' }, now)
  expect(dials(now + 100_000)).toEqual([])
  feed({ type: 'lost', peer: 'a' }, now)
  expect(dials(now)).toEqual(['a'])
  feed({ type: 'failed', peer: 'a' }, now)
  expect(dials(now + options.baseMs)).toEqual(['a'])
})

test('a lost member is dialled at once', () => {
  const { feed, dials } = redial()
  feed(known('a', '/x'), 0)
  feed({ type: 'admitted', peer: 'a' }, 0)
  feed({ type: 'lost', peer: 'a' }, 5_000)
  expect(dials(5_000)).toEqual(['a'])
})

test('a new address, a sign of life and a restarted network cut the wait short', () => {
  const { feed, dials } = redial()
  const events: RedialEvent[] = [known('a', '/y'), { type: 'hurry', peer: 'a' }, { type: 'restarted' }]
  feed(known('a', '/x'), 0)
  expect(dials(0)).toEqual(['a'])
  for (const event of events) {
    feed({ type: 'failed', peer: 'a' }, 0)
    expect(dials(0)).toEqual([])
    feed(event, 0)
    expect(dials(0)).toEqual(['a'])
  }
})

test('no more dials run at once than allowed, and the longest waiting goes first', () => {
  const { feed, dials } = redial()
  for (const [index, peer] of ['a', 'b', 'c'].entries()) feed(known(peer, '/x'), index)
  expect(dials(10)).toEqual(['a', 'b'])
  expect(dials(11)).toEqual([])
  feed({ type: 'failed', peer: 'b' }, 12)
  expect(dials(12)).toEqual(['c'])
})

test('a forgotten member is not dialled, and memory is bounded', () => {
  const { feed, dials } = redial()
  feed(known('a', '/x'), 0)
  feed({ type: 'forgotten', peer: 'a' }, 0)
  expect(dials(0)).toEqual([])
  for (let index = 0; index < 50; index++) feed(known(`p${index}`, '/x'), 0)
  let seen = 0
  for (let round = 0; round < 50; round++) {
    for (const peer of dials(round)) {
      seen++
      feed({ type: 'admitted', peer }, round)
    }
  }
  expect(seen).toBe(options.maxMembers)
})

test('what a stranger says of a member is tried after the addresses of its own, and never in their place', () => {
  const machine = new Redial(new SeededRandom(1), options)
  const own = Array.from({ length: 16 }, (_, index) => `/own${index}`)
  machine.on({ type: 'hinted', peer: 'a', addresses: ['/hint'] }, 0)
  expect(machine.on({ type: 'tick' }, 0)).toEqual([{ type: 'dial', peer: 'a', addresses: ['/hint'] }])
  machine.on({ type: 'failed', peer: 'a' }, 0)
  machine.on(known('a', ...own), 1)
  const spoofed = Array.from({ length: 50 }, (_, index) => `/spoofed${index}`)
  machine.on({ type: 'hinted', peer: 'a', addresses: spoofed }, 1)
  const [dial] = machine.on({ type: 'tick' }, 1)
  expect(dial?.addresses).toEqual([...own.slice(0, 12), ...spoofed.slice(0, 4)])
})

test('hints do not shorten the wait of a member that could not be reached', () => {
  const { feed, dials } = redial()
  feed(known('a', '/x'), 0)
  dials(0)
  feed({ type: 'failed', peer: 'a' }, 0)
  feed({ type: 'hinted', peer: 'a', addresses: ['/made-up'] }, 1)
  expect(dials(1)).toEqual([])
})

test('in a large mesh only those that are wanted are dialled until they answer, any other once when it is asked for', () => {
  const { feed, dials } = redial()
  for (const peer of ['a', 'b', 'c']) feed(known(peer, '/x'), 0)
  feed({ type: 'wanted', peers: ['a', 'b'] }, 0)
  feed({ type: 'admitted', peer: 'a' }, 0)
  expect(dials(0)).toEqual(['b'])
  feed({ type: 'hurry', peer: 'c' }, 0)
  expect(dials(0)).toEqual(['c'])
  feed({ type: 'failed', peer: 'c' }, 0)
  feed({ type: 'failed', peer: 'b' }, 0)
  expect(dials(60_000)).toEqual(['b'])
  feed({ type: 'failed', peer: 'b' }, 60_000)
  feed({ type: 'wanted', peers: ['c'] }, 60_000)
  expect(dials(60_000)).toEqual(['c'])
})

test('a node that reaches nobody tries everybody it knows', () => {
  const { feed, dials } = redial()
  for (const peer of ['a', 'b']) feed(known(peer, '/x'), 0)
  feed({ type: 'wanted', peers: ['a'] }, 0)
  expect(dials(0)).toEqual(['a', 'b'])
})

test('whoever was connected when the network went is dialled when it is back', () => {
  const { feed, dials } = redial()
  feed(known('a', '/x'), 0)
  feed({ type: 'admitted', peer: 'a' }, 0)
  feed({ type: 'restarted' }, 5_000)
  expect(dials(5_000)).toEqual(['a'])
})

test('a member with many addresses is tried at each of them first in the end', () => {
  const addresses = Array.from({ length: 8 }, (_, n) => `/a${n}`)
  const machine = new Redial(new SeededRandom(3), options)
  machine.on(known('a', ...addresses), 0)
  machine.on({ type: 'hinted', peer: 'a', addresses: ['/hint'] }, 0)
  const begun = new Set<string>()
  for (let now = 0, dials = 0; dials < 9; now += 1_000) {
    const [dial] = machine.on({ type: 'tick' }, now)
    if (dial === undefined) continue
    dials++
    expect([...dial.addresses].sort()).toEqual([...addresses, '/hint'].sort())
    for (const address of dial.addresses.slice(0, 3)) begun.add(address)
    machine.on({ type: 'failed', peer: 'a' }, now)
  }
  expect(begun.size).toBe(9)
})

test('one with few addresses is tried in the order that it gave', () => {
  const machine = new Redial(new SeededRandom(3), options)
  machine.on(known('a', '/x', '/y'), 0)
  for (let now = 0, dials = 0; dials < 4; now += 1_000) {
    const [dial] = machine.on({ type: 'tick' }, now)
    if (dial === undefined) continue
    dials++
    expect(dial.addresses).toEqual(['/x', '/y'])
    machine.on({ type: 'failed', peer: 'a' }, now)
  }
})
