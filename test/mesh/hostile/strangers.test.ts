/** Peers without a credential of this mesh, against a real node. */
import { connect as connectTcp } from 'node:net'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { decodeCbor, encodeCbor, keyPairFromSeed, systemRandom } from '../../../core/index.ts'
import type { Mesh } from '../../../mesh/index.ts'
import { nodeIdOf, readInvite } from '../../../mesh/identity/index.ts'
import { applyForAdmission, encodeCredential, readApplication } from '../../../mesh/identity/credential.ts'
import { signReceipt } from '../../../mesh/identity/receipt.ts'
import type * as contract from '../../../mesh/transport/contract.ts'
import type { Transport } from '../../../mesh/transport/index.ts'
import { heapInUse } from '../../heap.ts'
import { Harbor } from '../harbor.ts'
import { soon, until } from '../transport/nodes.ts'

// Who says nothing is given up sooner than in earnest, so that nobody waits for it ten seconds here.
vi.mock('../../../mesh/transport/contract.ts', async (original) => {
  const made = await original<typeof contract>()
  return { ...made, transportLimits: { ...made.transportLimits, upgradeMs: 3_000 } }
})

let harbor: Harbor
let mesh: Mesh
const unhandled: unknown[] = []
const note = (reason: unknown): unknown => unhandled.push(reason)

beforeEach(async () => {
  unhandled.length = 0
  process.on('unhandledRejection', note)
  harbor = await Harbor.open()
  mesh = await harbor.found('a')
})

afterEach(async () => {
  await harbor.close()
  process.off('unhandledRejection', note)
  expect(unhandled).toEqual([])
})

const address = (): string => mesh.addresses()[0] as string
const members = (): string[] => mesh.members().map(({ name }) => name)

/** What comes back on `protocol` when these frames are sent: frames, until the channel ends. */
async function say(transport: Transport, protocol: string, frames: Uint8Array[]): Promise<Uint8Array[]> {
  const answers: Uint8Array[] = []
  try {
    const { channel } = await transport.openBeforeAdmission(address(), protocol, soon())
    for (const frame of frames) await channel.send(frame)
    for await (const answer of channel.messages) answers.push(answer)
  } catch {
    // Refused before or while it spoke.
  }
  return answers
}

const nested = new Uint8Array(5_000).fill(0x81)
const endless = Uint8Array.of(0x9b, 0, 0, 0, 1, 0, 0, 0, 0)
const trailing = Uint8Array.of(...encodeCbor({ v: 1 }), 0)
const rubbish = [new Uint8Array(0), Uint8Array.of(0xff), nested, endless, trailing, new Uint8Array(900_000)]

test('a stranger gets not a byte from the protocols of members', async () => {
  const stranger = await harbor.rogue()
  const head = encodeCbor({ t: 'summary', count: 0, digest: new Uint8Array(32) })
  const wants = encodeCbor({ kind: 'want', digests: ['00'.repeat(32)] })
  for (const [protocol, frame] of [
    ['/selvedge/heads/2', head],
    ['/selvedge/blobs/2', wants],
    ['/selvedge/membership/1', encodeCbor(1)],
  ] as const) {
    expect(await say(stranger, protocol, [frame])).toEqual([])
  }
  expect(mesh.attacks.counts['before-admission']).toBe(3)
  expect(mesh.attacks.sightings().map(({ attack, peer }) => [attack, peer])).toEqual([
    ['before-admission', stranger.self],
  ])
  expect(members()).toEqual(['a'])
})

test('rubbish in an application is refused with a reason or by hanging up, and the next one is heard', async () => {
  for (const frame of rubbish) {
    for (const answer of await say(await harbor.rogue(), '/selvedge/join/1', [frame])) {
      expect(decodeCbor(answer, { maxBytes: 10_000 })).toHaveProperty('error.code', 'ERR_APPLICATION_INVALID')
    }
  }
  const b = await harbor.join('b', mesh)
  await until(() => members().join() === 'a,b' && b.members().length === 2)
})

test('rubbish instead of a greeting ends the connection and nothing else', async () => {
  for (const frame of [
    ...rubbish,
    encodeCbor({ t: 'hello', greeting: nested }),
    encodeCbor({ t: 'welcome' }),
  ]) {
    await say(await harbor.rogue(), '/selvedge/admission/1', [frame])
  }
  await harbor.join('b', mesh)
  await until(() => members().join() === 'a,b')
})

test('a credential of this mesh does not let in the node that copied it, nor one of another mesh its own', async () => {
  const b = await harbor.join('b', mesh)
  await until(() => members().length === 2)
  const chain = mesh.credentials.chainFor(b.self) ?? []
  const other = await Harbor.open()
  try {
    const elsewhere = await other.found('x')
    const own = elsewhere.credentials.chainFor(elsewhere.self) ?? []
    const thieves = [
      await harbor.rogue({ chain }),
      await harbor.rogue({ chain: own }),
      await harbor.rogue({ chain: own, mesh: other.meshId }),
      await harbor.rogue({ chain: [] }),
      await harbor.rogue({ chain: rubbish.slice(0, -1) }),
    ]
    for (const thief of thieves) {
      await expect(thief.dial([address()], soon())).rejects.toMatchObject({ code: 'ERR_ADMISSION_REFUSED' })
      expect(thief.peers()).toEqual([])
    }
    const counted = (): number =>
      Object.values(mesh.counters.counts.refusedByUs).reduce((sum, count) => sum + count, 0)
    await until(() => counted() === thieves.length, 'each refusal counted')
  } finally {
    await other.close()
  }
  expect(members()).toEqual(['a', 'b'])
})

test('a receipt that a stranger signed for itself is worth nothing, with whatever chain', async () => {
  const invite = readInvite(await harbor.invite(mesh))
  const seed = systemRandom.bytes(32)
  const key = keyPairFromSeed(seed)
  const { certificate } = readApplication(applyForAdmission({ invite, nodeKey: key, name: 'x' }))
  const { mesh: of, node, inviteId } = certificate.record
  const receipt = signReceipt({ v: 1, mesh: of, node, inviteId, certificate: certificate.digest, at: 0 }, key)
  const credential = encodeCredential({ invite: invite.bytes, certificate: certificate.bytes, receipt })
  const stranger = await harbor.rogue({
    seed,
    chain: [credential, ...(mesh.credentials.chainFor(mesh.self) ?? [])],
  })
  await expect(stranger.dial([address()], soon())).rejects.toMatchObject({ code: 'ERR_ADMISSION_REFUSED' })
  expect(mesh.credentials.get(nodeIdOf(key.publicKey))).toBeNull()
})

test('strangers that open joins and stay silent keep nobody out', async () => {
  const strangers = await Promise.all(Array.from({ length: 10 }, () => harbor.rogue()))
  for (const stranger of strangers) {
    for (let index = 0; index < 4; index++) {
      await stranger.openBeforeAdmission(address(), '/selvedge/join/1', soon()).catch(() => {})
    }
  }
  await harbor.join('b', mesh)
  expect(members()).toEqual(['a', 'b'])
})

test('one token at two doors at once lets in one node', async () => {
  const token = await harbor.invite(mesh)
  const entered = await Promise.allSettled(['x', 'y'].map((name) => harbor.enter(name, token)))
  expect(entered.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected'])
  expect(entered.find(({ status }) => status === 'rejected')).toMatchObject({
    reason: { code: 'ERR_TOKEN_USED' },
  })
})

test('a stranger that answers in the place of a member does not make a newcomer believe it has joined', async () => {
  const impostorSeed = systemRandom.bytes(32)
  const impostor = await harbor.rogue({ seed: impostorSeed })
  const key = keyPairFromSeed(impostorSeed)
  impostor.handleBeforeAdmission('/selvedge/join/1', (_peer, channel) => {
    const answer = async (): Promise<void> => {
      // Not by `for await`, which would close the channel on leaving.
      const { value } = await channel.messages[Symbol.asyncIterator]().next()
      const { invite, certificate } = readApplication(value as Uint8Array)
      const { node } = certificate.record
      const receipt = signReceipt(
        { v: 1, mesh: harbor.meshId, node, inviteId: invite.id, certificate: certificate.digest, at: 0 },
        key,
      )
      // What every member shows to whoever connects.
      const vouchers = mesh.credentials.chainFor(mesh.self)
      await channel.send(encodeCbor({ v: 1, receipt, trust: mesh.trust.chain(), vouchers }))
    }
    void answer()
  })
  const token = await harbor.invite(mesh, { addresses: impostor.addresses() })
  await expect(harbor.enter('b', token)).rejects.toMatchObject({ code: 'ERR_JOIN_ANSWER' })
  expect(members()).toEqual(['a'])
})

// Other hosts than the newcomer's: only Linux has the whole of 127/8 without being told.
test.skipIf(process.platform !== 'linux')(
  'hundreds of connections that never say a word keep nobody out, and are given up',
  async () => {
    const before = heapInUse()
    const [, host = '', port = ''] = /\/ip4\/([\d.]+)\/tcp\/(\d+)/.exec(address()) ?? []
    const sockets = Array.from({ length: 300 }, (_, at) => {
      const localAddress = `127.0.0.${2 + (at % 8)}`
      return connectTcp({ port: Number(port), host, localAddress }).on('error', () => {})
    })
    try {
      await until(() => sockets.every(({ pending, destroyed }) => !pending || destroyed), 'the connections')
      await harbor.join('b', mesh)
      await until(() => members().join() === 'a,b')
      expect(heapInUse() - before).toBeLessThan(64 * 1024 * 1024)
      await until(() => sockets.every(({ closed }) => closed), 'the end of their time')
    } finally {
      for (const socket of sockets) socket.destroy()
    }
  },
)
