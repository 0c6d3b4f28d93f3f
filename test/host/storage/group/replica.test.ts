import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Random } from '../../../../core/index.ts'
import type { Batch, ReplicaState } from '../../../../host/storage/group/batch.ts'
import { MapEntryRows } from '../../../../host/storage/group/map-entry-rows.ts'
import { Replica } from '../../../../host/storage/group/replica.ts'
import { common, isAtLeast } from '../../../../host/storage/group/vector.ts'

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text)
const day = Date.UTC(2026, 5, 1)

function randomFrom(seed: number): Random {
  let state = seed + 1
  const next = (): number => (state = (state * 48_271) % 2_147_483_647)
  return {
    fraction: () => next() / 2_147_483_647,
    bytes: (length) => Uint8Array.from({ length }, () => next() % 256),
  }
}

/** Replicas that hand each other what they have whenever they are told to. */
class Group {
  readonly replicas: Replica[]

  constructor(count: number) {
    this.replicas = Array.from({ length: count }, (_, index) => {
      return new Replica(new MapEntryRows(), `node${index}`, randomFrom(index * 977))
    })
    for (const replica of this.replicas) replica.time = { wallMs: day, latestMs: day + 60_000 }
  }

  at(index: number): Replica {
    const found = this.replicas[index % this.replicas.length]
    if (found === undefined) throw new Error('there is none')
    return found
  }

  set(index: number, key: string, value: string | null): void {
    const replica = this.at(index)
    replica.transaction(() => replica.write('b', key, value === null ? null : utf8(value)))
  }

  add(index: number, key: string, delta: bigint): void {
    const replica = this.at(index)
    replica.transaction(() => replica.count('b', key, delta))
  }

  get(index: number, key: string): string | null {
    const value = this.at(index).read('b', key)?.value
    return value === undefined ? null : new TextDecoder().decode(value)
  }

  /** All that one lacks of the other, in answers of so many bytes. */
  pull(into: number, from: number, bytes = Infinity): void {
    const [receiver, sender] = [this.at(into), this.at(from)]
    if (receiver === sender) return
    let walked: Batch['vector'] | null = null
    let batch = sender.changes(receiver.state().vector, bytes)
    for (;;) {
      receiver.merge(batch, Infinity)
      if (batch.kind.type === 'range') walked ??= batch.vector
      if (batch.isLast) break
      batch =
        batch.kind.type === 'changes'
          ? sender.changes(batch.kind.upTo, bytes)
          : sender.range(batch.kind.type === 'range' ? batch.kind.to : null, bytes)
    }
    receiver.advance(walked ?? batch.vector, batch.collected)
  }

  /** Everybody with everybody, and through all keys where two that know the same do not hold the same. */
  settle(): void {
    for (let round = 0; round < 3; round++) {
      for (const into of this.replicas.keys()) for (const from of this.replicas.keys()) this.pull(into, from)
    }
    for (const receiver of this.replicas) {
      for (const sender of this.replicas) {
        if (receiver.state().digest !== sender.state().digest)
          receiver.merge(sender.range(null, Infinity), Infinity)
      }
    }
  }

  expectSame(keys: readonly string[]): void {
    const [first, ...rest] = this.replicas.map((replica) => replica.state())
    for (const state of rest) {
      expect(new Map([...state.vector].sort())).toEqual(new Map([...(first?.vector ?? [])].sort()))
      expect(state.digest).toBe(first?.digest)
    }
    for (const key of keys) {
      const values = this.replicas.map((_, index) => this.get(index, key))
      expect(new Set(values).size).toBe(1)
    }
  }
}

describe('a replica of a group', () => {
  it('gives way to a write that knew of it, whatever the clocks say', () => {
    const group = new Group(2)
    group.at(0).time = { wallMs: Date.UTC(2035, 0, 1), latestMs: Infinity }
    group.set(0, 'k', 'from the future')
    group.pull(1, 0)
    group.set(1, 'k', 'later')
    group.settle()
    expect(group.get(0, 'k')).toBe('later')
    group.expectSame(['k'])
  })

  it('shows of two writes that did not know of each other the one with the later stamp, on both sides', () => {
    const group = new Group(2)
    group.set(0, 'k', 'earlier')
    group.at(1).time = { wallMs: day + 5_000, latestMs: Infinity }
    group.set(1, 'k', 'later')
    group.settle()
    expect([group.get(0, 'k'), group.get(1, 'k')]).toEqual(['later', 'later'])
  })

  it('keeps what is not shown until something overwrites it too', () => {
    const group = new Group(3)
    group.set(0, 'k', 'a')
    group.at(1).time = { wallMs: day + 5_000, latestMs: Infinity }
    group.set(1, 'k', 'b')
    group.pull(2, 1)
    group.set(2, 'k', null)
    group.settle()
    expect(group.get(0, 'k')).toBe(group.get(2, 'k'))
    group.expectSame(['k'])
  })

  it('orders the writes of a clock that was never set by their count alone, behind all it has seen', () => {
    const group = new Group(2)
    group.at(1).time = { wallMs: 0, latestMs: Infinity }
    group.set(1, 'old', '1')
    group.set(0, 'old', '2')
    group.settle()
    expect(group.get(1, 'old')).toBe('2')
    group.set(0, 'new', 'before')
    group.pull(1, 0)
    group.set(1, 'new', 'after')
    group.settle()
    expect(group.get(0, 'new')).toBe('after')
  })

  it('takes a stamp for no more than a minute ahead, and says so', () => {
    const group = new Group(2)
    group.at(0).time = { wallMs: Date.UTC(2035, 0, 1), latestMs: Infinity }
    group.set(0, 'k', '2035')
    const batch = group.at(0).changes(new Map(), Infinity)
    expect(group.at(1).merge(batch, Infinity)?.clamped).toBe(1)
    group.at(1).advance(batch.vector, batch.collected)
    group.at(1).time = { wallMs: day + 120_000, latestMs: day + 180_000 }
    const other = new Group(1).at(0)
    other.time = { wallMs: day + 120_000, latestMs: day + 180_000 }
    other.transaction(() => other.write('b', 'k', utf8('two minutes later')))
    group.at(1).merge(other.changes(new Map(), Infinity), Infinity)
    expect(group.get(1, 'k')).toBe('two minutes later')
  })

  it('adds up what was counted on all sides, also beside a write that had seen a part of it', () => {
    const group = new Group(3)
    group.add(0, 'n', 3n)
    group.settle()
    group.set(1, 'n', '10')
    group.add(0, 'n', 1n)
    group.add(2, 'n', 100n)
    group.settle()
    expect(group.get(0, 'n')).toBe('111')
    group.set(2, 'n', null)
    group.settle()
    expect(group.get(1, 'n')).toBeNull()
    group.add(0, 'n', 5n)
    group.settle()
    expect(group.get(1, 'n')).toBe('5')
    group.expectSame(['n'])
  })

  it('forgets a deletion that all have seen, counts anew from nothing, and nothing comes back', () => {
    const group = new Group(3)
    group.set(0, 'k', 'v')
    group.add(1, 'n', 7n)
    group.settle()
    group.set(2, 'k', null)
    group.set(2, 'n', null)
    group.settle()
    const known = common(group.replicas.map((replica) => replica.state().vector))
    const stable = { stable: known, everywhere: known }
    expect(group.at(0).collect(stable, Infinity)).toBe(2)
    group.add(1, 'n', 1n)
    group.settle()
    expect(group.get(0, 'n')).toBe('1')
    expect(group.get(2, 'n')).toBe('1')
    for (const replica of group.replicas) replica.collect(stable, Infinity)
    group.settle()
    group.expectSame(['k', 'n'])
    expect(group.at(2).totals().dead).toBe(0)
  })

  it('sends everything to one that was away while deletions were forgotten, and takes what it has written', () => {
    const group = new Group(3)
    for (const key of ['a', 'b', 'c', 'd']) group.set(0, key, key)
    group.settle()
    group.set(0, 'b', null)
    group.set(2, 'd', 'written while away')
    group.pull(1, 0)
    group.pull(0, 1)
    const stable = common([group.at(0).state().vector, group.at(1).state().vector])
    expect(group.at(0).collect({ stable, everywhere: new Map() }, Infinity)).toBe(1)
    expect(group.at(0).changes(group.at(2).state().vector, Infinity).kind.type).toBe('range')
    group.pull(2, 0, 1)
    expect(group.get(2, 'b')).toBeNull()
    expect(group.get(2, 'd')).toBe('written while away')
    group.settle()
    group.expectSame(['a', 'b', 'c', 'd'])
  })

  it('calls itself something else when others know more of it than it does itself', () => {
    const rows = new MapEntryRows()
    const replica = new Replica(rows, 'node0', randomFrom(1))
    replica.transaction(() => replica.write('b', 'k', utf8('1')))
    const [[name] = ['', 0]] = [...replica.state().vector]
    const vector = new Map([[name, 50]])
    replica.merge(
      { vector, entries: [], kind: { type: 'changes', upTo: vector }, isLast: true, collected: new Map() },
      Infinity,
    )
    replica.transaction(() => replica.write('b', 'k', utf8('2')))
    expect(replica.state().vector.size).toBe(2)
  })

  it('settles on one of two things that a liar called by one name', () => {
    const group = new Group(3)
    group.set(0, 'k', 'honest')
    const batch = group.at(0).changes(new Map(), Infinity)
    const lie: Batch = {
      ...batch,
      entries: batch.entries.map((sent) => ({
        ...sent,
        entry: {
          ...sent.entry,
          siblings: sent.entry.siblings.map((sibling) => ({ ...sibling, value: utf8('a lie') })),
        },
      })),
    }
    group.at(1).merge(batch, Infinity)
    group.at(2).merge(lie, Infinity)
    for (const replica of [group.at(1), group.at(2)]) replica.advance(batch.vector, batch.collected)
    expect(group.at(1).state().digest).not.toBe(group.at(2).state().digest)
    const [one, two] = [group.at(1).range(null, Infinity), group.at(2).range(null, Infinity)]
    group.at(1).merge(two, Infinity)
    group.at(2).merge(one, Infinity)
    expect(group.at(1).state().digest).toBe(group.at(2).state().digest)
  })
})

const keys = ['a', 'b', 'c']
/** Three orders of joining three sides. */
function joins(steps: readonly Step[]): ReplicaState[] {
  const { group } = run(steps)
  const sides = group.replicas.slice(0, 3).map((replica) => replica.range(null, Infinity))
  return [
    [0, 1, 2],
    [2, 1, 0],
    [1, 2, 0, 1],
  ].map((order) => {
    const empty = new Replica(new MapEntryRows(), 'reader', randomFrom(5))
    for (const side of order) {
      const batch = sides[side]
      if (batch !== undefined)
        empty.merge({ ...batch, kind: { type: 'changes', upTo: batch.vector } }, Infinity)
    }
    return empty.state()
  })
}

type Step =
  | { kind: 'set'; at: number; key: string; value: number | null; skewMs: number }
  | { kind: 'add'; at: number; key: string; delta: number }
  | { kind: 'pull'; into: number; from: number; bytes: number }
  | { kind: 'cut'; into: number; from: number; bytes: number }
  | { kind: 'hold'; from: number; to: number }
  | { kind: 'deliver'; into: number; which: number }
  | { kind: 'collect'; at: number }

const node = fc.nat(3)
const key = fc.constantFrom(...keys)
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({
    kind: fc.constant('set' as const),
    at: node,
    key,
    value: fc.option(fc.nat(99)),
    skewMs: fc.constantFrom(0, -90_000, 90_000, 3e11),
  }),
  fc.record({
    kind: fc.constant('add' as const),
    at: node,
    key: fc.constant('n'),
    delta: fc.integer({ min: -9, max: 9 }),
  }),
  fc.record({
    kind: fc.constant('pull' as const),
    into: node,
    from: node,
    bytes: fc.constantFrom(1, 40, 1e6),
  }),
  fc.record({ kind: fc.constant('cut' as const), into: node, from: node, bytes: fc.constantFrom(1, 40) }),
  fc.record({ kind: fc.constant('hold' as const), from: node, to: node }),
  fc.record({ kind: fc.constant('deliver' as const), into: node, which: fc.nat(20) }),
  fc.record({ kind: fc.constant('collect' as const), at: node }),
)

/** Answers are lost, held back, repeated and handed over in any order between whole pulls. */
function run(steps: readonly Step[]): { group: Group; counted: bigint } {
  const group = new Group(4)
  const held: Batch[] = []
  let counted = 0n
  for (const one of steps) {
    if (one.kind === 'set') {
      group.at(one.at).time = { wallMs: day + one.skewMs, latestMs: day + 60_000 + one.at * 5_000 }
      group.set(one.at, one.key, one.value === null ? null : String(one.value))
    } else if (one.kind === 'collect') {
      const vectors = group.replicas.map((replica) => replica.state().vector)
      const isFirst = vectors.every((vector) => isAtLeast(group.at(one.at).state().vector, vector))
      group
        .at(one.at)
        .collect({ stable: common(vectors), everywhere: isFirst ? common(vectors) : new Map() }, Infinity)
    } else if (one.kind === 'add') {
      group.add(one.at, one.key, BigInt(one.delta))
      counted += BigInt(one.delta)
    } else if (one.kind === 'pull') group.pull(one.into, one.from, one.bytes)
    else if (one.kind === 'cut') {
      const batch = group.at(one.from).changes(group.at(one.into).state().vector, one.bytes)
      if (one.into !== one.from) group.at(one.into).merge(batch, Infinity)
    } else if (one.kind === 'hold') {
      const fresh = group.at(one.from).fresh()
      held.push(
        group.at(one.from).changes(group.at(one.to).state().vector, 40),
        ...(fresh === null ? [] : [fresh]),
      )
    } else {
      const batch = held[one.which % Math.max(1, held.length)]
      if (batch !== undefined) group.at(one.into).merge(batch, Infinity)
    }
  }
  return { group, counted }
}

describe('replicas of a group, in any order of writes, losses, repeats and delays', () => {
  it('come to hold the same, and every increment once', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const { group, counted } = run(steps)
        group.settle()
        group.expectSame([...keys, 'n'])
        expect(BigInt(group.get(0, 'n') ?? '0')).toBe(counted)
      }),
      { numRuns: 300 },
    )
  })

  it('do not change by what they have already', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), node, node, (steps, into, from) => {
        const { group } = run(steps)
        const all = group.at(from).range(null, Infinity)
        if (into !== from) group.at(into).merge(all, Infinity)
        const before = group.at(into).state()
        if (into !== from) group.at(into).merge(all, Infinity)
        expect(group.at(into).state()).toEqual(before)
      }),
      { numRuns: 150 },
    )
  })

  it('are joined to the same, in whatever order and however often', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const [first, second, third] = joins(steps)
        expect(second).toEqual(first)
        expect(third).toEqual(first)
      }),
      { numRuns: 150 },
    )
  })

  it('never lose a write that nobody overwrote', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), node, (steps, at) => {
        const { group } = run(steps)
        group.set(at, 'only', 'here')
        group.settle()
        expect(group.replicas.map((_, index) => group.get(index, 'only'))).toEqual(Array(4).fill('here'))
      }),
      { numRuns: 100 },
    )
  })
})
