import { describe, expect, it } from 'vitest'
import { encodeCbor, silentLog } from '../../../core/index.ts'
import { MembershipWatch } from '../../../mesh/membership/index.ts'
import { FakeClock } from '../../host/fake-clock.ts'
import { FakeTransport, type FakeChannel } from '../admission/fake-transport.ts'

const probe = '/selvedge/probe/1'

/** A watch over `members`, all connected, and the probe channels it opened to each. */
async function watching(...members: string[]): Promise<{
  watch: MembershipWatch
  transport: FakeTransport
  clock: FakeClock
  channels: Map<string, FakeChannel[]>
  changes(): number
}> {
  const clock = new FakeClock()
  const transport = new FakeTransport('self')
  const channels = new Map<string, FakeChannel[]>()
  transport.onOpen = (peer, _protocol, channel) =>
    channels.set(peer, [...(channels.get(peer) ?? []), channel])
  let changes = 0
  const watch = new MembershipWatch({ transport, clock, log: silentLog, onChange: () => (changes += 1) })
  watch.start()
  transport.connected = members
  watch.setMembers(members)
  return { watch, transport, clock, channels, changes: () => changes }
}

/** Lets `seconds` pass while those in `answering` echo every probe. */
async function live(
  { clock, channels }: Awaited<ReturnType<typeof watching>>,
  seconds: number,
  answering: readonly string[],
): Promise<void> {
  const echoed = new Map<FakeChannel, number>()
  for (let step = 0; step < seconds * 4; step += 1) {
    await clock.advance(250)
    for (const peer of answering) {
      for (const channel of channels.get(peer) ?? []) {
        const from = echoed.get(channel) ?? 0
        for (const number of channel.sent.slice(from)) channel.receive(encodeCbor(number))
        echoed.set(channel, channel.sent.length)
      }
    }
  }
}

describe('the watch over the members', () => {
  it('takes those that are connected already for alive', async () => {
    const { watch } = await watching('a', 'b')
    expect([watch.opinion('a')?.verdict, watch.opinion('b')?.verdict]).toEqual(['alive', 'alive'])
    expect(watch.opinion('stranger')).toBeNull()
  })

  it('probes each peer once a second over one channel, and measures its answers', async () => {
    const world = await watching('a', 'b')
    await live(world, 6, ['a', 'b'])
    const [channel, ...more] = world.channels.get('a') ?? []
    expect(more).toEqual([])
    expect(channel?.sent.length).toBeGreaterThanOrEqual(5)
    expect(world.watch.opinion('a')).toMatchObject({ verdict: 'alive', why: 'answers its probes' })
    expect(world.watch.opinion('a')?.rttMs).toBeGreaterThanOrEqual(0)
  })

  it('suspects a peer whose probes stay unanswered, and tells of the change once', async () => {
    const world = await watching('a', 'b', 'c')
    await live(world, 3, ['a', 'b'])
    expect(world.watch.opinion('c')).toMatchObject({ verdict: 'suspect', why: 'probes get no answer' })
    const before = world.changes()
    await live(world, 1, ['a', 'b'])
    expect(world.changes()).toBe(before)
  })

  it('is not deceived by an answer to a probe that was never sent', async () => {
    const world = await watching('a', 'b', 'c')
    await live(world, 1, ['a', 'b'])
    for (const channel of world.channels.get('c') ?? []) channel.receive(encodeCbor(4_242))
    await live(world, 3, ['a', 'b'])
    expect(world.watch.opinion('c')?.verdict).toBe('suspect')
  })

  it('leaves suspicion as it is when the membership of somebody else changes', async () => {
    const world = await watching('a', 'b', 'c')
    await live(world, 3, ['a', 'b'])
    world.watch.setMembers(['a', 'b', 'c', 'd'])
    expect(world.watch.opinion('c')?.verdict).toBe('suspect')
  })

  it('opens a channel anew where a peer broke off or wrote something unreadable', async () => {
    const world = await watching('a', 'b')
    await live(world, 1, ['a', 'b'])
    world.channels.get('a')?.[0]?.close()
    world.channels.get('b')?.[0]?.receive(new Uint8Array([0xff, 0xff]))
    await live(world, 2, ['a', 'b'])
    expect([world.channels.get('a')?.length, world.channels.get('b')?.length]).toEqual([2, 2])
  })

  it('opens one channel after another where sending on the first failed, and leaves none open', async () => {
    const world = await watching('a', 'b')
    await live(world, 1, ['a', 'b'])
    const [first] = world.channels.get('a') ?? []
    if (first !== undefined) first.failure = new Error('it is gone')
    await live(world, 3, ['a', 'b'])
    expect(first?.isClosed).toBe(true)
    expect(world.channels.get('a')).toHaveLength(2)
  })

  it('suspects a peer whose connection closed, and welcomes it back', async () => {
    const { watch, transport } = await watching('a', 'b')
    transport.emit('peer:lost', { peer: 'a', reason: 'closed' })
    expect(watch.opinion('a')?.verdict).toBe('suspect')
    transport.emit('peer:admitted', { peer: 'a', direction: 'inbound' })
    expect(watch.opinion('a')?.verdict).toBe('alive')
  })

  it('echoes what others probe it with', async () => {
    const { transport, clock } = await watching('a')
    const channel = transport.accept(probe, 'a')
    channel.receive(encodeCbor(7))
    await clock.advance(0)
    expect(channel.sent).toEqual([7])
  })

  it('stops without timers or open channels', async () => {
    const world = await watching('a')
    await live(world, 1, ['a'])
    world.watch.stop()
    await world.clock.advance(0)
    expect(world.clock.pendingTimers).toBe(0)
    expect(world.channels.get('a')?.every(({ isClosed }) => isClosed)).toBe(true)
  })
})
