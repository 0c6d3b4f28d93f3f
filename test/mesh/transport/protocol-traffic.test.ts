import { afterEach, expect, test } from 'vitest'
import { ProtocolTraffic, type ProtocolTally } from '../../../mesh/transport/index.ts'
import { echo, firstFrame, soon, TestNodes, until } from './nodes.ts'

const nodes = new TestNodes()
afterEach(() => nodes.stopAll())

const protocol = '/selvedge/test/1'

function tallyOf(traffic: ProtocolTraffic, name = protocol): ProtocolTally | undefined {
  return traffic.tallies.find((tally) => tally.protocol === name)
}

test('what one node sends under a protocol is what the other receives, messages with their lengths', async () => {
  const [ofA, ofB] = [new ProtocolTraffic(), new ProtocolTraffic()]
  const a = await nodes.start('a', { traffic: ofA })
  const b = await nodes.start('b', { traffic: ofB })
  b.handle(protocol, (peer, channel) => void echo(peer, channel).catch(() => {}))
  await a.dial(b.addresses(), soon())
  const channel = await a.open(b.self, protocol, soon())
  await channel.send(new Uint8Array(100))
  await channel.send(new Uint8Array(20))
  await firstFrame(channel)
  const crossed = { bytes: 128, messages: 2 }
  await until(() => tallyOf(ofB)?.received.messages === 2 && tallyOf(ofA)?.sent.messages === 2)
  expect(tallyOf(ofA)?.sent).toEqual(crossed)
  expect(tallyOf(ofB)?.received).toEqual(crossed)
  expect(tallyOf(ofA)?.received.bytes).toBeGreaterThanOrEqual(104)
})

test('admission is counted under its own protocol, on both sides', async () => {
  const [ofA, ofB] = [new ProtocolTraffic(), new ProtocolTraffic()]
  const a = await nodes.start('a', { traffic: ofA })
  const b = await nodes.start('b', { traffic: ofB })
  await a.dial(b.addresses(), soon())
  const [name] = ofA.tallies.map((tally) => tally.protocol)
  expect(name).toMatch(/admission/)
  await until(() => tallyOf(ofB, name)?.received.bytes === tallyOf(ofA, name)?.sent.bytes)
  expect(tallyOf(ofA, name)?.sent.bytes).toBeGreaterThan(0)
})

test('what was read of the counts does not change any more', () => {
  const traffic = new ProtocolTraffic()
  traffic.meter(protocol).sent.bytes += 3
  const [before] = traffic.tallies
  traffic.meter(protocol).sent.bytes += 4
  expect([before?.sent.bytes, tallyOf(traffic)?.sent.bytes]).toEqual([3, 7])
})
