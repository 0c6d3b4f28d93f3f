/** What nodes of a group tell each other of what they have to do, over the virtual network. */
import { describe, expect, it } from 'vitest'
import { encodeCbor } from '../../../core/index.ts'
import { LoadExchange, loadProtocol } from '../../../mesh/load/load-exchange.ts'
import { decodeLoad, encodeLoad } from '../../../mesh/load/message.ts'
import { SeededRandom, SimNetwork, VirtualClock } from '../../sim/index.ts'
import { testLog } from '../transport/nodes.ts'

const groups: Record<string, string> = { a: 'lobby', b: 'lobby', c: 'lobby', far: 'garage' }

function harbor() {
  const clock = new VirtualClock()
  const network = new SimNetwork(clock, new SeededRandom(1))
  const reports: string[] = []
  const node = (name: string) => {
    const transport = network.transport(name)
    const load = new LoadExchange({
      transport,
      clock,
      log: testLog(),
      isNear: (other) => groups[name] === groups[other],
      report: (attack, peer) => void reports.push(`${attack} of ${peer}`),
    })
    transport.start()
    load.start()
    return { transport, load }
  }
  const nodes = { a: node('a'), b: node('b'), c: node('c'), far: node('far') }
  for (const one of Object.keys(nodes)) for (const other of Object.keys(nodes)) network.connect(one, other)
  return { clock, network, nodes, reports }
}

const shop = new Map([['shop', 8]])

describe('load', () => {
  it('comes to the connected members of the group and to nobody else', async () => {
    const { clock, nodes } = harbor()
    nodes.a.load.tell(shop)
    await clock.run(100)
    expect([...nodes.b.load.of('a')]).toEqual([['shop', 8]])
    expect([...nodes.c.load.of('a')]).toEqual([['shop', 8]])
    expect(nodes.far.load.of('a').size).toBe(0)
    expect(nodes.far.transport.sentBytes(loadProtocol) + nodes.b.transport.sentBytes(loadProtocol)).toBe(0)
  })

  it('is over when it is said to be, when it is not told again, and when the connection is gone', async () => {
    const { clock, network, nodes } = harbor()
    nodes.a.load.tell(shop)
    await clock.run(100)
    nodes.a.load.tell(new Map())
    await clock.run(100)
    expect(nodes.b.load.of('a').size).toBe(0)
    nodes.a.load.tell(shop)
    await clock.run(11_000)
    expect(nodes.b.load.of('a').size).toBe(1)
    await clock.run(2_000)
    expect(nodes.b.load.of('a').size).toBe(0)
    nodes.a.load.tell(shop)
    await clock.run(100)
    network.cut('a', 'b')
    expect(nodes.b.load.of('a').size).toBe(0)
    expect(nodes.c.load.of('a').size).toBe(1)
  })

  it('costs a node without any nothing, and its channels close when it is over', async () => {
    const { clock, nodes } = harbor()
    nodes.a.load.tell(new Map())
    await clock.run(60_000)
    expect(nodes.a.transport.sentBytes(loadProtocol)).toBe(0)
    nodes.a.load.tell(shop)
    await clock.run(100)
    expect(nodes.a.transport.connectionTo('b')?.channels.map(({ size }) => size)).toEqual([1, 1])
    await clock.run(40_000)
    expect(nodes.a.transport.connectionTo('b')?.channels.map(({ size }) => size)).toEqual([0, 0])
  })

  it('is refused where it cannot be read, and one that tells without end is heard no further', async () => {
    const { clock, nodes, reports } = harbor()
    const signal = new AbortController().signal
    const say = async (frames: readonly Uint8Array[]): Promise<void> => {
      const channel = await clock.finish(nodes.b.transport.open('a', loadProtocol, signal), 1_000)
      for (const frame of frames) void channel.send(frame).catch(() => {})
      await clock.run(1_000)
    }
    await say([encodeCbor([['../shop', 1]])])
    await say([encodeCbor([['shop', 99]])])
    await say([new Uint8Array([0xff])])
    expect(reports).toEqual(['parser of b', 'parser of b', 'parser of b'])
    expect(nodes.a.load.of('b').size).toBe(0)
    await say(Array.from({ length: 50 }, () => encodeLoad(shop)))
    expect(reports.slice(3)).toEqual(['flood of b'])
  })

  it('is told in powers of two, of those apps that have the most to do', () => {
    const many = new Map(Array.from({ length: 100 }, (_, at) => [`app-${at}`, at + 1]))
    const told = decodeLoad(encodeLoad(many))
    expect(told.size).toBe(64)
    expect(told.get('app-99')).toBe(128)
    expect(told.has('app-3')).toBe(false)
  })
})
