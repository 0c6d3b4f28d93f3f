import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { memoryFolder } from '../../../core/index.ts'
import { signTrust } from '../../../mesh/identity/index.ts'
import {
  admin,
  keyNamed,
  publisher,
  root,
  testMesh,
  trustRecord,
  type TestMesh,
} from '../identity/harness.ts'
import { publisherRevocation, releaseRevocation } from '../identity/revocation-harness.ts'
import { digest, openLog, release } from './harness.ts'

const failing = (code: string) => expect.objectContaining({ code }) as Error
const successor = keyNamed('successor')
const bytesOf = (hex: string): Uint8Array => new Uint8Array(Buffer.from(hex, 'hex'))

/** A mesh with two publishers of the same apps. */
async function twoPublishers(): Promise<TestMesh> {
  const entries = [publisher, successor].map(({ publicKey }) => {
    return { key: publicKey, apps: ['light-*', 'uplink'], grants: ['sensor:*', 'pin:led'] }
  })
  return testMesh(trustRecord({ publishers: entries }))
}

/** Releases 1…n, each following the one before. */
function line(mesh: TestMesh, length: number, keyOf = (_seq: number) => publisher): Uint8Array[] {
  const list: Uint8Array[] = []
  for (let seq = 1; seq <= length; seq++) {
    const before = list.at(-1)
    const previous = before === undefined ? null : digest(before)
    list.push(release(mesh, { seq, previous, version: `1.0.${seq}` }, keyOf(seq)))
  }
  return list
}

const roles = (log: Awaited<ReturnType<typeof openLog>>['log']) =>
  log.history('light-alarm').map(({ role, record }) => `${role} ${record.seq}`)
const revoke = (mesh: TestMesh, accepted: Record<string, Uint8Array>, running: 'keep' | 'stop' = 'keep') =>
  mesh.trust.revocations.offer(
    publisherRevocation({ mesh: mesh.meshId, key: publisher.publicKey, accepted, running }),
  )

describe('the releases of a revoked publisher', () => {
  it('leave the line beyond the one listed, at once and after a restart, and the app goes back', async () => {
    const mesh = await twoPublishers()
    const folder = memoryFolder()
    const { log } = await openLog(mesh.trust, folder)
    const list = line(mesh, 4)
    for (const bytes of list) await log.offer(bytes)
    const heard: unknown[] = []
    log.onChange((changes) => heard.push(...changes.map(({ head }) => head?.record.seq ?? null)))
    await revoke(mesh, { 'light-alarm': bytesOf(digest(list[1]!)) })
    const { log: reopened, alarms } = await openLog(mesh.trust, folder)
    for (const held of [log, reopened]) {
      expect(roles(held)).toEqual(['head 2', 'past 1', 'revoked 4', 'revoked 3'])
      expect(held.heads().map(({ record }) => record.seq)).toEqual([2])
      expect(held.desired()).toHaveLength(1)
    }
    expect(heard).toEqual([2])
    expect(alarms).toEqual([])
  })

  it('are refused when they come again, back-dated, or with a number from before', async () => {
    const mesh = await twoPublishers()
    const { log } = await openLog(mesh.trust)
    const list = line(mesh, 3)
    for (const bytes of list.slice(0, 2)) await log.offer(bytes)
    await revoke(mesh, { 'light-alarm': bytesOf(digest(list[1]!)) })
    for (const bytes of [
      list[2]!,
      release(mesh, { seq: 9, signedAt: 0 }),
      release(mesh, { seq: 2, signedAt: 0, version: '6.6.6' }),
      release(mesh, { app: 'uplink', seq: 1, signedAt: 0 }),
    ]) {
      await expect(log.offer(bytes)).rejects.toThrow(failing('ERR_RELEASE_REVOKED'))
    }
    expect((await log.offer(list[1]!)).outcome).toBe('known')
    expect(roles(log)).toEqual(['head 2', 'past 1'])
  })

  it('are taken by a node that has none of them as far as they are listed, and followed by another key', async () => {
    const mesh = await twoPublishers()
    const list = line(mesh, 3)
    await revoke(mesh, { 'light-alarm': bytesOf(digest(list[1]!)) })
    const { log } = await openLog(mesh.trust)
    await expect(log.offer(list[2]!)).rejects.toThrow(failing('ERR_RELEASE_REVOKED'))
    // It cannot be told yet that it came before the one listed.
    await expect(log.offer(list[0]!)).rejects.toThrow(failing('ERR_RELEASE_REVOKED'))
    expect((await log.offer(list[1]!)).outcome).toBe('accepted')
    const next = release(mesh, { seq: 3, previous: digest(list[1]!) }, successor)
    expect((await log.publish(next)).outcome).toBe('accepted')
    expect(roles(log)).toEqual(['head 3', 'past 2'])
  })

  it('are none where nothing is listed: the app falls to another publisher, or has no release', async () => {
    const mesh = await twoPublishers()
    const folder = memoryFolder()
    const { log } = await openLog(mesh.trust, folder)
    const list = line(mesh, 3, (seq) => (seq === 1 ? successor : publisher))
    for (const bytes of list) await log.offer(bytes)
    await log.offer(release(mesh, { app: 'uplink' }))
    const heard: unknown[] = []
    log.onChange((changes) => heard.push(...changes.map(({ app, head }) => [app, head?.record.seq ?? null])))
    await revoke(mesh, {})
    expect(roles(log)).toEqual(['head 1', 'revoked 3', 'revoked 2'])
    expect(log.head('uplink')).toBeNull()
    expect(heard).toEqual([
      ['light-alarm', 1],
      ['uplink', null],
    ])
    expect(log.heads().map(({ record }) => record.app)).toEqual(['light-alarm'])
    const { log: reopened } = await openLog(mesh.trust, folder)
    expect(roles(reopened)).toEqual(roles(log))
    expect(reopened.get(digest(list[2]!))?.record.seq).toBe(3)
  })

  it('do not run on where the revocation says stop, until another publisher releases', async () => {
    const mesh = await twoPublishers()
    const { log } = await openLog(mesh.trust)
    const [first] = line(mesh, 1)
    await log.offer(first!)
    await revoke(mesh, { 'light-alarm': bytesOf(digest(first!)) }, 'stop')
    expect(log.heads()).toHaveLength(1)
    expect(log.desired()).toEqual([])
    expect(log.halted('light-alarm')).toMatchObject({ of: 'publisher', reason: 'stolen' })
    await log.offer(release(mesh, { seq: 2, previous: digest(first!) }, successor))
    expect(log.desired().map(({ record }) => record.seq)).toEqual([2])
    expect(log.halted('light-alarm')).toBeNull()
  })

  it('count under two revocations only as far as both list them', async () => {
    const mesh = await twoPublishers()
    const { log } = await openLog(mesh.trust)
    const list = line(mesh, 3)
    for (const bytes of list) await log.offer(bytes)
    await revoke(mesh, { 'light-alarm': bytesOf(digest(list[2]!)) })
    expect(log.head('light-alarm')?.record.seq).toBe(3)
    await revoke(mesh, { 'light-alarm': bytesOf(digest(list[0]!)) })
    expect(log.head('light-alarm')?.record.seq).toBe(1)
  })

  it('leave a fork to the record that is listed, though the other had the smaller digest', async () => {
    const mesh = await twoPublishers()
    const { log } = await openLog(mesh.trust)
    const pair = ['1.0.0', '1.0.1'].map((version) => release(mesh, { version }))
    const [smaller, larger] = pair.sort((a, b) => (digest(a) < digest(b) ? -1 : 1)) as [
      Uint8Array,
      Uint8Array,
    ]
    for (const bytes of [smaller, larger]) await log.offer(bytes)
    await revoke(mesh, { 'light-alarm': bytesOf(digest(larger)) })
    expect(log.head('light-alarm')?.bytes).toEqual(larger)
    expect(roles(log)).toEqual(['head 1', 'revoked 1'])
  })

  it('are what its revocation should list, app by app', async () => {
    const mesh = await twoPublishers()
    const { log } = await openLog(mesh.trust)
    for (const bytes of line(mesh, 3, (seq) => (seq === 3 ? successor : publisher))) await log.offer(bytes)
    await log.offer(release(mesh, { app: 'uplink' }))
    const last = log.lastOf(publisher.publicKey).map(({ record }) => [record.app, record.seq])
    expect(last.sort()).toEqual([
      ['light-alarm', 2],
      ['uplink', 1],
    ])
  })

  it('end in the same heads on nodes that heard of releases and revocations in any order', async () => {
    const mesh = await twoPublishers()
    const list = line(mesh, 5, (seq) => (seq % 2 === 0 ? successor : publisher))
    const news: (Uint8Array | 'revocation')[] = [...list, 'revocation']
    const bytes = publisherRevocation({
      mesh: mesh.meshId,
      key: publisher.publicKey,
      accepted: { 'light-alarm': bytesOf(digest(list[2]!)) },
    })
    await fc.assert(
      fc.asyncProperty(fc.shuffledSubarray(news, { minLength: news.length }), async (order) => {
        const own = await twoPublishers()
        const { log } = await openLog(own.trust)
        // Twice: what came too early is offered again by the neighbours.
        for (const item of [...order, ...order]) {
          if (item === 'revocation') await own.trust.revocations.offer(bytes)
          else await log.offer(item).catch(() => {})
        }
        expect(log.head('light-alarm')?.record.seq).toBe(4)
        expect(
          log.history('light-alarm').some(({ role, record }) => role !== 'revoked' && record.seq === 5),
        ).toBe(false)
      }),
      { numRuns: 40 },
    )
  })
})

describe('a single release that was revoked', () => {
  it('falls back to the one before it, or stops its app, as its revocation says', async () => {
    for (const [effect, seqs, desired] of [
      ['fall-back', 1, 1],
      ['stop', 2, 0],
    ] as const) {
      const mesh = await twoPublishers()
      const { log } = await openLog(mesh.trust)
      const [first, second] = line(mesh, 2) as [Uint8Array, Uint8Array]
      for (const bytes of [first, second]) await log.offer(bytes)
      const of = { mesh: mesh.meshId, app: 'light-alarm', release: digest(second), effect }
      await mesh.trust.revocations.offer(releaseRevocation(of))
      expect(log.head('light-alarm')?.record.seq, effect).toBe(seqs)
      expect(log.desired()).toHaveLength(desired)
      if (effect === 'stop') expect((await log.offer(second)).outcome).toBe('known')
      else await expect(log.offer(second)).rejects.toThrow(failing('ERR_RELEASE_REVOKED'))
      const head = log.head('light-alarm')!
      await log.publish(release(mesh, { seq: head.record.seq + 1, previous: head.digest, version: '2.0.0' }))
      expect(log.desired().map(({ record }) => record.version)).toEqual(['2.0.0'])
    }
  })

  it('stops rather than falls back where two revocations differ, in either order', async () => {
    for (const order of [
      ['stop', 'fall-back'],
      ['fall-back', 'stop'],
    ] as const) {
      const mesh = await twoPublishers()
      const { log } = await openLog(mesh.trust)
      const [first, second] = line(mesh, 2) as [Uint8Array, Uint8Array]
      for (const bytes of [first, second]) await log.offer(bytes)
      for (const effect of order) {
        const of = { mesh: mesh.meshId, app: 'light-alarm', release: digest(second), effect }
        await mesh.trust.revocations.offer(releaseRevocation(of))
      }
      expect(log.head('light-alarm')?.record.seq).toBe(2)
      expect(log.desired()).toEqual([])
    }
  })

  it('is revoked by its own publisher, and by no other', async () => {
    const mesh = await twoPublishers()
    const { log } = await openLog(mesh.trust)
    const [first] = line(mesh, 1)
    await log.offer(first!)
    const of = { mesh: mesh.meshId, app: 'light-alarm', release: digest(first!) }
    await mesh.trust.revocations.offer(releaseRevocation(of, successor))
    expect(log.head('light-alarm')).not.toBeNull()
    await mesh.trust.revocations.offer(releaseRevocation(of, publisher))
    expect(log.head('light-alarm')).toBeNull()
  })
})

describe('what was released under a bundle that lost', () => {
  it('does not count any more, nor after a restart, and counts again when a next version grants it', async () => {
    const mesh = await testMesh()
    const record = (name: string, extra: boolean) =>
      trustRecord({
        mesh: mesh.meshId,
        version: 2,
        name,
        publishers: [
          ...trustRecord().publishers,
          ...(extra ? [{ key: successor.publicKey, apps: ['uplink'], grants: ['*'] }] : []),
        ],
      })
    const granting = signTrust(record('granting', true), [root])
    await mesh.trust.offer(granting)
    const mine = mesh.trust.current!.digest
    const folder = memoryFolder()
    const { log } = await openLog(mesh.trust, folder)
    await log.offer(release(mesh, { app: 'uplink' }, successor))
    await log.offer(release(mesh))
    // One of these has a smaller digest.
    for (let at = 0; mesh.trust.current!.digest === mine; at++) {
      await mesh.trust.offer(signTrust(record(`plain ${at}`, false), [root]))
    }
    const { log: reopened } = await openLog(mesh.trust, folder)
    for (const held of [log, reopened]) {
      expect(held.heads().map(({ record: { app } }) => app)).toEqual(['light-alarm'])
      await expect(held.offer(release(mesh, { app: 'uplink', seq: 2 }, successor))).rejects.toThrow(
        failing('ERR_RELEASE_STRANGER'),
      )
    }
    const again = { ...record('again', true), version: 3 }
    await mesh.trust.offer(signTrust(again, [root]))
    expect(log.heads().map(({ record: { app } }) => app)).toEqual(['light-alarm', 'uplink'])
  })
})

describe('a disk that went back', () => {
  it('takes the newer release from a member, which refuses its older one', async () => {
    const mesh = await testMesh()
    const [restored, member] = [await openLog(mesh.trust), await openLog(mesh.trust)]
    const list = line(mesh, 3)
    await restored.log.offer(list[0]!)
    for (const bytes of list) await member.log.offer(bytes)
    expect((await member.log.offer(list[0]!)).outcome).toBe('known')
    expect((await member.log.offer(release(mesh, { seq: 2, version: '0.0.1' }))).outcome).toBe('older')
    expect(member.log.head('light-alarm')?.record.seq).toBe(3)
    // Offline it cannot be told; the first member that holds newer makes it catch up.
    expect(restored.log.head('light-alarm')?.record.seq).toBe(1)
    expect((await restored.log.offer(list[2]!)).outcome).toBe('accepted')
    expect(restored.log.head('light-alarm')?.record.seq).toBe(3)
  })
})

describe('thousands of apps', () => {
  it('are held in the order of their names, whatever order they came in', async () => {
    const everything = trustRecord({
      publishers: [{ key: publisher.publicKey, apps: ['*'], grants: ['*'] }],
    })
    const mesh = await testMesh(everything)
    const { log } = await openLog(mesh.trust)
    const apps = Array.from({ length: 300 }, (_, at) => `app-${(at * 7_919) % 300}`)
    for (const app of apps) await log.offer(release(mesh, { app }))
    for (const app of apps.slice(0, 50)) await log.offer(release(mesh, { app, seq: 2 }))
    expect(log.heads().map(({ record }) => record.app)).toEqual([...apps].sort())
    expect(log.heads().filter(({ record }) => record.seq === 2)).toHaveLength(50)
    await mesh.trust.revocations.offer(
      releaseRevocation({ mesh: mesh.meshId, app: 'app-7', release: log.head('app-7')!.digest }, admin),
    )
    expect(log.heads()).toHaveLength(apps.slice(0, 50).includes('app-7') ? 300 : 299)
  })
})
