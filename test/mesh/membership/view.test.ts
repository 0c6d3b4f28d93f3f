import { describe, expect, test } from 'vitest'
import * as fc from 'fast-check'
import type { CaseFile } from '../../../mesh/membership/case-file.ts'
import { compareIncarnations } from '../../../mesh/membership/incarnation.ts'
import { membershipDefaults as options } from '../../../mesh/membership/options.ts'
import { Rings, wholeMesh } from '../../../mesh/membership/rings.ts'
import type { OwnWord, Sealed, Vote, VoteVerdict } from '../../../mesh/membership/statement.ts'
import { View } from '../../../mesh/membership/view.ts'

const all = Array.from({ length: 26 }, (_, index) => `n${index}`)
const self = 'n0'
const strayMs = 5_000
const fewEdges = 4

type Event =
  | { readonly t: 'vote'; about: number; by: number; verdict: VoteVerdict; ahead: 0 | 1; isWide: boolean }
  | { readonly t: 'cut'; around: number; from: number }
  | { readonly t: 'word'; about: number; kind: 'alive' | 'left'; ahead: 0 | 1 }
  | { readonly t: 'settle'; about: number; as: 'dead' | 'left' | null }
  | { readonly t: 'expire' | 'forget' | 'wait' | 'hear'; about: number }
  | { readonly t: 'link'; node: number; isUp: boolean; isIntroduced: boolean; isDoubted: boolean }
  | { readonly t: 'misses'; node: number; others: readonly number[] }
  | { readonly t: 'members'; without: readonly number[] }

const member = fc.integer({ min: 1, max: all.length - 1 })
const bit = fc.constantFrom(0 as const, 1 as const)
const event: fc.Arbitrary<Event> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      t: fc.constant('vote' as const),
      about: member,
      by: fc.nat({ max: 15 }),
      verdict: fc.constantFrom<VoteVerdict>('alive', 'suspect', 'suspect', 'dead'),
      ahead: bit,
      isWide: fc.boolean(),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({ t: fc.constant('cut' as const), around: member, from: fc.nat({ max: 3 }) }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      t: fc.constant('word' as const),
      about: member,
      kind: fc.constantFrom('alive' as const, 'alive' as const, 'left' as const),
      ahead: bit,
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      t: fc.constant('settle' as const),
      about: member,
      as: fc.constantFrom('dead' as const, 'left' as const, null, null),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      t: fc.constantFrom('expire' as const, 'forget' as const, 'wait' as const, 'hear' as const),
      about: member,
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      t: fc.constant('link' as const),
      node: member,
      isUp: fc.boolean(),
      isIntroduced: fc.boolean(),
      isDoubted: fc.boolean(),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      t: fc.constant('misses' as const),
      node: member,
      others: fc.array(member, { maxLength: 4 }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      t: fc.constant('members' as const),
      without: fc.oneof(
        fc.array(member, { maxLength: 3 }),
        fc.constant(Array.from({ length: all.length - wholeMesh }, (_, index) => index + wholeMesh)),
      ),
    }),
  },
)

/** A view, and the time around it. */
class World {
  readonly view = new View(self, options)
  nowMs = 0
  #order = 0

  constructor() {
    this.view.setRings(new Rings(all))
    for (const node of this.view.neighbours) this.#link(node, true, true)
  }

  happen(event: Event): void {
    const { view } = this
    this.nowMs += 50
    switch (event.t) {
      case 'vote': {
        const about = all[event.about] as string
        const watchers = view.watchers(about)
        const by = watchers[event.by % Math.max(1, watchers.length)]
        if (by !== undefined) this.#vote(about, by, event)
        break
      }
      case 'cut': {
        // Around a few members every edge to the rest breaks at once.
        const { nodes } = view.rings
        const inside = [0, 1, 2].map((step) => nodes[(event.around + step) % nodes.length] as string)
        for (const about of inside) {
          const outside = view.watchers(about).filter((by) => !inside.includes(by))
          for (const by of outside.slice(event.from)) {
            this.#vote(about, by, { verdict: 'suspect', ahead: 0, isWide: false })
          }
        }
        break
      }
      case 'word':
        this.#word(all[event.about] as string, event.kind, event.ahead)
        break
      case 'settle': {
        const file = this.#file(event.about)
        if (file !== undefined) view.settle(file, event.as)
        break
      }
      case 'expire':
        this.#file(event.about)?.expire(this.nowMs - 200)
        break
      case 'forget': {
        const file = this.#file(event.about)
        const [by] = file?.votes.keys() ?? []
        if (by !== undefined) file?.forget(by)
        break
      }
      case 'wait':
        this.nowMs += 2_000
        break
      case 'hear': {
        const link = view.links.get(all[event.about] as string)
        if (link !== undefined) Object.assign(link, { heardMs: this.nowMs, doubt: null })
        break
      }
      case 'link':
        this.#link(all[event.node] as string, event.isUp, event.isIntroduced, event.isDoubted)
        break
      case 'misses': {
        const link = view.links.get(all[event.node] as string)
        const others = new Set(event.others.map((at) => all[at] as string))
        if (link !== undefined) link.missing = others.size === 0 ? null : others
        break
      }
      case 'members':
        view.setRings(
          new Rings(
            all.filter((_, index) => !event.without.includes(index)),
            view.rings,
          ),
        )
    }
  }

  #file(at: number): CaseFile | undefined {
    const node = all[at] as string
    return this.view.rings.has(node) ? this.view.caseOf(node) : undefined
  }

  #vote(
    about: string,
    by: string,
    { verdict, ahead, isWide }: Pick<Vote, 'verdict' | 'isWide'> & { ahead: number },
  ): void {
    const { boot, number } = this.view.caseOf(about).incarnation
    const statement: Vote = {
      kind: 'vote',
      by,
      about,
      verdict,
      isWide,
      incarnation: { boot, number: number + ahead },
      evidence: 'no-answer',
      order: { boot: 1, number: ++this.#order },
      silentMs: 0,
      ageMs: 0,
      isOneWay: false,
    }
    this.view.caseOf(about).take({ statement, bytes: new Uint8Array() }, this.nowMs)
  }

  #word(about: string, kind: OwnWord['kind'], ahead: number): void {
    if (!this.view.rings.has(about)) return
    const file = this.view.caseOf(about)
    const { boot, number } = file.incarnation
    const incarnation = { boot: Math.max(1, boot), number: number + ahead }
    const statement: OwnWord = { kind, by: about, about, incarnation, nonce: 'aa' }
    const reception = file.take({ statement, bytes: new Uint8Array() } as Sealed<OwnWord>, this.nowMs)
    if (reception === 'news') this.view.settle(file, kind === 'left' ? 'left' : null)
  }

  #link(node: string, isUp: boolean, isIntroduced: boolean, isDoubted = false): void {
    if (!this.view.rings.has(node)) return
    const link = this.view.link(node, this.nowMs)
    const doubt = isDoubted ? { sinceMs: this.nowMs - options.shareMs, vouchedMs: null } : null
    Object.assign(link, { isUp, isIntroduced, doubt, heardMs: this.nowMs })
  }
}

/** Verdicts of doubt that stand, from the votes alone. */
function doubtsIn({ votes, incarnation }: CaseFile): Vote[] {
  return [...votes.values()]
    .map(({ sealed }) => sealed.statement)
    .filter((vote) => vote.verdict !== 'alive' && compareIncarnations(vote.incarnation, incarnation) === 0)
}

/** Who is reached, as it is meant: by names, and with nothing kept from before. */
function walked(view: View, nowMs: number): Set<string> | null {
  const { rings, gone, links, cases } = view
  const neighbours = (node: string): readonly string[] => (gone.has(node) ? [] : rings.neighbours(node, gone))
  const isOwnBroken = (node: string): boolean => {
    const link = links.get(node)
    return link === undefined || !link.isUp || link.isOneWay || link.silentMs(nowMs) >= options.shareMs
  }
  const own = neighbours(self)
  const missing = own.filter(isOwnBroken)
  let edges = missing.length
  for (const file of cases.values()) if (file.settled === null) edges += doubtsIn(file).length
  const isWhole = rings.size - gone.size <= wholeMesh
  if (!isWhole && missing.length < own.length && edges < fewEdges) return null
  const says = (by: string, about: string): boolean => {
    const file = cases.get(about)
    const link = links.get(by)
    return (
      (file !== undefined && doubtsIn(file).some((vote) => vote.by === by)) ||
      (link?.isUp === true && link.missing?.has(about) === true)
    )
  }
  const strays = [...links.values()].filter(
    ({ node, isUp, heardMs }) => isUp && nowMs - (heardMs ?? -Infinity) < strayMs && !gone.has(node),
  )
  const found = new Set([self])
  for (const node of found) {
    const link = links.get(node)
    if (link?.isUp === true && !link.isIntroduced) continue
    const others = node === self ? [...own, ...strays.map((stray) => stray.node)] : neighbours(node)
    for (const other of others) {
      const isBroken =
        node === self ? isOwnBroken(other) : other === self || says(node, other) || says(other, node)
      if (!isBroken) found.add(other)
    }
  }
  return found
}

function follow(events: readonly Event[]): void {
  const world = new World()
  const { view } = world
  for (const event of events) {
    world.happen(event)
    const files = [...view.cases.values()]
    const held = files.map(({ about, doubters, isCalledDead, doubtedMs }) =>
      [about, doubters.join(), isCalledDead, doubtedMs !== null, view.doubted.has(about)].join(' '),
    )
    const meant = files.map((file) => {
      const doubts = doubtsIn(file)
      const isDead = doubts.some(({ verdict }) => verdict === 'dead')
      const isDoubted = doubts.length > 0
      const isOpen = isDoubted && file.settled === null
      return [file.about, doubts.map(({ by }) => by).join(), isDead, isDoubted, isOpen].join(' ')
    })
    expect(held).toEqual(meant)
    expect([...view.doubted.keys()].every((node) => view.cases.has(node))).toBe(true)
    const reach = view.reached(world.nowMs)
    const expected = walked(view, world.nowMs)
    const nodes = view.rings.nodes
    expect(nodes.filter((node) => reach?.has(node) ?? true)).toEqual(
      nodes.filter((node) => expected?.has(node) ?? true),
    )
    if (reach !== null) expect(reach.size).toBe(expected?.size)
  }
}

describe('what a node holds of the others', () => {
  test('comes to the same as from its votes and links alone, whatever happened in which order', () =>
    fc.assert(fc.property(fc.array(event, { minLength: 5, maxLength: 60 }), follow), {
      numRuns: 50,
    }))
})
