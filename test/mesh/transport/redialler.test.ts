import { afterEach, expect, test } from 'vitest'
import { systemClock, systemRandom } from '../../../core/index.ts'
import { Redialler, type DialFailure } from '../../../mesh/transport/index.ts'
import { testLog, TestNodes, until } from './nodes.ts'

const nodes = new TestNodes()
const stops: (() => void)[] = []
afterEach(async () => {
  for (const stop of stops.splice(0)) stop()
  await nodes.stopAll()
})

test('a member that went away is proved dead, and found again when it is back', async () => {
  const [a, b] = [await nodes.start('a'), await nodes.start('b')]
  const failures: DialFailure[] = []
  const redialler = new Redialler({
    transport: a,
    clock: systemClock,
    random: systemRandom,
    log: testLog(),
    onFailure: (_peer, failure) => failures.push(failure),
  })
  redialler.know(b.self, b.addresses())
  redialler.know(a.self, a.addresses())
  redialler.start()
  stops.push(() => redialler.stop())
  await until(() => b.peers().length === 1)
  await b.stop?.()
  await until(() => failures.includes('refused'))
  await b.start?.()
  await until(() => a.peers().length === 1)
  redialler.stop()
  a.disconnect(b.self)
  await new Promise((resolve) => setTimeout(resolve, 400))
  expect(a.peers()).toEqual([])
})
