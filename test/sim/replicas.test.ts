import { expect, test } from 'vitest'
import { ReplicaWorld } from './replica-world.ts'
import { simSeed, VirtualClock, withSeedAsync, type SeededRandom } from './index.ts'

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text)

/** One or two in the suite; `SIM_SEEDS=500` for a night. */
const seeds = Number(process.env['SIM_SEEDS'] ?? 6)

async function set(world: ReplicaWorld, name: string, key: string, value: string): Promise<void> {
  await world.clock.finish(world.at(name).store.set('shared', key, utf8(value)), 5_000)
}

test('what one node writes the others have a moment later', () =>
  withSeedAsync(simSeed(), async (random) => {
    const world = new ReplicaWorld(new VirtualClock(), random, 3)
    await world.clock.run(500)
    await set(world, 'n0', 'k', 'v')
    await world.clock.run(200)
    for (const { name } of world.on) expect(await world.read(name, 'k')).toBe('v')
    const sent = world.on.reduce((sum, { bytesSent }) => sum + bytesSent, 0)
    await world.clock.run(9_000)
    const later = world.on.reduce((sum, { bytesSent }) => sum + bytesSent, 0)
    expect(later - sent).toBeLessThan(1_000)
  }))

test('a thousand keys on each side of a cut are equal within two seconds, for less than twice their bytes', () =>
  withSeedAsync(simSeed(), async (random) => {
    const world = new ReplicaWorld(new VirtualClock(), random, 2, { bytesPerSecond: 2_000_000 })
    await world.clock.run(500)
    world.split(['n0'], ['n1'])
    let changes = 0
    for (const name of ['n0', 'n1']) {
      const entries = Array.from({ length: 1_000 }, (_, at): [string, Uint8Array] => {
        const entry: [string, Uint8Array] = [
          `${name}/reading-${at}`,
          utf8(`{"value":${at},"unit":"Cel","at":1700000000}`),
        ]
        changes += Buffer.byteLength(entry[0]) + entry[1].length
        return entry
      })
      await world.clock.finish(world.at(name).store.setMany('shared', entries), 5_000)
    }
    await world.clock.run(5_000)
    const before = world.on.reduce((sum, { bytesSent }) => sum + bytesSent, 0)
    world.heal()
    expect(await world.untilEqual(2_000)).toBeLessThan(2_000)
    const bytes = world.on.reduce((sum, { bytesSent }) => sum + bytesSent, 0) - before
    expect(bytes).toBeLessThan(2 * changes)
    expect((await world.clock.finish(world.at('n0').store.usage(), 1_000)).keys).toBe(2_000)
  }))

test('a write by a clock in 2035 counts as a minute ahead, and is told of', () =>
  withSeedAsync(simSeed(), async (random) => {
    const world = new ReplicaWorld(new VirtualClock(), random, 3)
    world.skews.set('n2', 9 * 365 * 86_400_000)
    world.split(['n0', 'n1'], ['n2'])
    await set(world, 'n2', 'k', '2035')
    world.heal()
    await world.untilEqual(90_000)
    expect(await world.read('n0', 'k')).toBe('2035')
    // By whoever had it first: that one passes on what it made of it.
    const told = ['n0', 'n1'].map((name) => world.at(name).replicas.report()[0]?.clampedFrom)
    expect(told).toContainEqual(expect.any(String))
    expect(world.at('n2').replicas.report()[0]?.aheadMs).toBeGreaterThan(60_000)
    world.split(['n0', 'n1'], ['n2'])
    await world.clock.run(90_000)
    await set(world, 'n0', 'k', 'later')
    await set(world, 'n2', 'other', 'x')
    world.heal()
    await world.untilEqual(90_000)
    for (const { name } of world.on) expect(await world.read(name, 'k')).toBe('later')
  }))

const kinds = ['set', 'set', 'set', 'count', 'delete', 'split', 'heal', 'off', 'on', 'skew', 'wait'] as const

/** What was acknowledged, and may not be lost: keys that only one node ever writes, and all that was counted. */
async function life(
  world: ReplicaWorld,
  random: SeededRandom,
  steps: number,
): Promise<{ own: Map<string, string | null>; counted: bigint; unsure: bigint }> {
  const own = new Map<string, string | null>()
  let counted = 0n
  let unsure = 0n
  for (let step = 0; step < steps; step++) {
    const kind = random.pick(kinds)
    const member = random.pick(world.on)
    const key = `${member.name}/${random.below(4)}`
    if (kind === 'set') {
      await set(world, member.name, 'contended', `${member.name} ${step}`)
      await set(world, member.name, key, String(step))
      own.set(key, String(step))
    } else if (kind === 'count') {
      await world.clock.finish(member.store.increment('shared', 'sum', 3n), 5_000)
      counted += 3n
    } else if (kind === 'delete') {
      await world.clock.finish(member.store.delete('shared', key), 5_000)
      own.set(key, null)
    } else if (kind === 'split') {
      const names = random.shuffle(world.names)
      const at = 1 + random.below(names.length - 1)
      world.split(names.slice(0, at), names.slice(at))
    } else if (kind === 'heal') world.heal()
    else if (kind === 'off' && world.on.length > 1) {
      // One is under way as the power goes: it counts or does not.
      member.store.increment('shared', 'sum', 1_000_000n).catch(() => {})
      unsure += 1n
      await world.clock.run(random.below(3))
      world.powerOff(member.name)
    } else if (kind === 'on') {
      const off = world.names.filter((name) => !world.on.some((one) => one.name === name))
      if (off.length > 0) world.powerOn(random.pick(off))
    } else if (kind === 'skew') {
      const years = 365 * 86_400_000
      world.skews.set(member.name, random.pick([0, 0, 30_000, -3_600_000, -56 * years, 9 * years]))
    }
    await world.clock.run(random.below(kind === 'wait' ? 20_000 : 300))
  }
  return { own, counted, unsure }
}

test.each(Array.from({ length: seeds }, (_, index) => index))(
  'nodes that are cut off, lose power and the time come to hold the same, and nothing acknowledged is lost (%i)',
  (index) =>
    withSeedAsync((simSeed() + index) >>> 0, async (random) => {
      const world = new ReplicaWorld(new VirtualClock(), random, 2 + random.below(3), { breakChance: 0.002 })
      const { own, counted, unsure } = await life(world, random, 60)
      for (const name of world.names) if (!world.on.some((one) => one.name === name)) world.powerOn(name)
      world.heal()
      await world.clock.run(1_000)
      // A connection may have broken meanwhile.
      world.connect()
      await world.untilEqual(120_000)
      for (const [key, value] of own) expect([key, await world.read('n0', key)]).toEqual([key, value])
      const sum = BigInt((await world.read('n0', 'sum')) ?? '0')
      expect(sum % 1_000_000n).toBe(counted)
      expect(sum / 1_000_000n).toBeLessThanOrEqual(unsure)
      const values = await Promise.all(world.on.map(({ name }) => world.read(name, 'contended')))
      expect(new Set(values).size).toBe(1)
    }),
)

test('a store that cannot be opened is told of, and is brought up to date when it can', () =>
  withSeedAsync(simSeed(), async (random) => {
    const world = new ReplicaWorld(new VirtualClock(), random, 2)
    await world.clock.run(500)
    await set(world, 'n0', 'k', 'v')
    world.powerOff('n1')
    world.broken.add('n1')
    const back = world.powerOn('n1')
    await world.clock.run(1_000)
    expect(back.replicas.report()[0]?.failure).toContain('worn out')
    await expect(world.read('n1', 'k')).rejects.toThrow('worn out')
    world.broken.delete('n1')
    await world.clock.run(31_000)
    expect(back.replicas.report()[0]).toMatchObject({ failure: null, peers: 1, equal: 1 })
    expect(await world.read('n1', 'k')).toBe('v')
  }))
