import { describe, expect, it } from 'vitest'
import { encodeCbor, memoryFolder } from '../../../core/index.ts'
import { openTrustStore, signTrust } from '../../../mesh/identity/index.ts'
import { keyNamed, root, testMesh, trustRecord } from '../identity/harness.ts'
import { powerCut } from '../identity/power-cut.ts'
import { digest, fork, openLog, release } from './harness.ts'

const failing = (code: string) => expect.objectContaining({ code }) as Error

describe('the release log', () => {
  it('takes a release of a publisher, tells its listeners, and knows it the next time', async () => {
    const mesh = await testMesh()
    const { log } = await openLog(mesh.trust)
    const heard: number[] = []
    const stop = log.onChange((changes) => heard.push(...changes.map(({ head }) => head?.record.seq ?? 0)))
    const bytes = release(mesh)
    expect(await log.offer(bytes)).toMatchObject({
      outcome: 'accepted',
      digest: digest(bytes),
      record: { seq: 1 },
    })
    expect((await log.offer(bytes)).outcome).toBe('known')
    stop()
    await log.offer(release(mesh, { seq: 2 }))
    expect(heard).toEqual([1])
    expect(log.head('light-alarm')?.record.seq).toBe(2)
    expect(log.get(digest(bytes))?.bytes).toEqual(bytes)
    expect(log.get('00'.repeat(32))).toBeNull()
    expect(log.head('unknown')).toBeNull()
  })

  it('lists the head of each app by name, and the history of one', async () => {
    const mesh = await testMesh()
    const { log } = await openLog(mesh.trust)
    for (const app of ['uplink', 'light-alarm']) {
      for (const seq of [1, 3]) await log.offer(release(mesh, { app, seq }))
    }
    expect(log.heads().map(({ record }) => [record.app, record.seq])).toEqual([
      ['light-alarm', 3],
      ['uplink', 3],
    ])
    expect(log.history('uplink').map(({ role, record }) => [role, record.seq])).toEqual([
      ['head', 3],
      ['past', 1],
    ])
    expect(log.history('unknown')).toEqual([])
  })

  it('keeps the last 16 releases of an app', async () => {
    const mesh = await testMesh()
    const { log } = await openLog(mesh.trust)
    for (let seq = 1; seq <= 20; seq++) await log.offer(release(mesh, { seq }))
    expect(log.history('light-alarm').map(({ record }) => record.seq)).toEqual(
      Array.from({ length: 16 }, (_, index) => 20 - index),
    )
  })

  it('refuses a release signed by a stranger, also by an admin or a root', async () => {
    const mesh = await testMesh()
    const { log } = await openLog(mesh.trust)
    for (const name of ['stranger', 'admin', 'root']) {
      const bytes = release(mesh, {}, keyNamed(name))
      await expect(log.offer(bytes)).rejects.toThrow(failing('ERR_RELEASE_STRANGER'))
    }
    expect(log.heads()).toEqual([])
  })

  it('refuses an app or a grant that the publisher was not given, naming every grant', async () => {
    const mesh = await testMesh()
    const { log } = await openLog(mesh.trust)
    await expect(log.offer(release(mesh, { app: 'heater' }))).rejects.toThrow(
      failing('ERR_RELEASE_DELEGATION'),
    )
    const greedy = release(mesh, { grants: ['http:example.com', 'pin:led', 'pin:lock'] })
    await expect(log.offer(greedy)).rejects.toThrow('asks for http:example.com, pin:lock, which')
    await expect(log.offer(greedy)).rejects.toThrow(failing('ERR_RELEASE_DELEGATION'))
  })

  it('refuses a release for another mesh', async () => {
    const mesh = await testMesh()
    const { log } = await openLog(mesh.trust)
    const foreign = release({ ...mesh, meshId: 'cd'.repeat(32) })
    await expect(log.offer(foreign)).rejects.toThrow(failing('ERR_RELEASE_MESH'))
  })

  it('refuses a publisher from the moment the trust bundle no longer names it, and keeps what it has', async () => {
    const mesh = await testMesh()
    const folder = memoryFolder()
    const { log } = await openLog(mesh.trust, folder)
    await log.offer(release(mesh))
    await mesh.trust.offer(signTrust(trustRecord({ mesh: mesh.meshId, version: 2, publishers: [] }), [root]))
    await expect(log.offer(release(mesh, { seq: 2 }))).rejects.toThrow(failing('ERR_RELEASE_STRANGER'))
    const { log: reopened, alarms } = await openLog(mesh.trust, folder)
    expect(reopened.head('light-alarm')?.record.seq).toBe(1)
    expect(alarms).toEqual([])
  })

  it('never goes back to a lower number, also after a restart', async () => {
    const mesh = await testMesh()
    const folder = memoryFolder()
    const { log } = await openLog(mesh.trust, folder)
    await log.offer(release(mesh, { seq: 5 }))
    expect((await log.offer(release(mesh, { seq: 4 }))).outcome).toBe('older')
    const { log: reopened } = await openLog(mesh.trust, folder)
    expect((await reopened.offer(release(mesh, { seq: 4 }))).outcome).toBe('older')
    expect(reopened.head('light-alarm')?.record.seq).toBe(5)
  })

  it('settles on the smaller digest of a fork in either order, keeps both, and raises one alarm', async () => {
    const mesh = await testMesh()
    const [smaller, larger] = fork(mesh)
    for (const [order, outcome] of [
      [[smaller, larger], 'fork-lost'],
      [[larger, smaller], 'fork-won'],
    ] as const) {
      const folder = memoryFolder()
      const { log, alarms } = await openLog(mesh.trust, folder)
      await log.offer(order[0])
      expect((await log.offer(order[1])).outcome).toBe(outcome)
      await log.offer(larger)
      const { log: reopened } = await openLog(mesh.trust, folder)
      for (const held of [log, reopened]) {
        expect(held.history('light-alarm').map(({ role, bytes }) => [role, bytes])).toEqual([
          ['head', smaller],
          ['fork', larger],
        ])
        expect(held.get(digest(larger))?.bytes).toEqual(larger)
      }
      expect(alarms).toMatchObject([{ code: 'ERR_RELEASE_FORK', evidence: [order[0], order[1]] }])
    }
  })

  it('keeps and relays a release that it must not run', async () => {
    const mesh = await testMesh()
    const folder = memoryFolder()
    const { log } = await openLog(mesh.trust, folder)
    const bytes = release(mesh, { critical: ['waves'] })
    expect(await log.offer(bytes)).toMatchObject({ outcome: 'accepted', release: { runnable: false } })
    const { log: reopened } = await openLog(mesh.trust, folder)
    expect(reopened.head('light-alarm')).toMatchObject({ bytes, runnable: false, unknownCritical: ['waves'] })
  })

  it('accepts the same release from two peers at once only once', async () => {
    const mesh = await testMesh()
    const { log } = await openLog(mesh.trust)
    const bytes = release(mesh)
    const outcomes = await Promise.all([log.offer(bytes), log.offer(bytes)])
    expect(outcomes.map(({ outcome }) => outcome)).toEqual(['accepted', 'known'])
  })
})

describe('publishing at a node', () => {
  it('takes the next release of an app, and the same one again after a lost answer', async () => {
    const mesh = await testMesh()
    const { log } = await openLog(mesh.trust)
    const first = release(mesh)
    expect((await log.publish(first)).outcome).toBe('accepted')
    const second = release(mesh, { seq: 2, previous: digest(first) })
    expect((await log.publish(second)).outcome).toBe('accepted')
    expect((await log.publish(second)).outcome).toBe('known')
  })

  it('refuses a number that is not above the head, and a release that follows another', async () => {
    const mesh = await testMesh()
    const { log } = await openLog(mesh.trust)
    await expect(log.publish(release(mesh, { previous: 'cd'.repeat(32) }))).rejects.toThrow(
      'there is none yet',
    )
    const first = release(mesh, { seq: 3 })
    await log.publish(first)
    for (const changes of [
      { seq: 3, version: '9.0.0', previous: digest(first) },
      { seq: 2, previous: digest(first) },
      { seq: 4, previous: null },
      { seq: 4, previous: 'cd'.repeat(32) },
    ]) {
      await expect(log.publish(release(mesh, changes))).rejects.toThrow(failing('ERR_RELEASE_SEQUENCE'))
    }
    expect(log.history('light-alarm')).toHaveLength(1)
  })

  it('checks everything else as it does for a peer', async () => {
    const mesh = await testMesh()
    const { log } = await openLog(mesh.trust)
    const stranger = release(mesh, {}, keyNamed('stranger'))
    await expect(log.publish(stranger)).rejects.toThrow(failing('ERR_RELEASE_STRANGER'))
    const altered = release(mesh)
    altered[200]! ^= 1
    await expect(log.publish(altered)).rejects.toThrow(failing('ERR_RELEASE_SIGNATURE'))
  })
})

describe('the release log on its disk', () => {
  it('has the state before or after when the power is cut, never acknowledges what it may lose', async () => {
    const mesh = await testMesh()
    for (const when of ['before', 'after'] as const) {
      const folder = memoryFolder()
      const { log } = await openLog(mesh.trust, powerCut(folder, 1, when))
      const heard: number[] = []
      log.onChange((changes) => heard.push(...changes.map(({ head }) => head?.record.seq ?? 0)))
      await log.offer(release(mesh))
      await expect(log.offer(release(mesh, { seq: 2 }))).rejects.toThrow('power cut')
      expect(heard).toEqual([1])
      expect(log.head('light-alarm')?.record.seq).toBe(1)
      const { log: reopened, alarms } = await openLog(mesh.trust, folder)
      expect(reopened.head('light-alarm')?.record.seq).toBe(when === 'before' ? 1 : 2)
      expect(alarms).toEqual([])
      const { outcome } = await reopened.offer(release(mesh, { seq: 2 }))
      expect(outcome).toBe(when === 'before' ? 'accepted' : 'known')
    }
  })

  it('drops a file with any byte damaged, reports it, and keeps the other apps', async () => {
    const mesh = await testMesh()
    const folder = memoryFolder()
    const { log } = await openLog(mesh.trust, folder)
    await log.offer(release(mesh))
    await log.offer(release(mesh, { app: 'uplink' }))
    const file = (await folder.read('uplink.cbor', 1 << 20))!
    const received = Buffer.from(file).indexOf('receivedAt')
    for (let at = 0; at < file.length; at += 11) {
      // When it was received is for people; nothing rests on it.
      if (at > received + 9 && at < received + 20) continue
      const damaged = file.slice()
      damaged[at]! ^= 1
      await folder.write('uplink.cbor', damaged)
      const { log: reopened, alarms } = await openLog(mesh.trust, folder)
      expect(
        reopened.heads().map(({ record }) => record.app),
        `byte ${at}`,
      ).toEqual(['light-alarm'])
      expect(alarms, `byte ${at}`).toMatchObject([{ code: 'ERR_STORED_DAMAGED' }])
      expect(await folder.list()).toEqual(['light-alarm.cbor'])
      expect((await reopened.offer(release(mesh, { app: 'uplink' }))).outcome).toBe('accepted')
    }
  })

  it('keeps a file that it could not read this time', async () => {
    const mesh = await testMesh()
    const folder = memoryFolder()
    await (await openLog(mesh.trust, folder)).log.offer(release(mesh))
    const broken = { ...folder, read: () => Promise.reject(new Error('EIO')) }
    const { log, alarms } = await openLog(mesh.trust, broken)
    expect(log.heads()).toEqual([])
    expect(alarms).toMatchObject([
      { code: 'ERR_STORED_DAMAGED', message: 'releases of light-alarm.cbor: EIO' },
    ])
    expect((await openLog(mesh.trust, folder)).log.heads()).toHaveLength(1)
  })

  it('does not believe a file that somebody else wrote', async () => {
    const mesh = await testMesh()
    const stranger = release(mesh, {}, keyNamed('stranger'))
    const [one, two] = [release(mesh), release(mesh, { seq: 2 })]
    const files: [string, unknown][] = [
      ['light-alarm.cbor', { v: 1, line: [entry(stranger)], forks: [] }],
      ['light-alarm.cbor', { v: 1, line: [entry(release(mesh, { app: 'uplink' }))], forks: [] }],
      ['light-alarm.cbor', { v: 1, line: [entry(one), entry(two)], forks: [] }],
      ['light-alarm.cbor', { v: 1, line: [entry(one), entry(one)], forks: [] }],
      ['light-alarm.cbor', { v: 1, line: [], forks: [] }],
      ['light-alarm.cbor', { v: 2, line: [entry(one)], forks: [] }],
      ['light-alarm.cbor', { v: 1, line: Array.from({ length: 17 }, () => entry(one)), forks: [] }],
      ['light-alarm.cbor', null],
      ['Light.cbor', { v: 1, line: [entry(one)], forks: [] }],
      ['light-alarm.txt', { v: 1, line: [entry(one)], forks: [] }],
    ]
    for (const [name, content] of files) {
      const folder = memoryFolder()
      await folder.write(name, encodeCbor(content))
      const { log, alarms } = await openLog(mesh.trust, folder)
      expect(log.heads()).toEqual([])
      expect(alarms).toMatchObject([{ code: 'ERR_STORED_DAMAGED' }])
    }
  })

  it('believes nothing while it does not know the trust of its mesh, and finds all again when it does', async () => {
    const mesh = await testMesh()
    const folder = memoryFolder()
    await (await openLog(mesh.trust, folder)).log.offer(release(mesh, { seq: 7 }))
    const trust = await openTrustStore({ meshId: mesh.meshId, folder: memoryFolder(), onAlarm: () => {} })
    const { log, alarms } = await openLog(trust, folder)
    expect(log.heads()).toEqual([])
    expect(alarms).toMatchObject([{ code: 'ERR_STORED_DAMAGED' }])
    await expect(log.offer(release(mesh, { seq: 8 }))).rejects.toThrow(failing('ERR_RELEASE_STRANGER'))
    const heard: number[] = []
    log.onChange((changes) => heard.push(...changes.map(({ head }) => head?.record.seq ?? 0)))
    await trust.offer(mesh.first)
    expect((await log.offer(release(mesh, { seq: 6 }))).outcome).toBe('older')
    expect(heard).toEqual([7])
  })
})

function entry(bytes: Uint8Array): { bytes: Uint8Array; receivedAt: number } {
  return { bytes, receivedAt: 0 }
}
