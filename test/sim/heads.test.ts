import { expect, test } from 'vitest'
import { digestOf } from '../../core/index.ts'
import { isNewer, type Head } from '../../mesh/heads/head.ts'
import { HeadSync } from '../../mesh/heads/head-sync.ts'
import type { HeadAction, HeadEvent } from '../../mesh/heads/head-events.ts'
import type { HeadMessage } from '../../mesh/heads/message.ts'
import {
  isSeedRepeated,
  SeededRandom,
  simSeed,
  VirtualClock,
  VirtualNetwork,
  withSeed,
  type LinkQuality,
} from './index.ts'

const encoder = new TextEncoder()
const decoder = new TextDecoder()

/** A head whose bytes say all about it, as a signed record would. */
function makeHead(key: string, order: readonly [number, number], content: string): Head {
  const bytes = encoder.encode(JSON.stringify({ key, order, content }))
  return { key, order, digest: digestOf(bytes), bytes }
}

/** Nodes that run the real state machine over a virtual network; owners take whatever is newer. */
class HeadSimulation {
  readonly clock = new VirtualClock()
  readonly random: SeededRandom
  readonly network: VirtualNetwork<HeadMessage>
  readonly nodes = new Map<string, HeadSync>()
  readonly misbehaved: string[] = []
  pullsServed = 0
  /** Lost on purpose: messages of these kinds. */
  dropKinds = new Set<HeadMessage['t']>()

  constructor(random: SeededRandom, count: number) {
    this.random = random
    this.network = new VirtualNetwork(this.clock, random)
    this.network.onDeliver((from, to, message) => this.feed(to, { type: 'message', peer: from, message }))
    for (let index = 0; index < count; index++) {
      const name = `n${index}`
      this.nodes.set(name, new HeadSync(random))
      this.#tick(name)
    }
  }

  get names(): string[] {
    return [...this.nodes.keys()]
  }

  link(a: string, b: string, quality: LinkQuality): void {
    if (this.network.isConnected(a, b)) return
    this.network.connect(a, b, quality)
    this.feed(a, { type: 'peer-up', peer: b })
    this.feed(b, { type: 'peer-up', peer: a })
  }

  unlink(a: string, b: string): void {
    if (!this.network.isConnected(a, b)) return
    this.network.cut(a, b)
    this.feed(a, { type: 'peer-down', peer: b })
    this.feed(b, { type: 'peer-down', peer: a })
  }

  feed(name: string, event: HeadEvent): void {
    const actions = this.nodes.get(name)?.on(event, this.clock.monotonicMs()) ?? []
    for (const action of actions) this.#perform(name, action)
  }

  isConverged(): boolean {
    return new Set([...this.nodes.values()].map((node) => node.summary().digest)).size === 1
  }

  #tick(name: string): void {
    this.clock.after(200, () => {
      this.feed(name, { type: 'tick' })
      this.#tick(name)
    })
  }

  #perform(name: string, action: HeadAction): void {
    if (action.type === 'misbehaved') this.misbehaved.push(`${name} about ${action.peer}: ${action.reason}`)
    if (action.type === 'send') {
      if (this.dropKinds.has(action.message.t)) return
      if (action.message.t === 'heads') this.pullsServed += action.message.heads.length
      this.network.send(name, action.peer, action.message)
    }
    if (action.type === 'accept') this.clock.after(this.random.below(20), () => this.#judge(name, action))
  }

  #judge(name: string, { peer, key, bytes }: Extract<HeadAction, { type: 'accept' }>): void {
    const { order, content } = JSON.parse(decoder.decode(bytes)) as {
      order: [number, number]
      content: string
    }
    const head = makeHead(key, order, content)
    const isTaken = isNewer(head, this.nodes.get(name)?.get(key))
    if (isTaken) this.feed(name, { type: 'changed', head, from: peer })
    this.feed(name, { type: 'judged', peer, key, outcome: isTaken ? 'accepted' : 'known' })
  }
}

/** A random connected graph: a tree and some more edges. */
function topology(simulation: HeadSimulation): [string, string][] {
  const { names, random } = simulation
  const edges = names
    .slice(1)
    .map((name, index): [string, string] => [name, names[random.below(index + 1)] as string])
  for (let extra = 0; extra < names.length; extra++) {
    const [a, b] = [random.pick(names), random.pick(names)]
    if (a !== b) edges.push([a, b])
  }
  return edges
}

function publishSomewhere(simulation: HeadSimulation, at: number): void {
  const { random } = simulation
  const key = random.pick(['trust', 'release/alarm', 'release/uplink', `node/x${random.below(8)}`])
  const head = makeHead(key, [random.below(4), random.below(4)], `${at}`)
  simulation.feed(random.pick(simulation.names), { type: 'changed', head })
}

const seed = simSeed()
const runs = isSeedRepeated() ? 1 : 20
const seeds = Array.from({ length: runs }, (_, index) => (seed + index) >>> 0)

test.each(seeds)('after loss, delay and partitions all nodes settle on the same heads (seed %i)', (seed) => {
  withSeed(seed, (random) => {
    const simulation = new HeadSimulation(random, 5 + random.below(20))
    const quality: LinkQuality = {
      minDelayMs: 1,
      maxDelayMs: 1 + random.below(400),
      loss: random.fraction() * 0.4,
    }
    const edges = topology(simulation)
    for (const [a, b] of edges) simulation.link(a, b, quality)
    for (let at = 0; at < 60; at++) {
      if (random.chance(0.7)) publishSomewhere(simulation, at)
      const [a, b] = random.pick(edges)
      if (random.chance(0.3)) simulation.unlink(a, b)
      if (random.chance(0.2)) simulation.link(a, b, quality)
      simulation.clock.advance(random.below(500))
    }
    for (const [a, b] of edges) {
      simulation.unlink(a, b)
      simulation.link(a, b, { ...quality, loss: 0 })
    }
    simulation.clock.advance(60_000)
    expect(simulation.isConverged()).toBe(true)
    expect(simulation.nodes.get('n0')?.summary().count).toBeGreaterThan(0)
    expect(simulation.misbehaved).toEqual([])
  })
})

test.each(seeds.slice(0, 8))(
  'comparing alone is enough when no announcement ever arrives (seed %i)',
  (seed) => {
    withSeed(seed, (random) => {
      const simulation = new HeadSimulation(random, 8)
      simulation.dropKinds = new Set(['have'])
      for (const [a, b] of topology(simulation))
        simulation.link(a, b, { minDelayMs: 1, maxDelayMs: 50, loss: 0.1 })
      for (let at = 0; at < 40; at++) publishSomewhere(simulation, at)
      simulation.clock.advance(120_000)
      expect(simulation.isConverged()).toBe(true)
    })
  },
)

test('in a quiet mesh of eight, all linked, a new head is pulled once by each node', () => {
  withSeed(seed, (random) => {
    const simulation = new HeadSimulation(random, 8)
    for (const a of simulation.names) for (const b of simulation.names) if (a < b) simulation.link(a, b, lan)
    simulation.clock.advance(5_000)
    simulation.feed('n0', { type: 'changed', head: makeHead('release/alarm', [1, 0], 'x') })
    simulation.clock.advance(100)
    expect(simulation.isConverged()).toBe(true)
    expect(simulation.pullsServed).toBe(7)
  })
})

test('a node that was away with thousands of heads to fetch catches up within its limits', () => {
  withSeed(seed, (random) => {
    const simulation = new HeadSimulation(random, 2)
    for (let at = 0; at < 3_000; at++) {
      simulation.feed('n0', { type: 'changed', head: makeHead(`node/x${at}`, [1, at], 'x') })
    }
    simulation.link('n0', 'n1', lan)
    simulation.clock.advance(20_000)
    expect(simulation.isConverged()).toBe(true)
    expect(simulation.pullsServed).toBe(3_000)
    expect(simulation.misbehaved).toEqual([])
  })
})

test('the same seed gives the same run', () => {
  expect(traceOf(7)).toBe(traceOf(7))
  expect(traceOf(7)).not.toBe(traceOf(8))
})

function traceOf(seed: number): string {
  const simulation = new HeadSimulation(new SeededRandom(seed), 6)
  for (const [a, b] of topology(simulation))
    simulation.link(a, b, { minDelayMs: 1, maxDelayMs: 90, loss: 0.2 })
  for (let at = 0; at < 20; at++) publishSomewhere(simulation, at)
  simulation.clock.advance(3_000)
  const { sent, lost } = simulation.network
  return JSON.stringify([sent, lost, [...simulation.nodes.values()].map((node) => node.summary())])
}

const lan: LinkQuality = { minDelayMs: 1, maxDelayMs: 3, loss: 0 }
