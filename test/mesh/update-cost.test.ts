/**
 * What a small change costs each node of a mesh that has the release before it, in virtual time: of one seed it is the
 * same on every machine. What carries the messages is added at its most, as nothing here cuts packets.
 */
import { afterEach, expect, test } from 'vitest'
import { componentRef } from '../../mesh/blobs/index.ts'
import { readRelease } from '../../mesh/releases/index.ts'
import { joined, sample } from './blobs/samples.ts'
import { VirtualHarbor, type Ship } from './virtual-harbor.ts'

const receivers = 8
const before = sample(51, 1_000_000)
/** So much is new that a patch takes what one of a changed line in a TypeScript component does. */
const after = joined([before.subarray(0, 400_000), sample(52, 4_100), before.subarray(400_040)])
/** Ethernet 14, IP 20, TCP 32, yamux 12, noise 18. */
const packetBytes = 96
/** Without anything to carry; one comes back for each message that is sent, where none goes that way anyway. */
const acknowledgementBytes = 66
/** Of TCP, for a message that takes several. */
const segmentBytes = 1_448

let harbor: VirtualHarbor | null = null
afterEach(async () => {
  await harbor?.close()
  harbor = null
})

interface Cost {
  readonly bytes: number
  readonly received: number
  readonly sent: number
  /** Of the exchange of heads, by kind. */
  readonly heads: ReadonlyMap<string, number>
}

function costOf({ mesh: { traffic } }: Ship): Cost {
  const told = traffic.protocols.filter(({ protocol }) => !protocol.includes('probe'))
  const sum = (of: (tally: (typeof told)[number]) => number): number =>
    told.reduce((total, tally) => total + of(tally), 0)
  return {
    bytes: sum(({ received }) => received.bytes),
    received: sum(({ received }) => received.messages),
    sent: sum(({ sent }) => sent.messages),
    heads: new Map(traffic.heads.map(({ kind, receivedBytes }) => [kind, receivedBytes])),
  }
}

function since(then: Cost, now: Cost): Cost {
  return {
    bytes: now.bytes - then.bytes,
    received: now.received - then.received,
    sent: now.sent - then.sent,
    heads: new Map([...now.heads].map(([kind, bytes]) => [kind, bytes - (then.heads.get(kind) ?? 0)])),
  }
}

function framesOf({ bytes, received, sent }: Cost): number {
  const packets = received + Math.ceil(bytes / segmentBytes)
  return bytes + packets * packetBytes + sent * acknowledgementBytes
}

function middle(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN
}

/** A mesh in which all are connected to all, as small ones are. */
async function formMesh(seed: number): Promise<{ harbor: VirtualHarbor; ships: Ship[] }> {
  const made = new VirtualHarbor(seed, { wire: { minLatencyMs: 1, maxLatencyMs: 5 } })
  harbor = made
  const ships = [await made.found('seed')]
  for (let index = 1; index <= receivers; index += 1) {
    ships.push(await made.join(`node-${index}`, ships[0] as Ship))
  }
  await made.until(() => ships.every(({ mesh }) => mesh.connectedPeers === receivers))
  return { harbor: made, ships }
}

/** Publishes on the first, and has every node take it as an app does: fetched, prepared a second later, and run. */
async function roll(bytes: Uint8Array, seq: number, previous: string | null, ships: Ship[]): Promise<string> {
  const made = harbor as VirtualHarbor
  const [seed] = ships as [Ship]
  await seed.mesh.blobs.putComponent(bytes)
  const version = `${seq}.0.0`
  const record = made.release({ seq, version, previous, component: componentRef(bytes).ref })
  let held = 0
  const cancels = ships.map(({ mesh }) => {
    let isBegun = false
    return mesh.onChange(() => {
      const head = mesh.releases.get(readRelease(record).digest)
      if (head === null || isBegun) return
      isBegun = true
      mesh.descriptionPasses()
      const { signal } = new AbortController()
      mesh.source.obtain(head.record, { signal, onProgress: () => mesh.descriptionMoved() }).then(
        () => {
          held += 1
          made.clock.after(1_000, () => mesh.descriptionChanged())
        },
        () => {},
      )
    })
  })
  await made.clock.finish(seed.mesh.publish(record), 10_000)
  await made.until(() => held === ships.length, 120_000)
  for (const cancel of cancels) cancel()
  return readRelease(record).digest
}

test('a changed line costs each of eight nodes at most ten kilobytes, all that carries it included', async () => {
  const { harbor: made, ships } = await formMesh(1)
  const first = await roll(before, 1, null, ships)
  await made.clock.run(20_000)
  const others = ships.slice(1)
  const then = others.map(costOf)
  await roll(after, 2, first, ships)
  const costs = others.map((ship, index) => since(then[index] as Cost, costOf(ship)))
  expect(others.map(({ mesh }) => mesh.source.patchTraffic.applied)).toEqual(others.map(() => 1))
  expect(middle(costs.map(framesOf))).toBeLessThanOrEqual(10_000)
  await made.clock.run(10_000)
  // That every one of the nine runs it now: one record each, whose bytes come once.
  const news = others.map((ship, index) => since(then[index] as Cost, costOf(ship)).heads.get('node') ?? 0)
  expect(Math.min(...news)).toBeGreaterThan(0)
  expect(middle(news)).toBeLessThanOrEqual(8_000)
})
