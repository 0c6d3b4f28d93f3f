import { describe, expect, it, vi } from 'vitest'
import { encodeCbor, keyPairFromSeed, silentLog } from '../../../core/index.ts'
import { nodeIdOf } from '../../../mesh/identity/index.ts'
import {
  createNotary,
  MembershipWatch,
  type Statement,
  type VerdictChange,
} from '../../../mesh/membership/index.ts'
import type { KnockAnswer, Transport } from '../../../mesh/transport/index.ts'
import { FakeClock } from '../../host/fake-clock.ts'
import { FakeTransport, type FakeChannel } from '../admission/fake-transport.ts'
import { SeededRandom } from '../../sim/index.ts'

const mesh = 'ab'.repeat(32)
const keyOf = (number: number) => keyPairFromSeed(new Uint8Array(32).fill(number))
/** Sorted, so that the first opens the channels. */
const keys = [1, 2, 3, 4].map(keyOf).sort((a, b) => (nodeIdOf(a.publicKey) < nodeIdOf(b.publicKey) ? -1 : 1))
const ids = keys.map(({ publicKey }) => nodeIdOf(publicKey))
const [self, a, b, c] = ids as [string, string, string, string]

/** A watch over three members, all connected, and the channels it opened to each. */
async function watching() {
  const clock = new FakeClock()
  const transport = new FakeTransport(self)
  const channels = new Map<string, FakeChannel[]>()
  transport.onOpen = (peer, _protocol, channel) =>
    channels.set(peer, [...(channels.get(peer) ?? []), channel])
  const told = {
    knocks: [] as string[],
    answer: null as KnockAnswer | null,
    dials: [] as string[],
    hungUp: [] as string[],
    attacks: [] as string[],
    changes: 0,
  }
  vi.spyOn(transport as Transport, 'disconnect').mockImplementation((peer) => void told.hungUp.push(peer))
  const changes: VerdictChange[] = []
  const watch = new MembershipWatch({
    transport,
    clock,
    random: new SeededRandom(1),
    log: silentLog,
    notary: createNotary(mesh, keys[0] as (typeof keys)[number]),
    boot: 1,
    bootNonce: new Uint8Array(16),
    knock: async (node) => {
      told.knocks.push(node)
      return told.answer
    },
    dial: (node) => told.dials.push(node),
    want: () => {},
    onChange: () => (told.changes += 1),
    onDuplicate: () => {},
    report: (attack) => told.attacks.push(attack),
  })
  watch.onVerdict((change) => changes.push(change))
  watch.start()
  watch.setMembers([a, b, c])
  transport.connected = [a, b, c]
  for (const peer of [a, b, c]) transport.emit('peer:admitted', { peer, direction: 'outbound' })
  await clock.advance(0)
  return { watch, transport, clock, channels, told, changes }
}

type World = Awaited<ReturnType<typeof watching>>
const newest = ({ channels }: World, peer: string): FakeChannel | undefined => channels.get(peer)?.at(-1)

/** Lets time pass while those in `answering` answer every probe. */
async function live(world: World, ms: number, answering: readonly string[]): Promise<void> {
  const seen = new Map<FakeChannel, number>()
  for (let passed = 0; passed < ms; passed += 50) {
    await world.clock.advance(50)
    for (const peer of answering) {
      const channel = newest(world, peer)
      if (channel === undefined) continue
      const from = seen.get(channel) ?? 0
      seen.set(channel, channel.sent.length)
      for (const frame of channel.sent.slice(from) as unknown[][]) {
        if (frame[0] === 0) channel.receive(encodeCbor([1, frame[1], 0]))
      }
    }
    await world.clock.advance(0)
  }
}

/** What was sent to a peer on its newest channel: of one kind of message. */
function sentTo(world: World, peer: string, kind: number): [number, Uint8Array[]][] {
  const sent = (newest(world, peer)?.sent ?? []) as [number, Uint8Array[]][]
  return sent.filter(([first]) => first === kind)
}

function say(world: World, peer: string, by: number, statement: Statement): void {
  const { bytes } = createNotary(mesh, keys[by] as (typeof keys)[number]).seal(statement)
  newest(world, peer)?.receive(encodeCbor([2, [bytes]]))
}

describe('the watch over the members', () => {
  it('takes those for alive with whom a channel is open, and knows nothing of strangers', async () => {
    const { watch } = await watching()
    expect([a, b, c].map((node) => watch.opinion(node)?.verdict)).toEqual(['alive', 'alive', 'alive'])
    expect(watch.opinion('stranger')).toBeNull()
    expect(watch.self().why).toBe('reaches 3 of 3 peers')
  })

  it('probes its neighbours in turn over one channel each, and measures their answers', async () => {
    const world = await watching()
    await live(world, 6_000, [a, b, c])
    expect(world.channels.get(a)).toHaveLength(1)
    const probes = sentTo(world, a, 0)
    expect(probes.length).toBeGreaterThanOrEqual(3)
    expect(world.watch.opinion(a)).toMatchObject({ verdict: 'alive', why: 'answers its probes' })
    expect(world.watch.opinion(a)?.rttMs).toBeGreaterThanOrEqual(0)
  })

  it('suspects a peer whose probes stay unanswered, tells of it, and hangs up on it in the end', async () => {
    const world = await watching()
    await live(world, 3_000, [a, b])
    expect(world.watch.opinion(c)?.verdict).toBe('suspect')
    expect(world.watch.opinion(c)?.why).toContain('its probes get no answer here')
    expect(world.changes).toContainEqual({ node: c, from: 'alive', to: 'suspect' })
    await live(world, 4_000, [a, b])
    expect(world.told.hungUp).toContain(c)
    expect(world.told.dials).toContain(c)
  })

  it('looks what answers at the port of one that is silent', async () => {
    const world = await watching()
    world.told.answer = 'frozen'
    await live(world, 3_000, [a, b])
    expect(world.told.knocks).toContain(c)
    expect(new Set(world.told.knocks)).toEqual(new Set([c]))
    expect(world.watch.opinion(c)?.why).toContain('its host takes connections, but the node does not speak')
  })

  it('signs its votes and sends them to the others, who can read them', async () => {
    const world = await watching()
    await live(world, 3_000, [a, b])
    const statements = sentTo(world, a, 2)
      .flatMap(([, list]) => list)
      .map((bytes) => createNotary(mesh, keys[1] as (typeof keys)[number]).open(bytes).statement)
    expect(statements).toContainEqual(
      expect.objectContaining({
        kind: 'vote',
        by: self,
        about: c,
        verdict: 'suspect',
        evidence: 'no-answer',
      }),
    )
  })

  it('answers what others probe it with', async () => {
    const world = await watching()
    newest(world, a)?.receive(encodeCbor([0, 7, 0]))
    await world.clock.advance(0)
    expect(newest(world, a)?.sent).toContainEqual([1, 7, 0])
  })

  it('reports a statement in another name, of another mesh or of no form, and goes on', async () => {
    const world = await watching()
    const word = {
      kind: 'alive',
      by: a,
      about: a,
      incarnation: { boot: 9, number: 0 },
      nonce: '00'.repeat(8),
    } as const
    const { bytes } = createNotary('cd'.repeat(32), keys[1] as (typeof keys)[number]).seal(word)
    newest(world, a)?.receive(encodeCbor([2, [bytes, new Uint8Array(90)]]))
    newest(world, a)?.receive(encodeCbor([0, -1, 0]))
    newest(world, a)?.receive(new Uint8Array([0xff, 0xff]))
    await world.clock.advance(0)
    expect(world.told.attacks).toEqual(['forged-vote', 'forged-vote', 'forged-vote', 'parser'])
    await live(world, 1_000, [a, b, c])
    expect(world.watch.opinion(a)?.verdict).toBe('alive')
  })

  it('stops reading for a peer that floods it, and says so once', async () => {
    const world = await watching()
    for (let number = 0; number < 900; number++) newest(world, a)?.receive(encodeCbor([0, number, 0]))
    await world.clock.advance(0)
    expect(world.told.attacks).toEqual(['flood'])
    const answers = sentTo(world, a, 1)
    expect(answers.length).toBeLessThanOrEqual(400)
  })

  it('holds a node that said so itself for gone, and for alive in its next life', async () => {
    const world = await watching()
    const word = { by: c, about: c, nonce: '01'.repeat(8) } as const
    say(world, a, 3, { kind: 'left', ...word, incarnation: { boot: 1, number: 0 } })
    await world.clock.advance(0)
    expect(world.watch.opinion(c)).toMatchObject({ verdict: 'left', why: 'it said that it leaves' })
    say(world, a, 3, { kind: 'alive', ...word, incarnation: { boot: 2, number: 0 }, nonce: '02'.repeat(8) })
    await world.clock.advance(0)
    expect(world.watch.opinion(c)?.verdict).toBe('alive')
  })

  it('says that it leaves before it stops, and leaves neither timers nor channels', async () => {
    const world = await watching()
    const left = world.watch.leave('stops')
    await world.clock.advance(400)
    await left
    world.watch.stop()
    await world.clock.advance(0)
    const last = sentTo(world, b, 2).at(-1)
    const statement = createNotary(mesh, keys[2] as (typeof keys)[number]).open(last?.[1][0] as Uint8Array)
    expect(statement.statement).toMatchObject({ kind: 'left', by: self })
    expect(world.clock.pendingTimers).toBe(0)
    expect(world.channels.get(a)?.every(({ isClosed }) => isClosed)).toBe(true)
  })
})
