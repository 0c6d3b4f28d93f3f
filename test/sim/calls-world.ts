/**
 * A small mesh whose nodes call each other's apps in virtual time: the daemon's own routers and exchanges over modelled
 * connections. What a node holds of the others comes to it late, and is wrong at times, as in a mesh under faults.
 */
import { delay, silentLog } from '../../core/index.ts'
import { MeshRouter } from '../../host/calls/index.ts'
import { engineProblems, WitError } from '../../host/engine/index.ts'
import type { HttpRequest, HttpResponse, Ingress } from '../../host/http/index.ts'
import type { Verdict } from '../../mesh/index.ts'
import { CallExchange } from '../../mesh/calls/index.ts'
import type { SeededRandom } from './random.ts'
import type { WireQuality } from './sim-connection.ts'
import { SimNetwork } from './sim-network.ts'
import type { SimTransport } from './sim-transport.ts'
import { VirtualClock } from './virtual-clock.ts'

/** `order` has an effect each time it runs; `look` has none, and says so in its release. */
export const simApps = ['order', 'look'] as const
export type SimApp = (typeof simApps)[number]

/** What another holds of a node. */
interface Held {
  /** Numbers of the news that it comes from: what was said earlier and arrives later is not taken. */
  verdictNumber: number
  appsNumber: number
  verdict: Verdict
  apps: ReadonlySet<SimApp>
}

export interface SimCallNode {
  readonly name: string
  /** Grows with each process; what an earlier one does has no effect any more. */
  life: number
  isUp: boolean
  readonly apps: Set<SimApp>
  readonly held: Map<string, Held>
  readonly changed: Set<() => void>
  readonly doubted: Set<(change: { node: string; to: Verdict }) => void>
  /** Calls that ended, as the router told its observer, in this life. */
  ended: number
  transport: SimTransport
  calls: CallExchange
  router: MeshRouter
}

/** One execution of a call in an app. */
export interface SimRun {
  readonly node: string
  readonly answer: string
}

/** Of one call of an app, ms, by its release. */
const appDeadlineMs = 3_000
/** An app that hangs is ended by its engine. */
const longestRunMs = 20_000

export class CallsWorld {
  readonly clock = new VirtualClock()
  readonly random: SeededRandom
  readonly network: SimNetwork
  readonly nodes: SimCallNode[]
  /** By call. */
  readonly runs = new Map<string, SimRun[]>()
  /** Apps answer at once and without fault from now on. */
  isCalm = false
  #news = 0

  constructor(random: SeededRandom, nodes: number, wire: Partial<WireQuality>) {
    this.random = random
    this.network = new SimNetwork(this.clock, random, { wire, silenceMs: 4_000 })
    const names = Array.from({ length: nodes }, (_, at) => `n${at}`)
    this.nodes = names.map((name) => this.#made(name, names))
    for (const node of this.nodes) this.tellApps(node, () => 0)
  }

  /** A new process of a node. */
  boot(node: SimCallNode): void {
    Object.assign(node, this.#parts(node))
    this.tell(node, 'alive', () => 100 + 2_000 * this.random.fraction())
    this.tellApps(node, () => 100 + 2_000 * this.random.fraction())
  }

  kill(node: SimCallNode): void {
    if (!node.isUp) return
    node.isUp = false
    node.life++
    node.transport.kill()
    this.tell(node, 'dead', () => 50 + 3_000 * this.random.fraction())
  }

  /** What the others hold of a node, each after its own while. @param afterMs 0 for at once */
  tell(about: SimCallNode, verdict: Verdict, afterMs: () => number): void {
    const number = ++this.#news
    for (const at of this.nodes) {
      const held = at.held.get(about.name)
      if (at === about || held === undefined) continue
      this.#later(afterMs(), () => {
        if (number < held.verdictNumber) return
        held.verdictNumber = number
        this.hold(at, about, verdict)
      })
    }
  }

  hold(at: SimCallNode, about: SimCallNode, verdict: Verdict): void {
    const held = at.held.get(about.name)
    if (held === undefined || held.verdict === verdict) return
    held.verdict = verdict
    for (const changed of at.changed) changed()
    for (const doubted of at.doubted) doubted({ node: about.name, to: verdict })
  }

  /** Its record, with the apps that it runs now. */
  tellApps(about: SimCallNode, afterMs: () => number): void {
    const apps = new Set(about.apps)
    const number = ++this.#news
    for (const at of this.nodes) {
      this.#later(at === about ? 0 : afterMs(), () => {
        const held = at.held.get(about.name)
        if (held === undefined || number < held.appsNumber) return
        held.appsNumber = number
        held.apps = apps
        for (const changed of at.changed) changed()
      })
    }
  }

  #later(ms: number, run: () => void): void {
    if (ms === 0) run()
    else this.clock.after(ms, run)
  }

  #made(name: string, names: readonly string[]): SimCallNode {
    const held = new Map(
      names.map((other) => [other, { verdict: 'alive', apps: new Set(), verdictNumber: 0, appsNumber: 0 }]),
    )
    const node = { name, life: 0, isUp: false, apps: new Set<SimApp>(), held, ended: 0 }
    const whole = Object.assign(node, { changed: new Set(), doubted: new Set() }) as unknown as SimCallNode
    Object.assign(whole, this.#parts(whole))
    return whole
  }

  #parts(node: SimCallNode): Pick<SimCallNode, 'isUp' | 'ended' | 'transport' | 'calls' | 'router'> {
    const { clock, network, random } = this
    const { name, life } = node
    node.changed.clear()
    node.doubted.clear()
    const transport = network.transport(name)
    const addressesOf = (peer: string): readonly string[] => [`/sim/${peer}/p2p/${peer}`]
    const calls = new CallExchange({ transport, clock, log: silentLog, addressesOf })
    const isHere = (app: string): boolean => node.life === life && node.apps.has(app as SimApp)
    const router = new MeshRouter({
      mesh: this.#meshOf(node, calls),
      apps: {
        ingressOf: (app) => (isHere(app) ? this.#ingress(node) : null),
        functionsOf: (app) => (isHere(app) ? this.#functions(node) : null),
        idle: async () => {},
      },
      clock,
      random,
      observer: { ended: () => void (node.life === life && node.ended++), retried: () => {} },
    })
    transport.start()
    calls.start()
    router.start()
    return { isUp: true, ended: 0, transport, calls, router }
  }

  #meshOf(node: SimCallNode, calls: CallExchange): ConstructorParameters<typeof MeshRouter>[0]['mesh'] {
    const desired = simApps.map((app) => ({
      record: {
        app,
        triggers: [{ kind: 'http' }],
        limits: { deadlineMs: appDeadlineMs },
        calls: { idempotent: app === 'look' },
      },
    }))
    const mesh = {
      self: node.name,
      calls,
      load: { tell: () => {}, of: () => new Map() },
      members: () =>
        [...node.held].map(([id, { verdict, apps }]) => ({
          id,
          name: id,
          groups: [],
          opinion: { verdict },
          held: { record: { report: { apps: [...apps].map((app) => ({ app, state: 'running' })) } } },
        })),
      releases: { desired: () => desired },
      onChange: (listener: () => void) => followed(node.changed, listener),
      onVerdict: (listener: (change: { node: string; to: Verdict }) => void) =>
        followed(node.doubted, listener),
    }
    return mesh as unknown as ConstructorParameters<typeof MeshRouter>[0]['mesh']
  }

  #functions(node: SimCallNode) {
    return async (_target: string, args: readonly unknown[]) => {
      const { answer } = await this.#run(node, String(args[0]))
      // Its own error is an answer.
      if (!this.isCalm && this.random.chance(0.05)) throw new WitError(answer)
      return { value: answer, queueMs: 0, runMs: 0 }
    }
  }

  #ingress(node: SimCallNode): Ingress {
    return {
      handle: async ({ path, body }: HttpRequest): Promise<HttpResponse> => {
        const { answer, isStreamed } = await this.#run(node, path.slice(1), body)
        const bytes = new Uint8Array(Buffer.from(answer))
        async function* pieces(): AsyncGenerator<Uint8Array> {
          yield bytes.subarray(0, 2)
          yield bytes.subarray(2)
        }
        return { status: 200, headers: [], body: isStreamed ? pieces() : bytes, trailers: () => null }
      },
    }
  }

  async #run(
    node: SimCallNode,
    call: string,
    body: HttpRequest['body'] = null,
  ): Promise<{ readonly answer: string; readonly isStreamed: boolean }> {
    const { random, clock } = this
    const { life } = node
    const fate = this.isCalm ? 1 : random.fraction()
    const { isStreamed, ms } = this.#pace()
    if (fate < 0.05) throw engineProblems.error('ERR_APP_BUSY', 'too many wait')
    if (fate < 0.1) await delay(clock, ms)
    if (fate < 0.1) throw engineProblems.error('ERR_APP_NOT_BEGUN', 'the instance ended before it')
    const runs = this.runs.get(call) ?? []
    const answer = `${call} by ${node.name}.${life} run ${runs.length}`
    // Here it has its effect.
    this.runs.set(call, runs)
    runs.push({ node: node.name, answer })
    if (body !== null && !(body instanceof Uint8Array)) for await (const _ of body.chunks);
    await delay(clock, fate < 0.13 ? longestRunMs : ms)
    // A process that has ended says nothing, and what its code would do is not done.
    if (node.life !== life) throw engineProblems.error('ERR_APP_STOPPED', 'its process ended')
    if (fate < 0.2) throw engineProblems.error('ERR_APP_CRASH', 'the engine died')
    if (fate < 0.24) throw engineProblems.error('ERR_APP_TRAP', 'it trapped')
    return { answer, isStreamed }
  }

  #pace(): { readonly isStreamed: boolean; readonly ms: number } {
    if (this.isCalm) return { isStreamed: false, ms: 1 }
    return { isStreamed: this.random.chance(0.3), ms: this.random.pick([0, 1, 5, 50, 400]) }
  }
}

function followed<Listener>(listeners: Set<Listener>, listener: Listener): () => void {
  listeners.add(listener)
  return () => listeners.delete(listener)
}
