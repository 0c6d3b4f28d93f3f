/** What a node says of the disk that it is on. */
import { expect, it } from 'vitest'
import { DiskRoom } from '../../../host/node/disk-room.ts'
import { FakeClock } from '../fake-clock.ts'

const mib = 1024 ** 2

it('names a disk that is all but full, when somebody asks and by itself, and no longer when there is room again', async () => {
  const clock = new FakeClock()
  let freeBytes = 900 * mib
  const room = new DiskRoom(
    '/data',
    clock,
    () => 'free some',
    async () => ({ freeBytes, totalBytes: 8_000 * mib }),
  )
  await room.start()
  expect(room.problems()).toEqual([])
  freeBytes = 1.27 * mib
  await clock.advance(310_000)
  expect(room.problems()).toEqual([
    {
      code: 'ERR_DISK_FULL',
      message: expect.stringContaining('/data has 1.2 of 8000 MiB free') as string,
      hint: 'free some',
    },
  ])
  freeBytes = 900 * mib
  await room.look()
  expect(room.problems()).toEqual([])
  room.stop()
  expect(clock.pendingTimers).toBe(0)
})

it.each([
  ['a small disk with a tenth free', { freeBytes: 2.4 * mib, totalBytes: 24 * mib }],
  ['one of which the system tells nothing', null],
])('says nothing of %s', async (_, facts) => {
  const room = new DiskRoom(
    '/data',
    new FakeClock(),
    () => '',
    async () => facts,
  )
  await room.look()
  expect(room.problems()).toEqual([])
})
