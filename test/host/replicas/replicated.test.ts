/** One app's store between its group and its disk, where what is to be said cannot be said. */
import { expect, it } from 'vitest'
import { GroupClock } from '../../../host/replicas/group-clock.ts'
import { replicaLimits } from '../../../host/replicas/messages.ts'
import { openReplicated } from '../../../host/replicas/replicated.ts'
import type { GroupStore } from '../../../host/storage/index.ts'
import { testLog } from '../../mesh/transport/nodes.ts'
import { FakeClock } from '../fake-clock.ts'

it('a store with more replicas than can be named fails by itself, and ends nothing around it', async () => {
  const clock = new FakeClock()
  const vector = new Map(
    Array.from({ length: replicaLimits.replicas + 1 }, (_, n) => [
      `n/${n.toString(16).padStart(12, '0')}`,
      1,
    ]),
  )
  const state = async () => ({ vector, collected: new Map(), digest: '1', dead: 0 })
  const store = { state, onWrite: () => () => {} } as unknown as GroupStore
  const replicated = await openReplicated({
    app: 'x',
    store,
    time: new GroupClock(clock),
    clock,
    log: testLog(),
    send: (_, bytes) => bytes().length > 0,
  })
  replicated.setMembers(new Set(['b']))
  replicated.up('b')
  await clock.advance(60_000)
  replicated.tick()
  expect(replicated.report().failure).toMatch(/too many replicas/)
  replicated.stop()
})
