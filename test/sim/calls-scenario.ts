/**
 * Calls at random under faults at random, and what must hold whatever they are: a call that is not idempotent runs at most
 * once, what says that it did not begin has not run, each call ends, and is answered by what it ran itself.
 */
import { isSelvedgeError } from '../../core/index.ts'
import { callRules, traceOf, type CallTrace } from '../../host/calls/index.ts'
import { WitError } from '../../host/engine/index.ts'
import type { HttpRequest } from '../../host/http/index.ts'
import { CallsWorld, simApps, type SimApp, type SimCallNode } from './calls-world.ts'
import type { SeededRandom } from './random.ts'

export interface CallsScenarioOptions {
  readonly nodes: number
  readonly faults: number
  /** Between two faults, at most. */
  readonly callsPerFault: number
}

export interface CallsFinding {
  readonly seed: number
  readonly story: readonly string[]
  readonly broken: readonly string[]
  readonly calls: number
  readonly answered: number
  /** Calls that ran more than once: idempotent ones. */
  readonly repeated: number
}

type Way = 'function' | 'request' | 'upload'

interface Made {
  readonly id: string
  readonly app: SimApp
  readonly way: Way
  readonly isIdempotent: boolean
  readonly by: SimCallNode
  readonly life: number
  /** How often its caller was told what came of it. */
  ends: number
  answer: string | null
  error: unknown
}

/** Longer than any call may take: the deadline of a request, and what it has on top. */
const quietMs = 45_000

export async function runCallsScenario(
  random: SeededRandom,
  { nodes, faults, callsPerFault }: CallsScenarioOptions,
): Promise<CallsFinding> {
  const breakChance = random.pick([0, 0, 0.002, 0.02])
  const wire = { minLatencyMs: 1, maxLatencyMs: random.pick([2, 20, 80]), resendChance: 0.05, resendMs: 200 }
  const world = new CallsWorld(random, nodes, { ...wire, breakChance })
  return new CallsScenario(world, random).run(faults, callsPerFault)
}

class CallsScenario {
  readonly #world: CallsWorld
  readonly #random: SeededRandom
  readonly #story: string[] = []
  readonly #broken: string[] = []
  readonly #made: Made[] = []
  /** Calls of each node in its present life. */
  readonly #madeBy = new Map<SimCallNode, { life: number; count: number }>()

  constructor(world: CallsWorld, random: SeededRandom) {
    this.#world = world
    this.#random = random
  }

  async run(faults: number, callsPerFault: number): Promise<CallsFinding> {
    const { clock, nodes } = this.#world
    for (const app of simApps) for (const node of nodes) if (this.#random.chance(0.6)) node.apps.add(app)
    for (const node of nodes) this.#world.tellApps(node, () => 0)
    for (let fault = 0; fault < faults; fault++) {
      this.#strike()
      const lastsMs = 100 + 3_000 * this.#random.fraction()
      for (let count = this.#random.below(callsPerFault + 1); count > 0; count--) {
        clock.after(lastsMs * this.#random.fraction(), () => this.#call())
      }
      await clock.run(lastsMs)
    }
    await this.#settle()
    this.#judge()
    await this.#revive()
    const answered = this.#made.filter(({ answer }) => answer !== null).length
    const repeated = [...this.#world.runs.values()].filter(({ length }) => length > 1).length
    const [story, broken, calls] = [this.#story, this.#broken, this.#made.length]
    return { seed: this.#random.seed, story, broken, calls, answered, repeated }
  }

  #strike(): void {
    const world = this.#world
    const random = this.#random
    const node = random.pick(world.nodes)
    const other = random.pick(world.nodes)
    switch (random.below(6)) {
      case 0: {
        if (!node.isUp) return
        this.#tell(`${node.name} is killed`)
        world.kill(node)
        const { life } = node
        return void world.clock.after(200 + 8_000 * random.fraction(), () => {
          if (node.isUp || node.life !== life) return
          this.#tell(`${node.name} starts again`)
          world.boot(node)
        })
      }
      case 1:
        return this.#split()
      case 2:
        this.#tell(`the connection of ${node.name} and ${other.name} is reset`)
        return world.network.cut(node.name, other.name)
      case 3: {
        const app = random.pick(simApps)
        if (!node.apps.delete(app)) node.apps.add(app)
        this.#tell(`${node.name} ${node.apps.has(app) ? 'runs' : 'does not run'} ${app} any more`)
        return world.tellApps(node, () => 50 + 2_000 * random.fraction())
      }
      default:
        // Wrong, and taken back: a call under way may be left to another for it.
        if (node === other || !other.isUp) return
        world.hold(node, other, random.pick(['suspect', 'suspect', 'dead'] as const))
        return void world.clock.after(3_000 * random.fraction(), () => world.hold(node, other, 'alive'))
    }
  }

  #split(): void {
    const world = this.#world
    const random = this.#random
    const side = world.nodes.filter(() => random.chance(0.4)).map(({ name }) => name)
    const rest = world.nodes.map(({ name }) => name).filter((name) => !side.includes(name))
    this.#tell(`${side.join()} are cut off`)
    world.network.partition(side, rest)
    for (const at of world.nodes) {
      for (const about of world.nodes) {
        if (at === about || side.includes(at.name) === side.includes(about.name)) continue
        world.clock.after(500 + 3_000 * random.fraction(), () => {
          if (world.network.isSplit(at.name, about.name)) world.hold(at, about, 'suspect')
        })
      }
    }
    world.clock.after(10_000 * random.fraction(), () => this.#heal())
  }

  #heal(): void {
    const world = this.#world
    world.network.heal()
    for (const about of world.nodes)
      if (about.isUp) world.tell(about, 'alive', () => 2_000 * this.#random.fraction())
  }

  #call(): void {
    const { nodes, clock, random } = this.#world
    const by = random.pick(nodes)
    if (!by.isUp) return
    const app = random.pick(simApps)
    const way = random.pick(['function', 'request', 'upload'] as const)
    const id = `c${this.#made.length}`
    const left = new AbortController()
    const made = this.#newMade(id, app, way, by)
    this.#made.push(made)
    if (random.chance(0.1))
      clock.after(2_000 * random.fraction(), () => left.abort(new Error('the caller left')))
    const work = way === 'function' ? this.#function(made, left.signal) : this.#request(made, left.signal)
    work.then(
      (answer) => void (made.ends++, (made.answer = answer)),
      (error: unknown) => void (made.ends++, (made.error = error)),
    )
  }

  #newMade(id: string, app: SimApp, way: Way, by: SimCallNode): Made {
    const isIdempotent = app === 'look'
    return { id, app, way, isIdempotent, by, life: by.life, ends: 0, answer: null, error: null }
  }

  async #function({ app, id, by }: Made, signal: AbortSignal): Promise<string> {
    const random = this.#random
    const key = random.chance(0.3) ? { key: `k${random.below(4)}` } : {}
    const deadlineMs = random.pick([100, 1_000, 5_000])
    this.#count(by)
    try {
      const { value } = await by.router.invoke({ app, target: 'run', args: [id], deadlineMs, signal, ...key })
      return String(value)
    } catch (error) {
      if (error instanceof WitError) return String(error.payload)
      throw error
    }
  }

  async #request({ app, id, way, by }: Made, signal: AbortSignal): Promise<string> {
    const ingress = by.router.ingressOf(app)
    if (ingress === null || ingress === 'down') throw new Error('no way in')
    this.#count(by)
    const { body } = await ingress.handle({
      method: 'POST',
      path: `/${id}`,
      scheme: 'http',
      authority: 'x',
      headers: [],
      body: way === 'upload' ? uploaded() : new Uint8Array([1]),
      whenLeft: (left) => signal.addEventListener('abort', left, { once: true }),
    })
    if (body === null || typeof body === 'string') return body ?? ''
    if (body instanceof Uint8Array) return Buffer.from(body).toString()
    const pieces: Uint8Array[] = []
    for await (const piece of body) pieces.push(piece)
    return Buffer.concat(pieces).toString()
  }

  /** Everything works again, and whatever is under way has the time that it may take. */
  async #settle(): Promise<void> {
    const world = this.#world
    this.#heal()
    for (const node of world.nodes) if (!node.isUp) world.boot(node)
    await world.clock.run(quietMs)
    for (const { name, calls, isUp } of world.nodes) {
      if (isUp && calls.served > 0) this.#breaks(`${name} still answers ${calls.served} calls`)
    }
  }

  #judge(): void {
    for (const made of this.#made) {
      const runs = this.#world.runs.get(made.id) ?? []
      const { id, app, by } = made
      const told = `${id} of ${by.name} to ${app} by ${made.way}`
      if (!made.isIdempotent && runs.length > 1) this.#breaks(`${told} ran ${runs.length} times`)
      if (runs.length > callRules.attempts) this.#breaks(`${told} ran ${runs.length} times`)
      // A caller whose process ended is told nothing.
      if (by.life !== made.life) continue
      if (made.ends !== 1) this.#breaks(`${told} ended ${made.ends} times`)
      if (made.answer !== null && !runs.some(({ answer }) => answer === made.answer)) {
        this.#breaks(`${told} was answered ${made.answer}, which it did not run`)
      }
      const trace = traceOf(made.error)
      if (trace !== null) this.#judgeTrace(told, trace, runs.length)
    }
    for (const [node, { life, count }] of this.#madeBy) {
      if (node.life === life && node.ended !== count) {
        this.#breaks(`${node.name} told of ${node.ended} ends of ${count} calls`)
      }
    }
  }

  /** What is said not to have begun has not. */
  #judgeTrace(told: string, { attempts }: CallTrace, runs: number): void {
    const begun = attempts.filter(
      ({ outcome }) => outcome !== 'not-started' && outcome !== 'unreachable',
    ).length
    if (runs > begun) this.#breaks(`${told} ran ${runs} times, and says that it began ${begun} times`)
  }

  /** When all is over, whatever runs anywhere is called from everywhere. */
  async #revive(): Promise<void> {
    const world = this.#world
    world.isCalm = true
    for (const app of simApps) {
      if (!world.nodes.some(({ apps }) => apps.has(app))) continue
      for (const by of world.nodes) {
        const made = this.#newMade(`late-${app}-${by.name}`, app, 'function', by)
        const work = this.#function(made, new AbortController().signal).catch((error: unknown) => error)
        const answer = await world.clock.finish(work, quietMs)
        const code = isSelvedgeError(answer) ? answer.code : null
        // The deadline that was drawn may be shorter than the way.
        if (typeof answer !== 'string' && code !== 'ERR_CALL_DEADLINE' && code !== 'ERR_CALL_LOST') {
          this.#breaks(`${by.name} gets no answer of ${app}: ${String(answer)}`)
        }
      }
    }
  }

  #count(by: SimCallNode): void {
    const entry = this.#madeBy.get(by)
    if (entry?.life === by.life) entry.count++
    else this.#madeBy.set(by, { life: by.life, count: 1 })
  }

  #tell(what: string): void {
    this.#story.push(`${(this.#world.clock.monotonicMs() / 1_000).toFixed(3)} ${what}`)
  }

  #breaks(what: string): void {
    this.#tell(`BROKEN: ${what}`)
    this.#broken.push(what)
  }
}

/** Of a few pieces, for one reader. */
function uploaded(): HttpRequest['body'] {
  async function* pieces(): AsyncGenerator<Uint8Array> {
    for (let at = 0; at < 3; at++) yield new Uint8Array(1_000).fill(at)
  }
  const chunks = pieces()
  return { chunks, trailers: () => null, sizeBytes: null }
}
