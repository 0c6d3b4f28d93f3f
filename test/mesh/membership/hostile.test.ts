/** What hostile members can say about others, and what comes of it: nothing. Signatures are the notary's matter. */
import { describe, expect, it } from 'vitest'
import type { Incarnation, Message, Statement, Vote } from '../../../mesh/membership/index.ts'
import { MembershipWorld, type SimMember } from '../../sim/membership-world.ts'
import { SeededRandom } from '../../sim/index.ts'

const first: Incarnation = { boot: 1, number: 0 }
let order = 0

function vote(by: SimMember, about: string, changes: Partial<Vote> = {}): Vote {
  return {
    kind: 'vote',
    by: by.id,
    about,
    incarnation: first,
    verdict: 'dead',
    evidence: 'refused',
    order: { boot: 1, number: (order += 1) },
    silentMs: 60_000,
    ageMs: 60_000,
    isWide: true,
    isOneWay: false,
    ...changes,
  }
}

const saying = (...statements: Statement[]): Message => ({
  t: 'statements',
  list: statements.map((statement) => ({ statement, bytes: new Uint8Array() })),
})

/** A mesh of eight that has met, and everything that was wrongly held for dead since. */
function harbor(nodes = 8) {
  const world = new MembershipWorld(new SeededRandom(7), { nodes })
  world.run(8_000)
  const dead: string[] = []
  world.onVerdict = (at, about, _from, to) => {
    if (to === 'dead') dead.push(`${at.id} of ${about.id}`)
  }
  const tell = (from: SimMember, message: Message): void => {
    for (const to of world.members) if (to !== from) world.inject(from, to, message)
  }
  return { world, dead, tell }
}

describe('a hostile member', () => {
  it('cannot talk a living node to death, however often it says so', () => {
    const { world, dead, tell } = harbor()
    const [evil, victim] = world.members as [SimMember, SimMember]
    for (let number = 0; number < 60; number++) {
      tell(evil, saying(vote(evil, victim.id, { incarnation: { boot: 1, number } })))
      world.run(500)
    }
    expect(dead).toEqual([])
    world.run(35_000)
    expect(world.members.map((at) => world.verdict(at, victim))).toEqual(world.members.map(() => 'alive'))
  })

  it('cannot with others that are less than half of the watchers, while the node hears of it and while it does not', () => {
    const { world, dead } = harbor()
    const [victim, ...others] = world.members as [SimMember, ...SimMember[]]
    for (let round = 0; round < 20; round++) {
      for (const evil of others.slice(0, 3)) {
        const words = saying(vote(evil, victim.id, { incarnation: { boot: 1, number: round } }))
        for (const to of others) if (to !== evil) world.inject(evil, to, words)
      }
      world.run(1_000)
    }
    expect(dead).toEqual([])
  })

  it('cannot keep a dead node alive with others that are less than half of the watchers', () => {
    const { world, tell } = harbor()
    const [victim, ...others] = world.members as [SimMember, ...SimMember[]]
    world.vanish(victim)
    for (let round = 0; round < 40; round++) {
      for (const evil of others.slice(0, 3)) {
        tell(evil, saying(vote(evil, victim.id, { verdict: 'alive', evidence: 'heard' })))
      }
      world.run(250)
    }
    const honest = others.slice(3)
    expect(honest.map((at) => world.verdict(at, victim))).toEqual(honest.map(() => 'dead'))
  })

  it('cannot raise a dead node with its old words, nor accuse one in a life that it never had', () => {
    const { world, dead, tell } = harbor()
    const [evil, victim, other] = world.members as [SimMember, SimMember, SimMember]
    world.kill(victim)
    world.run(3_000)
    const word = { kind: 'alive', by: victim.id, about: victim.id, nonce: `${victim.id}.1` } as const
    tell(evil, saying({ ...word, incarnation: first }, { ...word, incarnation: { boot: 0, number: 9 } }))
    world.run(1_000)
    const there = world.members.filter((member) => member !== victim)
    expect(there.map((at) => world.verdict(at, victim))).toEqual(there.map(() => 'dead'))
    dead.length = 0
    for (const by of world.members.slice(3)) {
      tell(by, saying(vote(by, other.id, { incarnation: { boot: 900, number: 0 } })))
    }
    world.run(5_000)
    expect(dead).toEqual([])
    expect(there.map((at) => world.verdict(at, other))).toEqual(there.map(() => 'alive'))
  })

  it('cannot make up members, nor votes of members that are none', () => {
    const { world, dead, tell } = harbor()
    const [evil, victim] = world.members as [SimMember, SimMember]
    const strangers = Array.from({ length: 1_000 }, (_, number) => ({ ...evil, id: `stranger-${number}` }))
    const votes = strangers.map((stranger) => vote(stranger as SimMember, victim.id))
    const words = strangers.map(
      ({ id }) => ({ kind: 'alive', by: id, about: id, incarnation: first, nonce: id }) as const,
    )
    tell(evil, saying(...votes, ...words))
    world.run(5_000)
    expect(dead).toEqual([])
    expect(victim.machine.opinion('stranger-1', world.nowMs)).toBeNull()
    expect(victim.machine.self(world.nowMs).why).toBe('reaches 7 of 7 peers')
  })

  it('is not heard any further when it floods the mesh, and is named', () => {
    const { world, dead } = harbor(30)
    const [evil] = world.members as [SimMember]
    const named = new Set<string>()
    world.onOther = (_at, action) => {
      if (action.type === 'flood') named.add(action.node)
    }
    const before = world.members.map(({ sentBytes }) => sentBytes)
    for (const to of world.members.slice(1)) {
      const list = Array.from({ length: 40 }, () => world.random.pick(world.members.slice(1)))
      for (let round = 0; round < 25; round++) {
        world.inject(evil, to, saying(...list.map(({ id }) => vote(evil, id, { verdict: 'suspect' }))))
      }
    }
    world.run(10_000)
    expect([...named]).toEqual([evil.id])
    expect(dead).toEqual([])
    for (const [index, member] of world.members.entries()) {
      if (index > 0) expect(member.sentBytes - (before[index] as number)).toBeLessThan(600_000)
    }
    world.run(40_000)
    const there = world.members.slice(1)
    expect(there.every((at) => there.every((about) => world.verdict(at, about) === 'alive'))).toBe(true)
  })
})
