import type { Connection } from '@libp2p/interface'
import { afterEach, expect, test } from 'vitest'
import { silentLog, systemClock } from '../../../core/index.ts'
import { Connections } from '../../../mesh/transport/connections.ts'
import { Emitter } from '../../../mesh/transport/emitter.ts'
import { ProtocolTraffic } from '../../../mesh/transport/protocol-traffic.ts'
import { FakeClock, settle } from '../../host/fake-clock.ts'
import { transportLimits } from '../../../mesh/transport/index.ts'
import { openGate, soon, TestNodes, until } from './nodes.ts'

const nodes = new TestNodes()
afterEach(() => nodes.stopAll())

test('of connections that nobody admits the oldest make room for new ones', () => {
  const parts = { gate: openGate, clock: systemClock, log: silentLog }
  const connections = new Connections({
    ...parts,
    events: new Emitter(silentLog),
    traffic: new ProtocolTraffic(),
  })
  const closed: string[] = []
  for (let index = 0; index < 100; index++) {
    const id = `c${index}`
    connections.track({
      id,
      remotePeer: { toString: () => id },
      status: 'open',
      addEventListener: () => {},
      close: async () => {
        closed.push(id)
      },
    } as unknown as Connection)
  }
  expect(closed).toEqual(Array.from({ length: 36 }, (_, index) => `c${index}`))
  connections.close(null, 'the test is over')
})

test('a member that is let in and too slow to say so is refused, and no stranger', async () => {
  const clock = new FakeClock()
  let approvals = 0
  const check = async (): Promise<void> => void (approvals += 1)
  const a = await nodes.start('a', { clock, gate: { ...openGate, check } })
  const b = await nodes.start('b', { gate: { ...openGate, check: () => new Promise(() => {}) } })
  const refused: string[] = []
  a.on('stream:refused', ({ protocol }) => refused.push(protocol))
  let served = 0
  a.handle('/test/members/1', () => void (served += 1))
  const [address = ''] = a.addresses()
  // Its verdict on `a` never comes, as where its processor is somebody else's.
  const ending = new AbortController()
  const dial = b.dial([address], ending.signal).catch(() => 'given up')
  await until(() => approvals > 0)
  const { channel } = await b.openBeforeAdmission(address, '/test/members/1', soon())
  await settle()
  await clock.advance(transportLimits.admissionMs + 1)
  await channel.closed
  expect({ served, refused }).toEqual({ served: 0, refused: [] })
  ending.abort()
  expect(await dial).toBe('given up')
})
