/** How long a guest's call may still take, as what it asks of its host sees it. */
import { expect, it } from 'vitest'
import { CallQueue } from '../../../../host/engine/sandbox/call-queue.ts'
import type { PendingCall } from '../../../../host/engine/sandbox/pending-call.ts'
import { RunningCaller } from '../../../../host/engine/sandbox/running-caller.ts'
import type { Watch } from '../../../../host/engine/sandbox/watch.ts'
import { FakeClock } from '../../fake-clock.ts'

it('a call has what its deadline and whoever made it leave; between calls nobody waits', () => {
  const clock = new FakeClock()
  const calls = new CallQueue(1)
  const watch = { leftMs: -5_000 }
  const caller = new RunningCaller({
    clock,
    calls,
    watch: () => watch as Watch,
    link: () => ({ sharesMemory: false }),
  })
  expect(caller.remainingMs()).toBe(Infinity)
  const pending = (call: number, terms?: object): PendingCall => ({ call, terms }) as unknown as PendingCall
  calls.add(pending(1))
  calls.add(pending(2, { untilMs: clock.monotonicMs() + 300, hops: 2 }))
  calls.next()
  watch.leftMs = 800
  expect(caller.remainingMs()).toBe(800)
  calls.finish(1)
  calls.next()
  expect([caller.remainingMs(), caller.hopsLeft()]).toEqual([300, 2])
  watch.leftMs = -1
  expect(caller.remainingMs()).toBe(0)
})
