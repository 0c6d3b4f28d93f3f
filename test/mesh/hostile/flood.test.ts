/** Members that send or ask without end: the others go on, and what it costs them has a bound. In virtual time. */
import { afterEach, beforeEach, expect, test } from 'vitest'
import { encodeCbor } from '../../../core/index.ts'
import { signNodeRecord, verifyNodeRecord } from '../../../mesh/identity/index.ts'
import { transportLimits, type Channel } from '../../../mesh/transport/index.ts'
import { heapInUse } from '../../heap.ts'
import { expectSeen, headProtocol, VirtualHarbor, type Rogue, type Ship } from '../virtual-harbor.ts'

/** What a flood may leave in memory, over all of one process with both of its ends. */
const maxGrowthBytes = 24 * 1024 * 1024
const anyDigest = new Uint8Array(32).fill(0xab)

let harbor: VirtualHarbor
let a: Ship
let b: Ship
let evil: Rogue

beforeEach(async () => {
  harbor = new VirtualHarbor(51)
  a = await harbor.found('a')
  b = await harbor.join('b', a)
  evil = await harbor.turncoat('evil', a)
  await harbor.until(() => b.mesh.members().length === 3)
})

afterEach(() => harbor.close())

/** Sends as fast as the other side takes, until it hangs up or the test ends. */
function pour(channel: Channel, frameAt: (round: number) => Uint8Array): { sent: number; stop(): void } {
  const flood = { sent: 0, isOver: false, stop: () => void (flood.isOver = true) }
  const run = async (): Promise<void> => {
    while (!flood.isOver) await channel.send(frameAt(flood.sent++))
  }
  run().catch(() => {})
  return flood
}

/** A release of the operator reaches everybody while it goes on. */
async function expectWorking(): Promise<void> {
  await a.mesh.publish(harbor.release({ app: 'uplink' }))
  expect(await harbor.until(() => b.mesh.releases.head('uplink') !== null)).toBeLessThan(5_000)
}

const isShutOut = (): boolean => a.transport.isBanned(evil.transport.self)

test('announcements without end of what does not exist get their sender banned', async () => {
  const before = heapInUse()
  const channel = await harbor.channel(evil, a, headProtocol)
  const flood = pour(channel, (round) => {
    const ids = Array.from({ length: 1_000 }, (_, at) => [`release/x${round}-${at}`, 2 ** 50, 0, anyDigest])
    return encodeCbor({ t: 'have', ids })
  })
  await harbor.until(isShutOut, 120_000)
  flood.stop()
  expectSeen(a, 'flood', 'some', evil)
  expect(a.mesh.counters.counts.bans).toBeGreaterThan(0)
  expect(heapInUse() - before).toBeLessThan(maxGrowthBytes)
  await expectWorking()
})

test('wants without end are answered up to a rate, and hold up nobody', async () => {
  const before = heapInUse()
  const channel = await harbor.channel(evil, a, headProtocol)
  const keys = [`member/${a.mesh.self}`, `member/${b.mesh.self}`, 'trust', `node/${a.mesh.self}`]
  const want = encodeCbor({ t: 'want', keys })
  const [sentBefore, startMs] = [a.transport.sentBytes(headProtocol), harbor.clock.monotonicMs()]
  const flood = pour(channel, () => want)
  await expectWorking()
  await harbor.clock.run(20_000)
  flood.stop()
  const seconds = (harbor.clock.monotonicMs() - startMs) / 1_000
  const sent = a.transport.sentBytes(headProtocol) - sentBefore
  expect(sent).toBeLessThan((7 + seconds * 1.2) * 1024 * 1024)
  expect(heapInUse() - before).toBeLessThan(maxGrowthBytes)
})

test('comparisons without end, each about everything, are answered up to a rate', async () => {
  const channel = await harbor.channel(evil, a, headProtocol)
  const part = (prefix: string): unknown[] => [prefix, new Uint8Array(128).fill(7)]
  const branches = Array.from({ length: 64 }, (_, at) => part(at.toString(16).padStart(2, '0')))
  const sentBefore = a.transport.sentBytes(headProtocol)
  const flood = pour(channel, (round) => {
    const salt = new Uint8Array(16).fill(round)
    return encodeCbor({ t: 'compare', salt, branches, leaves: [] })
  })
  await expectWorking()
  await harbor.clock.run(10_000)
  flood.stop()
  expect(a.transport.sentBytes(headProtocol) - sentBefore).toBeLessThan(20 * 1024 * 1024)
})

test('node records without end are taken at a rate, and told of', async () => {
  const before = heapInUse()
  const held = a.mesh.members().find(({ id }) => id === a.mesh.self)?.held?.record.bytes as Uint8Array
  const { report } = verifyNodeRecord(held)
  const own = { ...report, node: evil.identity.key.publicKey, name: 'evil', boot: 1 }
  const channel = await harbor.channel(evil, a, headProtocol)
  const key = `node/${evil.transport.self}`
  for (let number = 1; number <= 400; number++) {
    const bytes = signNodeRecord(evil.identity.key, { ...own, number, runtime: `r${number}` })
    await channel.send(encodeCbor({ t: 'have', ids: [[key, 1, number, anyDigest]] }))
    await harbor.clock.run(5)
    await channel.send(encodeCbor({ t: 'heads', heads: [[key, bytes]] }))
    await harbor.clock.run(5)
  }
  expectSeen(a, 'flood', 'some', evil)
  expect(heapInUse() - before).toBeLessThan(maxGrowthBytes)
  await expectWorking()
})

test('heads that nobody asked for get their sender banned before they cost much', async () => {
  const channel = await harbor.channel(evil, a, headProtocol)
  const bytes = harbor.random.bytes(200_000)
  const flood = pour(channel, (round) => encodeCbor({ t: 'heads', heads: [[`release/x${round}`, bytes]] }))
  await harbor.until(isShutOut, 60_000)
  flood.stop()
  expect(flood.sent).toBeLessThan(100)
  expectSeen(a, 'flood', 'some', evil)
  await expectWorking()
})

test('channels without end, opened and left alone, keep nobody from being served', async () => {
  const before = heapInUse()
  for (const protocol of [headProtocol, '/selvedge/blobs/2', '/selvedge/membership/1']) {
    const openings = Array.from({ length: 100 }, () =>
      evil.transport.open(a.mesh.self, protocol, new AbortController().signal),
    )
    await harbor.clock.finish(Promise.allSettled(openings), 60_000)
  }
  const [, theirs] = a.transport.connectionTo(evil.transport.self)?.channels ?? []
  expect(theirs?.size).toBeLessThanOrEqual(3 * transportLimits.streamsPerProtocol)
  expect(heapInUse() - before).toBeLessThan(maxGrowthBytes)
  await expectWorking()
})
