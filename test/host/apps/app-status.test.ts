import { expect, it } from 'vitest'
import type { Transfer } from '../../../host/api/index.ts'
import { idleMachine } from '../../../host/apps/app-machine.ts'
import type { AppMachine, Slot } from '../../../host/apps/app-state.ts'
import { statusOf } from '../../../host/apps/app-status.ts'

const transfer: Transfer = {
  haveBytes: 300,
  totalBytes: 1_000,
  fetchedBytes: 280,
  via: 'peers',
  ms: 40,
  bytesPerSecond: 7_000,
}
const full = { code: 'ERR_DISK_FULL', message: 'the disk is full', hint: 'make room' }
const slot = (seq: number, phase: Slot['phase']): Slot => ({
  release: { digest: `digest-${seq}`, record: { app: 'a', version: `${seq}.0.0`, seq } } as Slot['release'],
  phase,
  since: 5,
  reason: null,
  retry: null,
  attempt: 0,
  failures: 0,
  restarts: 0,
  instance: null,
  ranAtMs: null,
})
const machine = (current: Slot | null, next: Slot | null): AppMachine => ({ ...idleMachine, current, next })
const acquisition = (paused: typeof full | null) => ({
  transferOf: (digest: string) => (digest === 'digest-2' ? transfer : null),
  pausedOf: () => paused,
})

it('a first release on its way tells how far it is, as there is no other beside it', () => {
  expect(statusOf(machine(null, slot(2, 'fetching')), acquisition(null))).toEqual({
    app: 'a',
    version: '2.0.0',
    seq: 2,
    state: 'fetching',
    since: 5,
    failures: 0,
    transfer,
  })
})

it('a release beside the one that runs tells of its own transfer', () => {
  const status = statusOf(machine(slot(1, 'running'), slot(2, 'fetching')), acquisition(null))
  expect(status?.transfer).toBeUndefined()
  expect(status?.next).toEqual({ version: '2.0.0', seq: 2, state: 'fetching', progress: 0.3, transfer })
})

it('a fetch that goes on by itself and does not move says why, and only while it fetches', () => {
  expect(statusOf(machine(null, slot(2, 'fetching')), acquisition(full))?.reason).toEqual(full)
  expect(statusOf(machine(null, slot(2, 'preparing')), acquisition(full))?.reason).toBeUndefined()
})
