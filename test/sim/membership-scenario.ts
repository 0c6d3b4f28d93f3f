/**
 * Faults at random over a small mesh, and what must hold whatever they are: nobody who is there and can be reached is held
 * for dead for long, a part that is cut off changes nobody's state, and when it is over all agree on how things stand.
 */
import type { MembershipOptions } from '../../mesh/membership/index.ts'
import { MembershipWorld, type SimMember } from './membership-world.ts'
import type { SeededRandom } from './random.ts'

export interface ScenarioOptions {
  readonly nodes: number
  readonly faults: number
  readonly options?: Partial<MembershipOptions>
}

export interface ScenarioFinding {
  readonly seed: number
  /** What happened, in order, for the one who looks for the cause. */
  readonly story: readonly string[]
  readonly broken: readonly string[]
}

/** Somebody who is there and can be reached may be held for dead for so long, ms: until a dial and a word got through. */
export const wrongDeadMs = 12_000
/** After the last fault all agree within, ms: above the longest backoff of a dial. */
export const agreementMs = 20_000

export function runScenario(
  random: SeededRandom,
  { nodes, faults, options }: ScenarioOptions,
): ScenarioFinding {
  const world = new MembershipWorld(random, {
    nodes,
    loss: random.pick([0, 0, 0.02, 0.05, 0.1]),
    maxLatencyMs: random.pick([2, 20, 80]),
    ...(options === undefined ? {} : { options }),
  })
  return new Scenario(world, random).run(faults)
}

class Scenario {
  readonly #world: MembershipWorld
  readonly #random: SeededRandom
  readonly #story: string[] = []
  readonly #broken: string[] = []
  /** Since when everything has been mended; and whether nothing was broken since, or nothing but the network in two. */
  #calmMs = 0
  #isPlain = true
  #isOnlyCut = false
  #sides: readonly boolean[] | null = null

  constructor(world: MembershipWorld, random: SeededRandom) {
    this.#world = world
    this.#random = random
    world.onVerdict = (at, about, from, to) => {
      this.#tell(`${at.id} holds ${about.id} for ${to}, was ${from}`)
      if (to === 'dead') this.#onDead(at, about)
    }
  }

  run(faults: number): ScenarioFinding {
    const world = this.#world
    const early = world.runUntil(() => this.#disagreements().length === 0, 15_000, 100)
    if (early === Infinity) this.#breaks(`no agreement at the start: ${this.#disagreements().join(', ')}`)
    // Until every neighbour has been met, nobody can tell a cut from a mesh that is only just starting.
    this.#watch(5_000)
    for (let fault = 0; fault < faults && this.#broken.length === 0; fault++) {
      this.#strike()
      this.#watch(1_000 + 9_000 * this.#random.fraction())
      if (this.#random.chance(0.6)) this.#mend()
      this.#watch(1_000 + 9_000 * this.#random.fraction())
    }
    this.#mend()
    const late = world.runUntil(() => this.#disagreements().length === 0, agreementMs, 100)
    if (late === Infinity) this.#breaks(`no agreement at the end: ${this.#disagreements().join(', ')}`)
    return { seed: this.#random.seed, story: this.#story, broken: this.#broken }
  }

  #strike(): void {
    const world = this.#world
    const random = this.#random
    const member = random.pick(world.members)
    const other = random.pick(world.members)
    const kind = random.below(7)
    // Pauses and slow hosts are no reason to hold anybody for dead.
    this.#isOnlyCut = kind === 3 && this.#isPlain && world.members.every(({ state }) => state === 'running')
    if (kind !== 2 && kind !== 6) this.#isPlain = false
    switch (kind) {
      case 0:
        if (member.state !== 'running' || this.#upCount() * 2 <= world.members.length + 1) return
        this.#tell(`${member.id} is killed`)
        return world.kill(member)
      case 1:
        this.#tell(`${member.id} stands still`)
        return world.freeze(member)
      case 2: {
        const ms = 2_000 * random.fraction()
        if (member.state !== 'running') return
        this.#tell(`${member.id} pauses for ${Math.round(ms)} ms`)
        world.freeze(member)
        return world.at(world.nowMs + ms, () => world.thaw(member))
      }
      case 3: {
        this.#sides = world.members.map(() => random.chance(0.4))
        const side = world.members.filter(({ index }) => this.#sides?.[index]).map(({ id }) => id)
        this.#tell(`${side.join()} are cut off`)
        return world.partition(({ index }) => this.#sides?.[index] === true)
      }
      case 4:
        if (member === other) return
        this.#tell(`nothing gets from ${member.id} to ${other.id}`)
        return world.cut(member, other)
      case 5:
        if (member === other) return
        this.#tell(`nothing passes between ${member.id} and ${other.id}`)
        world.cut(member, other)
        return world.cut(other, member)
      default:
        if (member.state !== 'running') return
        member.slowMs = random.pick([0, 50, 300])
        this.#tell(`${member.id} takes ${member.slowMs} ms`)
    }
  }

  /** Everything works again, and whoever was killed comes back, or stays away. */
  #mend(): void {
    const world = this.#world
    this.#tell('all is mended')
    world.heal()
    this.#sides = null
    this.#calmMs = world.nowMs
    this.#isPlain = true
    this.#isOnlyCut = false
    for (const member of world.members) {
      member.slowMs = 0
      world.thaw(member)
      if (member.state === 'gone' && this.#random.chance(0.7)) {
        this.#tell(`${member.id} starts again`)
        world.restart(member)
      }
    }
  }

  #watch(ms: number): void {
    this.#world.run(ms)
  }

  #onDead(at: SimMember, about: SimMember): void {
    const { members, nowMs } = this.#world
    if (this.#isPlain && nowMs - this.#calmMs > wrongDeadMs) {
      this.#breaks(`${at.id} holds ${about.id} for dead, to which every way is open`)
    }
    // Where hosts are down as well, what a minority is depends on whom it held for dead before.
    if (this.#sides === null || !this.#isOnlyCut) return
    const own = this.#sides[at.index]
    const side = members.filter(({ index }) => this.#sides?.[index] === own)
    if (side.length * 2 <= members.length) {
      this.#breaks(`${at.id}, with ${side.length} of ${members.length}, changed the state of ${about.id}`)
    }
  }

  /** What of the views is not as it should be while nothing is broken. */
  #disagreements(): string[] {
    const world = this.#world
    const running = world.members.filter(({ state }) => state === 'running')
    const found: string[] = []
    for (const at of running) {
      for (const about of world.members) {
        const verdict = world.verdict(at, about)
        const isRight = about.state === 'running' ? verdict === 'alive' : verdict === 'dead'
        if (!isRight) found.push(`${at.id} holds ${about.id} for ${verdict}`)
      }
    }
    return found
  }

  #upCount(): number {
    return this.#world.members.filter(({ state }) => state !== 'gone').length
  }

  #tell(what: string): void {
    this.#story.push(`${(this.#world.nowMs / 1_000).toFixed(3)} ${what}`)
  }

  #breaks(what: string): void {
    this.#tell(`BROKEN: ${what}`)
    this.#broken.push(what)
  }
}
