/** Members that joined properly and then do what they like, against a real node and an honest member. */
import { afterEach, beforeEach, expect, test } from 'vitest'
import { encodeCbor, systemRandom } from '../../../core/index.ts'
import type { Mesh } from '../../../mesh/index.ts'
import { keyPairFromSeed } from '../../../core/index.ts'
import { signNodeRecord, verifyNodeRecord, type NodeReport } from '../../../mesh/identity/index.ts'
import { readRelease, signRelease } from '../../../mesh/releases/index.ts'
import type { Channel, Transport } from '../../../mesh/transport/index.ts'
import { Harbor, type Berth } from '../harbor.ts'
import { releaseRecord } from '../releases/harness.ts'
import { soon, until } from '../transport/nodes.ts'

let harbor: Harbor
let mesh: Mesh
let honest: Mesh
let transport: Transport
let berth: Berth
const unhandled: unknown[] = []
const note = (reason: unknown): unknown => unhandled.push(reason)

beforeEach(async () => {
  unhandled.length = 0
  process.on('unhandledRejection', note)
  harbor = await Harbor.open()
  mesh = await harbor.found('a')
  honest = await harbor.join('b', mesh)
  ;({ transport, berth } = await harbor.turncoat('evil', mesh))
  await until(() => mesh.members().length === 3 && honest.members().length === 3)
})

afterEach(async () => {
  await harbor.close()
  process.off('unhandledRejection', note)
  expect(unhandled).toEqual([])
})

/** As it goes over the wire. */
const anyDigest = new Uint8Array(32).fill(0xab)

const open = (protocol: string): Promise<Channel> => transport.open(mesh.self, protocol, soon())

/** Sends as much as the other side takes. */
async function pour(channel: Channel, frames: Iterable<Uint8Array>): Promise<void> {
  try {
    for (const frame of frames) await channel.send(frame)
  } catch {
    // It hung up, as it should.
  }
}

/** Offers these heads and serves them when asked. */
async function serve(heads: Map<string, { order: [number, number]; bytes: Uint8Array }>): Promise<void> {
  const channel = await open('/selvedge/heads/2')
  const ids = [...heads].map(([key, { order }]) => [key, ...order, anyDigest])
  await channel.send(encodeCbor({ t: 'have', ids }))
  const answer = [...heads].map(([key, { bytes }]) => [key, bytes])
  await new Promise((resolve) => setTimeout(resolve, 100))
  for (const head of answer) await pour(channel, [encodeCbor({ t: 'heads', heads: [head] })])
}

/** The mesh still does its work: a release of the operator reaches everybody, and both see each other. */
async function expectWorking(seq = 1): Promise<void> {
  await mesh.publish(await harbor.release({ app: 'uplink', seq }))
  await until(() => honest.releases.head('uplink')?.record.seq === seq, 'the release at the honest member')
  const verdict = () => honest.members().find(({ id }) => id === mesh.self)?.opinion.verdict
  await until(() => verdict() === 'alive', 'its place among the living')
}

function reportOf(changes: Partial<NodeReport>): NodeReport {
  const held = verifyNodeRecord(
    mesh.members().find(({ id }) => id === mesh.self)?.held?.record.bytes as Uint8Array,
  )
  return { ...held.report, node: berth.identity.key.publicKey, name: 'evil', ...changes }
}

test('rubbish of every kind on every protocol ends the channel or is ignored', async () => {
  const nested = new Uint8Array(5_000).fill(0x81)
  const rubbish = [
    new Uint8Array(0),
    Uint8Array.of(0xff),
    nested,
    Uint8Array.of(0x9b, 0, 0, 0, 1, 0, 0, 0, 0),
    Uint8Array.of(...encodeCbor({ t: 'summary' }), 0),
    encodeCbor({ t: 'want', keys: ['__proto__', '../../etc'] }),
    encodeCbor({ kind: 'want', digests: ['..'] }),
    encodeCbor([1, [2, [3]]]),
  ]
  for (const protocol of ['/selvedge/membership/1', '/selvedge/blobs/2', '/selvedge/heads/2']) {
    for (const frame of rubbish) {
      const channel = await open(protocol).catch(() => null)
      if (channel !== null) await pour(channel, [frame, frame])
      channel?.close()
    }
  }
  await expectWorking()
})

test('releases without the right to publish, altered, or of another mesh are refused everywhere', async () => {
  const good = await harbor.release()
  const altered = good.slice()
  altered[altered.length - 5]! ^= 1
  const stranger = keyPairFromSeed(systemRandom.bytes(32))
  const key = await harbor.keyRing.get(harbor.meshId, 'publisher')
  const bad = [
    signRelease(stranger, releaseRecord(harbor.meshId)),
    signRelease(berth.identity.key, releaseRecord(harbor.meshId)),
    signRelease(key, releaseRecord('cd'.repeat(32))),
    altered,
    good.subarray(0, good.length - 1),
  ]
  for (const [index, bytes] of bad.entries()) {
    await serve(new Map([['release/light-alarm', { order: [index + 1, 0], bytes }]]))
  }
  await expectWorking()
  for (const node of [mesh, honest]) {
    expect(node.releases.head('light-alarm')).toBeNull()
    expect(node.releases.heads()).toHaveLength(1)
  }
  await until(() => (mesh.counters.counts.headsRefused['release'] ?? 0) > 0, 'the count of what was refused')
})

test('a member that claims a newer release and never sends it holds up nobody', async () => {
  const channel = await open('/selvedge/heads/2')
  let round = 0
  const timer = setInterval(() => {
    const ids = [['release/light-alarm', Number.MAX_SAFE_INTEGER - round++, 0, anyDigest]]
    channel.send(encodeCbor({ t: 'have', ids })).catch(() => {})
  }, 20)
  try {
    await new Promise((resolve) => setTimeout(resolve, 100))
    const bytes = await harbor.release()
    await honest.publish(bytes)
    await until(() => mesh.releases.head('light-alarm')?.digest === readRelease(bytes).digest)
  } finally {
    clearInterval(timer)
  }
})

test('records of others cannot be forged, and the greatest numbers only hold up their own node', async () => {
  const forged = signNodeRecord(
    berth.identity.key,
    reportOf({
      boot: Number.MAX_SAFE_INTEGER,
      number: Number.MAX_SAFE_INTEGER,
      addresses: ['/ip4/127.0.0.1/tcp/1'],
    }),
  )
  const before = mesh.members().find(({ id }) => id === mesh.self)?.held?.record.report.boot
  await serve(
    new Map([
      [`node/${mesh.self}`, { order: [Number.MAX_SAFE_INTEGER, 0], bytes: forged }],
      [`node/${berth.identity.nodeId}`, { order: [Number.MAX_SAFE_INTEGER, 1], bytes: forged }],
    ]),
  )
  const evil = (): number | undefined =>
    mesh.members().find(({ id }) => id === berth.identity.nodeId)?.held?.record.report.boot
  await until(() => evil() === Number.MAX_SAFE_INTEGER)
  expect(mesh.members().find(({ id }) => id === mesh.self)?.held?.record.report.boot).toBe(before)
  await expectWorking()
})

test('two records in one place raise one alarm, however often that is repeated', async () => {
  for (let round = 0; round < 8; round++) {
    const bytes = signNodeRecord(
      berth.identity.key,
      reportOf({ boot: 5, number: 5, runtime: `r${round}`, bootNonce: systemRandom.bytes(16) }),
    )
    await serve(new Map([[`node/${berth.identity.nodeId}`, { order: [5, 100 + round], bytes }]]))
  }
  await until(() => mesh.alarms.length > 0, 'the alarm')
  await expectWorking()
  expect(mesh.alarms.map(({ code }) => code)).toEqual(['ERR_DUPLICATE_IDENTITY'])
})

test('a member that changes its record without end leaves the others what they have', async () => {
  const channel = await open('/selvedge/heads/2')
  const key = `node/${berth.identity.nodeId}`
  const read = async (): Promise<void> => {
    for await (const _ of channel.messages) void _
  }
  void read().catch(() => {})
  for (let number = 1; number <= 450; number++) {
    const bytes = signNodeRecord(berth.identity.key, reportOf({ boot: 1, number }))
    await channel.send(encodeCbor({ t: 'have', ids: [[key, 1, number, anyDigest]] })).catch(() => {})
    await channel.send(encodeCbor({ t: 'heads', heads: [[key, bytes]] })).catch(() => {})
  }
  await expectWorking()
})

test('a member that answers what was never asked gives no answer: it is heard, one way only', async () => {
  const channel = await transport.open(mesh.self, '/selvedge/membership/1', soon())
  const lie = async (): Promise<void> => {
    for await (const _ of channel.messages) await pour(channel, [encodeCbor([1, 4_242, 0]), encodeCbor('x')])
  }
  void lie().catch(() => {})
  await until(() => {
    const opinion = mesh.opinion(berth.identity.nodeId)
    return opinion?.rttMs === null && opinion.why.includes('one way only')
  }, 'the doubt')
  await expectWorking()
})

test('a member that connects again and again has few connections', async () => {
  const chain = mesh.credentials.chainFor(berth.identity.nodeId) ?? []
  const twins = await Promise.all(
    Array.from({ length: 8 }, () => harbor.rogue({ seed: berth.identity.seed, chain })),
  )
  await Promise.allSettled(twins.map((twin) => twin.dial(mesh.addresses(), soon())))
  await until(() => twins.filter((twin) => twin.peers().length > 0).length <= 4, 'few of them connected')
  await expectWorking()
})
