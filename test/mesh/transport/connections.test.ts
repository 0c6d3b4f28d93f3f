import type { Connection } from '@libp2p/interface'
import { expect, test } from 'vitest'
import { silentLog, systemClock } from '../../../core/index.ts'
import { Connections } from '../../../mesh/transport/connections.ts'
import { Emitter } from '../../../mesh/transport/emitter.ts'
import { ProtocolTraffic } from '../../../mesh/transport/protocol-traffic.ts'
import { openGate } from './nodes.ts'

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
