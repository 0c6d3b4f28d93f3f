/** Which node is asked, and when one is left alone. */
import { describe, expect, it } from 'vitest'
import { Resolver, type Candidate, type Choice, type Question } from '../../../host/calls/resolver.ts'
import { SeededRandom } from '../../sim/index.ts'

const self = { node: 'me', name: 'me' }
const inGroup = (node: string, isWell = true): Candidate => ({ node, name: node, scope: 'group', isWell })
const beyond = (node: string, isWell = true): Candidate => ({ node, name: node, scope: 'mesh', isWell })
const question = (candidates: readonly Candidate[], changes: Partial<Question> = {}): Question => ({
  app: 'app',
  self,
  isLocal: false,
  candidates,
  reach: 'group',
  key: null,
  tried: new Set(),
  ...changes,
})
const chosen = (resolver: Resolver, asked: Question, nowMs = 0): Choice => {
  const choice = resolver.choose(asked, nowMs)
  if (choice.node === null) throw new Error(`nobody: ${choice.reason}`)
  return choice
}

describe('a call', () => {
  it('stays on its node, then in its group, and goes further only where the release says so', () => {
    const resolver = new Resolver(new SeededRandom(1))
    const all = [beyond('far'), inGroup('near')]
    expect(chosen(resolver, question(all, { isLocal: true })).scope).toBe('node')
    for (let at = 0; at < 20; at++)
      expect(chosen(resolver, question(all, { reach: 'mesh' })).node).toBe('near')
    expect(chosen(resolver, question([beyond('far')], { reach: 'mesh' })).scope).toBe('mesh')
    expect(resolver.choose(question([beyond('far')]), 0)).toMatchObject({ node: null, reason: 'scope' })
    expect(resolver.choose(question([inGroup('near')], { reach: 'node' }), 0)).toMatchObject({
      reason: 'scope',
    })
    expect(resolver.choose(question([]), 0)).toMatchObject({ node: null, reason: 'nobody' })
  })

  it('goes to a node that is not known to be well only where nobody else is left', () => {
    const resolver = new Resolver(new SeededRandom(2))
    const all = [inGroup('unsure', false), beyond('far')]
    expect(chosen(resolver, question(all, { reach: 'mesh' })).node).toBe('far')
    expect(chosen(resolver, question(all)).node).toBe('unsure')
    expect(chosen(resolver, question(all, { reach: 'mesh', tried: new Set(['far']) })).node).toBe('unsure')
  })

  it('goes first to the one that says itself that it has less to do, before any of them was asked', () => {
    const loads: Record<string, number> = { busy: 16, idle: 0, some: 2 }
    const resolver = new Resolver(new SeededRandom(4), (app, node) =>
      app === 'app' ? (loads[node] ?? 0) : 0,
    )
    const firsts = { busy: 0, idle: 0, some: 0 }
    for (let at = 0; at < 300; at++) {
      const choice = chosen(resolver, question([inGroup('busy'), inGroup('idle'), inGroup('some')]))
      firsts[choice.node as keyof typeof firsts] += 1
      choice.end('nothing', 0, 0)
    }
    expect(firsts.busy).toBe(0)
    expect(firsts.idle).toBeGreaterThan(firsts.some)
  })

  it('goes to the one that answers sooner and has less to do, and not to that one alone', () => {
    const resolver = new Resolver(new SeededRandom(3))
    const all = [inGroup('quick'), inGroup('slow'), inGroup('slower')]
    const times: Record<string, number> = { quick: 2, slow: 20, slower: 40 }
    const counts: Record<string, number> = { quick: 0, slow: 0, slower: 0 }
    for (let at = 0; at < 2_000; at++) {
      const { node, end } = chosen(resolver, question(all), at)
      counts[node] = (counts[node] ?? 0) + 1
      end('answered', times[node] ?? 0, at)
    }
    expect(counts.quick).toBeGreaterThan(1_200)
    expect(counts.slow).toBeGreaterThan(100)
    // With calls under way on the quick one the others are asked more.
    const open = Array.from({ length: 60 }, (_, at) => chosen(resolver, question(all), 3_000 + at).node)
    expect(open.filter((node) => node === 'slow').length).toBeGreaterThan(2)
  })

  it('comes back to a node whose one slow answer was long ago', () => {
    const resolver = new Resolver(new SeededRandom(4))
    const all = [inGroup('steady'), inGroup('cold')]
    let cold = 0
    for (let at = 0; at < 20_000; at += 10) {
      const { node, end } = chosen(resolver, question(all), at)
      if (node === 'cold') cold += 1
      end('answered', node === 'cold' && cold === 1 ? 400 : 5, at)
    }
    expect(cold).toBeGreaterThan(400)
  })

  it('with a key goes to the same node, also when others come and go', () => {
    const resolver = new Resolver(new SeededRandom(4))
    const all = ['a', 'b', 'c', 'd'].map((node) => inGroup(node))
    for (let at = 0; at < 50; at++) {
      const key = `session-${at}`
      const first = chosen(resolver, question(all, { key })).node
      expect(chosen(resolver, question([...all].reverse(), { key })).node).toBe(first)
      const without = all.filter(({ node }) => node === first || node !== 'a')
      expect(chosen(resolver, question(without, { key })).node).toBe(first)
    }
  })
})

describe('a node that fails', () => {
  it('is left alone at once where it is gone, then tried with one call, and asked again when that is answered', () => {
    const resolver = new Resolver(new SeededRandom(5))
    const all = [inGroup('a')]
    chosen(resolver, question(all)).end('gone', 1, 0)
    expect(resolver.choose(question(all), 1)).toMatchObject({ node: null, reason: 'resting' })
    const resting = resolver.choose(question(all), 1)
    const againAtMs = resting.node === null ? (resting.againAtMs ?? 0) : 0
    expect(againAtMs).toBeGreaterThan(0)
    const trial = chosen(resolver, question(all), againAtMs)
    expect(resolver.states(againAtMs)['half-open']).toBe(1)
    expect(resolver.choose(question(all), againAtMs)).toMatchObject({ node: null })
    trial.end('answered', 5, againAtMs)
    expect(resolver.states(againAtMs).closed).toBe(1)
    for (let at = 0; at < 5; at++) chosen(resolver, question(all), againAtMs)
  })

  it('is left alone for longer each time it fails again', () => {
    const resolver = new Resolver(new SeededRandom(6))
    const all = [inGroup('a')]
    let nowMs = 0
    const waits: number[] = []
    for (let at = 0; at < 8; at++) {
      chosen(resolver, question(all), nowMs).end('gone', 1, nowMs)
      const none = resolver.choose(question(all), nowMs)
      if (none.node !== null) throw new Error('it is asked again')
      waits.push((none.againAtMs ?? 0) - nowMs)
      nowMs = none.againAtMs ?? 0
    }
    expect(waits[0]).toBeLessThanOrEqual(250)
    expect(Math.max(...waits)).toBeGreaterThan(2_000)
    expect(Math.max(...waits)).toBeLessThanOrEqual(10_000)
  })

  it('is left alone after several failures in a row, not after one among others, and for a moment where it is busy', () => {
    const resolver = new Resolver(new SeededRandom(7))
    const all = [inGroup('a')]
    for (let at = 0; at < 28; at++) {
      const sign = at % 4 === 3 ? 'answered' : 'failed'
      chosen(resolver, question(all), at).end(sign, 1, at)
    }
    for (let at = 0; at < 5; at++) chosen(resolver, question(all), 100).end('failed', 1, 100)
    expect(resolver.choose(question(all), 100)).toMatchObject({ reason: 'resting' })
    const other = [inGroup('b')]
    chosen(resolver, question(other), 100).end('busy', 1, 100)
    expect(resolver.choose(question(other), 150)).toMatchObject({ reason: 'resting', againAtMs: 200 })
    chosen(resolver, question(other), 200)
  })
})
