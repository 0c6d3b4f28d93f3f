/**
 * A small mesh that places one app: each node decides for itself by what it has heard, late and in its own order, while
 * nodes die, come back, cannot run the app, and lines are cut. Verdicts come as the membership machine would give them.
 */
import { Placement, type PlacedMember } from '../../host/placement/index.ts'
import type { PlacementRule, ReleaseRecord, Verdict } from '../../mesh/index.ts'
import { EventQueue } from './event-queue.ts'
import type { SeededRandom } from './random.ts'

type AppState = 'starting' | 'running' | 'failed'
type Report = NonNullable<PlacedMember['report']>

/** What a node knows of another. */
interface Sight {
  verdict: Verdict
  report: Report | null
}

export interface PlacementNode {
  readonly id: string
  isUp: boolean
  /** The app never comes to run here. */
  isBroken: boolean
  /** Its machine has less memory than the app may take, as its record says. */
  readonly isSmall: boolean
  /** A version that reads nothing of a machine in a record, its own neither. */
  readonly isOld: boolean
  isIsolated: boolean
  app: AppState | null
  boot: number
  placement: Placement
  readonly sights: Map<string, Sight>
  /** Of another id: raised by each change between the two, so that what was on its way before counts no more. */
  readonly epochs: Map<string, number>
  wakeMs: number
}

export class PlacementWorld {
  readonly nodes: readonly PlacementNode[]
  readonly story: string[] = []
  /** When who is up, well and connected with whom last changed. */
  changedMs = 0
  nowMs = 0
  readonly #random: SeededRandom
  readonly #record: ReleaseRecord
  readonly #events = new EventQueue<() => void>()
  /** Which part of the mesh each is in. */
  readonly #parts = new Map<string, number>()

  /** @param isMixed some nodes are small, and some, small ones among them, of a version that takes no note of that */
  constructor(random: SeededRandom, count: number, placement: PlacementRule, isMixed = false) {
    this.#random = random
    const size = { sizeBytes: 1_024 }
    const record = {
      app: 'thermo',
      seq: 1,
      version: '1.0.0',
      grants: [],
      groups: [],
      limits: { memoryBytes: 65_536, deadlineMs: 1_000 },
      component: { ...size, chunks: size },
      placement,
    }
    this.#record = record as unknown as ReleaseRecord
    this.nodes = Array.from({ length: count }, (_, at) =>
      newNode(`n${at}`, isMixed && random.chance(0.5), isMixed && random.chance(0.5)),
    )
    for (const node of this.nodes) {
      this.#parts.set(node.id, 0)
      for (const other of this.nodes) {
        if (other !== node) node.sights.set(other.id, { verdict: 'alive', report: reportOf(other) })
      }
      this.#decideSoon(node)
    }
  }

  /** Nodes that are connected with each other, each of them in one list. */
  parts(): PlacementNode[][] {
    const parts = new Map<number, PlacementNode[]>()
    for (const node of this.nodes) {
      if (!node.isUp) continue
      const part = this.#parts.get(node.id) ?? 0
      parts.set(part, [...(parts.get(part) ?? []), node])
    }
    return [...parts.values()]
  }

  hasMajority(part: readonly PlacementNode[]): boolean {
    return part.length * 2 > this.nodes.filter(({ isUp }) => isUp).length
  }

  /** @param each called after every event, and at the end: nothing may have happened for long */
  run(ms: number, each: () => void): void {
    const untilMs = this.nowMs + ms
    while (this.#events.nextMs <= untilMs) {
      this.nowMs = this.#events.nextMs
      this.#events.pop()?.()
      each()
    }
    this.nowMs = untilMs
    each()
  }

  kill(node: PlacementNode): void {
    this.#tell(`${node.id} is killed`)
    node.isUp = false
    node.app = null
    node.boot += 1
    for (const other of this.nodes) if (other !== node) this.#meet(other, node)
    this.#look()
  }

  /** Another process on the same disk: it remembers records, and nothing of its own decisions. */
  restart(node: PlacementNode): void {
    this.#tell(`${node.id} is started`)
    node.isUp = true
    node.isIsolated = false
    node.placement = new Placement()
    for (const sight of node.sights.values()) sight.verdict = 'alive'
    for (const other of this.nodes) {
      if (other === node) continue
      this.#meet(node, other)
      this.#meet(other, node)
    }
    this.#look()
    this.#decideSoon(node)
  }

  split(parts: readonly (readonly PlacementNode[])[]): void {
    this.#tell(`parts: ${parts.map((part) => part.map(({ id }) => id).join(' ')).join(' | ')}`)
    for (const [part, nodes] of parts.entries()) for (const { id } of nodes) this.#parts.set(id, part)
    for (const node of this.nodes) for (const other of this.nodes) if (other !== node) this.#meet(node, other)
    this.#look()
  }

  setBroken(node: PlacementNode, isBroken: boolean): void {
    this.#tell(`${node.id} ${isBroken ? 'cannot run it' : 'can run it again'}`)
    node.isBroken = isBroken
    this.changedMs = this.nowMs
    if (isBroken && node.app === 'running') this.#setApp(node, 'failed')
    // A person mends what is broken and starts the app again.
    else if (!isBroken && node.app === 'failed') this.#begin(node)
  }

  #isConnected(one: PlacementNode, other: PlacementNode): boolean {
    return one.isUp && other.isUp && this.#parts.get(one.id) === this.#parts.get(other.id)
  }

  /** What `node` comes to know of whether it reaches `other`. */
  #meet(node: PlacementNode, other: PlacementNode): void {
    const epoch = (node.epochs.get(other.id) ?? 0) + 1
    node.epochs.set(other.id, epoch)
    const sight = node.sights.get(other.id) as Sight
    const boot = node.boot
    const after = (fromMs: number, toMs: number, then: () => void): void =>
      this.#after(fromMs, toMs, () => {
        if (node.boot !== boot || !node.isUp || node.epochs.get(other.id) !== epoch) return
        then()
        this.#decide(node)
      })
    if (this.#isConnected(node, other)) {
      after(200, 2_000, () => (sight.verdict = 'alive'))
      after(100, 1_500, () => (sight.report = reportOf(other)))
      return
    }
    after(300, 1_500, () => {
      sight.verdict = 'suspect'
      after(700, 4_500, () => {
        // A minority changes nobody's state.
        if (!node.isIsolated) sight.verdict = 'dead'
      })
    })
  }

  /** A part that is no majority notices it within seconds; one that is a majority again too. */
  #look(): void {
    this.changedMs = this.nowMs
    for (const part of this.parts()) {
      const isSmall = !this.hasMajority(part)
      for (const node of part) {
        if (node.isIsolated === isSmall) continue
        const boot = node.boot
        this.#after(500, isSmall ? 5_000 : 2_000, () => {
          const own = this.parts().find((nodes) => nodes.includes(node))
          if (node.boot !== boot || own === undefined || this.hasMajority(own) === isSmall) return
          node.isIsolated = isSmall
          this.#decide(node)
        })
      }
    }
  }

  #decideSoon(node: PlacementNode): void {
    this.#after(10, 500, () => this.#decide(node))
  }

  #decide(node: PlacementNode): void {
    if (!node.isUp) return
    const members = this.nodes.map((other): PlacedMember => {
      const own: Sight = { verdict: node.isIsolated ? 'isolated' : 'alive', report: reportOf(node) }
      const { verdict, report } = other === node ? own : (node.sights.get(other.id) as Sight)
      const seen = report === null || !node.isOld ? report : { ...report, machine: undefined }
      return { id: other.id, name: other.id, groups: [], roles: [], verdict, report: seen }
    })
    const view = { self: node.id, isIsolated: node.isIsolated, members }
    const restedBefore = JSON.stringify(node.placement.rests)
    const [placed] = node.placement.decide([[{ record: this.#record, digest: 'd' }]], view, this.nowMs)
    if (placed?.runsHere === true && node.app === null) this.#begin(node)
    else if (placed?.runsHere !== true && node.app !== null) this.#setApp(node, null)
    else if (JSON.stringify(node.placement.rests) !== restedBefore) this.#tellAll(node)
    const { wakeAtMs } = node.placement
    if (wakeAtMs === null || wakeAtMs === node.wakeMs) return
    node.wakeMs = wakeAtMs
    const boot = node.boot
    this.#events.push(Math.max(this.nowMs + 1, wakeAtMs), () => {
      node.wakeMs = -1
      if (node.boot === boot) this.#decide(node)
    })
  }

  #begin(node: PlacementNode): void {
    this.#setApp(node, 'starting')
    const boot = node.boot
    this.#after(300, 3_000, () => {
      if (node.boot === boot && node.app === 'starting')
        this.#setApp(node, node.isBroken ? 'failed' : 'running')
    })
  }

  #setApp(node: PlacementNode, app: AppState | null): void {
    this.#tell(`${node.id}: ${app ?? 'stopped'}`)
    node.app = app
    this.#tellAll(node)
    this.#decideSoon(node)
  }

  /** Its record, to all that it reaches. */
  #tellAll(node: PlacementNode): void {
    const boot = node.boot
    for (const other of this.nodes) {
      if (other === node) continue
      const epoch = other.epochs.get(node.id)
      this.#after(20, 800, () => {
        const isHeard = node.boot === boot && other.epochs.get(node.id) === epoch
        if (!isHeard || !this.#isConnected(node, other)) return
        const sight = other.sights.get(node.id) as Sight
        // Records have numbers: whatever comes later, the newest counts.
        sight.report = reportOf(node)
        this.#decide(other)
      })
    }
  }

  #after(fromMs: number, toMs: number, then: () => void): void {
    this.#events.push(this.nowMs + fromMs + this.#random.fraction() * (toMs - fromMs), then)
  }

  #tell(text: string): void {
    this.story.push(`${(this.nowMs / 1_000).toFixed(1)} s: ${text}`)
  }
}

function newNode(id: string, isSmall: boolean, isOld: boolean): PlacementNode {
  return {
    id,
    isSmall,
    isOld,
    isUp: true,
    isBroken: false,
    isIsolated: false,
    app: null,
    boot: 1,
    placement: new Placement(),
    sights: new Map(),
    epochs: new Map(),
    wakeMs: -1,
  }
}

function reportOf({ app, isSmall, placement: { rests } }: PlacementNode): Report {
  const state = { app: 'thermo', version: '1.0.0', seq: 1, since: 0, failures: 0 }
  const apps = app === null ? [] : [{ ...state, state: app }]
  const machine = isSmall ? { appMemoryBytes: 1_024 } : {}
  return { arch: 'x64', platform: 'linux', features: [], machine, devices: [], apps, rests }
}
