import { expect, test } from 'vitest'
import { memoryFolder, type DurableFolder } from '../../../core/index.ts'
import { signNodeRecord, type Alarm } from '../../../mesh/identity/index.ts'
import { openNodeRecords, type NodeRecords } from '../../../mesh/membership/index.ts'
import { handClock, keyNamed, startOfTime } from '../identity/harness.ts'

const meshId = 'ab'.repeat(32)
const key = keyNamed('node')

function record(number: number, addresses: string[]): Uint8Array {
  return signNodeRecord(key, {
    v: 1,
    mesh: meshId,
    node: key.publicKey,
    name: 'lobby-1',
    boot: 1,
    bootNonce: new Uint8Array(16),
    number,
    groups: [],
    roles: [],
    arch: 'x64',
    platform: 'linux',
    runtime: 'node',
    version: '0.1.0',
    features: [],
    addresses,
    devices: [],
    apps: [],
    issuedAt: startOfTime,
  })
}

async function open(folder: DurableFolder): Promise<{ records: NodeRecords; alarms: Alarm[] }> {
  const alarms: Alarm[] = []
  const onAlarm = (alarm: Alarm): unknown => alarms.push(alarm)
  return { records: await openNodeRecords({ meshId, folder, clock: handClock(), onAlarm }), alarms }
}

const numbers = (records: NodeRecords): number[] =>
  records.all().map(({ record: { report } }) => report.number)

test('a record that the disk did not take is known all the same, and written when the node stops', async () => {
  const disk = memoryFolder()
  let isFull = true
  const { records, alarms } = await open({
    ...disk,
    async write(name, bytes) {
      if (isFull) throw new Error('no space left on device')
      return disk.write(name, bytes)
    },
  })
  expect(await records.offer(record(1, ['/ip4/10.0.0.1/tcp/1']), () => {})).toMatchObject({
    outcome: 'accepted',
  })
  expect(numbers(records)).toEqual([1])
  expect(alarms).toMatchObject([{ code: 'ERR_NODE_RECORD_UNSAVED' }])
  isFull = false
  await records.flush()
  expect(numbers((await open(disk)).records)).toEqual([1])
})

test('the newest record is the one on the disk, also where an older write takes longer', async () => {
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
    [1, 2].map((number) => records.offer(record(number, [`/ip4/10.0.0.${number}/tcp/1`]), () => {})),
  )
  expect(numbers((await open(disk)).records)).toEqual([2])
})

test('a file that cannot be read today is there tomorrow; a damaged one is removed', async () => {
  const disk = memoryFolder()
  const { records } = await open(disk)
  await records.offer(record(1, ['/ip4/10.0.0.1/tcp/1']), () => {})
  const failing = await open({ ...disk, read: () => Promise.reject(new Error('EIO')) })
  expect(failing.alarms).toMatchObject([{ code: 'ERR_STORED_DAMAGED' }])
  expect(numbers((await open(disk)).records)).toEqual([1])
  const [name] = await disk.list()
  await disk.write(name as string, new Uint8Array([1, 2, 3]))
  expect(numbers((await open(disk)).records)).toEqual([])
  expect(await disk.list()).toEqual([])
})
