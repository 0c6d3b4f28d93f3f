import { describe, expect, it } from 'vitest'
import { memoryFolder, type DurableFolder } from '../../../core/index.ts'
import { nodeIdOf, signNodeRecord, type Alarm, type NodeReport } from '../../../mesh/identity/index.ts'
import { openNodeRecords, type NodeRecords } from '../../../mesh/membership/index.ts'
import { handClock, keyNamed, startOfTime } from '../identity/harness.ts'

const meshId = 'ab'.repeat(32)
const key = keyNamed('garage-1')
const id = nodeIdOf(key.publicKey)
const anybody = (): void => {}

function record(changes: Partial<NodeReport> = {}, signer = key): Uint8Array {
  return signNodeRecord(signer, {
    v: 1,
    mesh: meshId,
    node: signer.publicKey,
    name: 'garage-1',
    boot: 1,
    bootNonce: new Uint8Array(16),
    number: 1,
    groups: ['garage'],
    roles: [],
    arch: 'arm64',
    platform: 'linux',
    runtime: 'node 20',
    version: '0.1.0',
    features: [],
    addresses: ['/ip4/10.0.0.7/tcp/4001'],
    devices: [],
    apps: [],
    issuedAt: startOfTime,
    ...changes,
  })
}

async function open(
  inner: DurableFolder = memoryFolder(),
): Promise<{ records: NodeRecords; alarms: Alarm[]; folder: DurableFolder; writes: string[] }> {
  const alarms: Alarm[] = []
  const writes: string[] = []
  const folder: DurableFolder = {
    ...inner,
    async write(name, bytes) {
      writes.push(name)
      await inner.write(name, bytes)
    },
  }
  const onAlarm = (alarm: Alarm): void => void alarms.push(alarm)
  const records = await openNodeRecords({ meshId, folder, clock: handClock(), onAlarm })
  return { records, alarms, folder, writes }
}

describe('node records', () => {
  it('keep the newest of each node: a later boot, or a higher number in the same', async () => {
    const { records } = await open()
    const outcomes = []
    for (const [boot, number] of [
      [1, 2],
      [1, 2],
      [1, 1],
      [1, 3],
      [2, 1],
      [1, 9],
    ] as const) {
      outcomes.push((await records.offer(record({ boot, number }), anybody)).outcome)
    }
    expect(outcomes).toEqual(['accepted', 'known', 'older', 'accepted', 'accepted', 'older'])
    expect(records.get(id)?.record.report).toMatchObject({ boot: 2, number: 1 })
    expect(records.all()).toHaveLength(1)
  })

  it('are refused of a node that nobody wants, and where the signature does not hold', async () => {
    const { records } = await open()
    const refuse = (node: string): void => {
      throw new Error(`${node} is no member`)
    }
    await expect(records.offer(record(), refuse)).rejects.toThrow(`${id} is no member`)
    const altered = record()
    altered[40] = (altered[40] ?? 0) ^ 1
    await expect(records.offer(altered, anybody)).rejects.toMatchObject({ code: 'ERR_NODE_RECORD' })
    await expect(records.offer(record({ mesh: 'cd'.repeat(32) }), anybody)).rejects.toMatchObject({
      code: 'ERR_NODE_RECORD',
    })
    expect(records.all()).toEqual([])
  })

  it('of two machines with one identity raise an alarm with both as evidence; every node settles on the same', async () => {
    const pair = [record({ name: 'garage-1' }), record({ name: 'garage-2' })] as const
    const kept = []
    for (const order of [pair, [pair[1], pair[0]]]) {
      const { records, alarms } = await open()
      for (const bytes of order) await records.offer(bytes, anybody)
      kept.push(records.get(id)?.record.digest)
      expect(alarms).toMatchObject([{ code: 'ERR_DUPLICATE_IDENTITY' }])
      expect(alarms[0]?.evidence).toHaveLength(2)
    }
    expect(kept[0]).toBe(kept[1])
  })

  it('say when they were heard, and nothing of it after a restart', async () => {
    const { records, folder } = await open()
    await records.offer(record(), anybody)
    expect(records.get(id)?.receivedAtMs).toBe(startOfTime)
    const again = await open(folder)
    expect(again.records.get(id)).toMatchObject({ receivedAtMs: null, record: { node: id } })
  })

  it('are written at once when addresses changed, and otherwise when the node stops', async () => {
    const { records, folder, writes } = await open()
    await records.offer(record({ number: 1 }), anybody)
    await records.offer(record({ number: 2 }), anybody)
    expect(writes).toHaveLength(1)
    await records.offer(record({ number: 3, addresses: [] }), anybody)
    expect(writes).toHaveLength(2)
    await records.offer(record({ number: 4, addresses: [] }), anybody)
    await records.flush()
    await records.flush()
    expect(writes).toHaveLength(3)
    expect((await open(folder)).records.get(id)?.record.report.number).toBe(4)
  })

  it('that were damaged on the disk are removed and reported, the others stay', async () => {
    const { records, folder } = await open()
    const other = keyNamed('garage-2')
    await records.offer(record(), anybody)
    await records.offer(record({}, other), anybody)
    await folder.write(`${id}.cbor`, new Uint8Array([1, 2, 3]))
    const again = await open(folder)
    expect(again.records.all().map(({ record: held }) => held.node)).toEqual([nodeIdOf(other.publicKey)])
    expect(again.alarms).toMatchObject([{ code: 'ERR_STORED_DAMAGED' }])
    expect(await folder.list()).toEqual([`${nodeIdOf(other.publicKey)}.cbor`])
  })
})

const numbers = (records: NodeRecords): number[] =>
  records.all().map(({ record: { report } }) => report.number)

describe('on a disk that fails', () => {
  it('a record that the disk did not take is known all the same, and written when the node stops', async () => {
    const disk = memoryFolder()
    let isFull = true
    const { records, alarms } = await open({
      ...disk,
      async write(name, bytes) {
        if (isFull) throw new Error('no space left on device')
        return disk.write(name, bytes)
      },
    })
    expect(
      await records.offer(record({ number: 1, addresses: ['/ip4/10.0.0.1/tcp/1'] }), anybody),
    ).toMatchObject({
      outcome: 'accepted',
    })
    expect(numbers(records)).toEqual([1])
    expect(alarms).toMatchObject([{ code: 'ERR_NODE_RECORD_UNSAVED' }])
    isFull = false
    await records.flush()
    expect(numbers((await open(disk)).records)).toEqual([1])
  })

  it('the newest record is the one on the disk, also where an older write takes longer', async () => {
    const disk = memoryFolder()
    let delayMs = 20
    const { records } = await open({
      ...disk,
      async write(name, bytes) {
        await new Promise((resolve) => setTimeout(resolve, (delayMs -= 10)))
        return disk.write(name, bytes)
      },
    })
    await Promise.all(
      [1, 2].map((number) =>
        records.offer(record({ number, addresses: [`/ip4/10.0.0.${number}/tcp/1`] }), anybody),
      ),
    )
    expect(numbers((await open(disk)).records)).toEqual([2])
  })

  it('a file that cannot be read today is there tomorrow; a damaged one is removed', async () => {
    const disk = memoryFolder()
    const { records } = await open(disk)
    await records.offer(record({ number: 1, addresses: ['/ip4/10.0.0.1/tcp/1'] }), anybody)
    const failing = await open({ ...disk, read: () => Promise.reject(new Error('EIO')) })
    expect(failing.alarms).toMatchObject([{ code: 'ERR_STORED_DAMAGED' }])
    expect(numbers((await open(disk)).records)).toEqual([1])
    const [name] = await disk.list()
    await disk.write(name as string, new Uint8Array([1, 2, 3]))
    expect(numbers((await open(disk)).records)).toEqual([])
    expect(await disk.list()).toEqual([])
  })
})
