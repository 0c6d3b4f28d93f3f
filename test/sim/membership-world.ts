/**
 * A mesh of membership machines in virtual time: the daemon's own decisions over modelled TCP connections, without
 * channels, signatures or promises, so that thousands of nodes and hours of them can be run.
 *
 * A message that is lost is sent again after 200 ms, then after twice as long each time, and holds up what follows it, as
 * TCP does. A host that vanishes drops everything; one that is frozen takes messages and deals with them when it goes on.
 */
import { backoffMs } from '../../core/index.ts'
import {
  Membership,
  Rings,
  type MembershipAction,
  type MembershipEvent,
  type MembershipOptions,
  type Message,
  type Seal,
  type Verdict,
} from '../../mesh/membership/index.ts'
import { EventQueue } from './event-queue.ts'
import type { SeededRandom } from './random.ts'

export interface WorldOptions {
  readonly nodes: number
  readonly minLatencyMs?: number
  readonly maxLatencyMs?: number
  /** Chance of a message to be lost and sent again. */
  readonly loss?: number
  readonly options?: Partial<MembershipOptions>
  /** False for names that are shared between worlds, so that their places are hashed once. */
  readonly rings?: Rings
}

export interface SimMember {
  readonly id: string
  readonly index: number
  machine: Membership
  boot: number
  /** `gone`: its process ended. `vanished`: so did its host, without a word. */
  state: 'running' | 'frozen' | 'gone' | 'vanished'
  /** Nothing is dealt with earlier, so that all stays in order. */
  busyMs: number
  /** What a slow host lets pass, at most, before it deals with something. */
  slowMs: number
  wakeMs: number
  backlog: MembershipEvent[]
  readonly dials: Map<number, { attempt: number; isUnderWay: boolean }>
  wanted: readonly string[]
  sentBytes: number
  sentMessages: number
}

interface Wire {
  /** Grows with every connection: what belongs to an earlier one is dropped. */
  epoch: number
  isUp: boolean
  /** By direction, from the smaller index to the larger first. */
  readonly arrivalMs: [number, number]
  readonly stuck: [Message[], Message[]]
  readonly stuckMs: [number, number]
}

type Happening = () => void

/** What a frame costs besides itself: yamux 12, noise 18, IP and TCP 52 bytes. */
export const overheadBytes = 82
const statementBytes = 208
const rtoMs = 200
const dialTimeoutMs = 4_000
const refusalMs = 1

export class MembershipWorld {
  readonly members: SimMember[] = []
  readonly random: SeededRandom
  readonly rings: Rings
  nowMs = 0
  /** How often a live member that could be reached was called dead, by whom. */
  onVerdict: (at: SimMember, about: SimMember, from: Verdict, to: Verdict) => void = () => {}
  onOther: (at: SimMember, action: MembershipAction) => void = () => {}
  loss: number
  events = 0
  readonly #options: WorldOptions
  readonly #queue = new EventQueue<Happening>()
  readonly #index = new Map<string, SimMember>()
  readonly #wires = new Map<number, Wire>()
  readonly #cuts = new Set<number>()
  #cutSides: Uint8Array | null = null

  constructor(random: SeededRandom, options: WorldOptions) {
    this.random = random
    this.#options = options
    this.loss = options.loss ?? 0
    const ids = Array.from({ length: options.nodes }, (_, index) => `n${index}`)
    this.rings = options.rings ?? new Rings(ids)
    for (const [index, id] of ids.entries()) {
      const member: SimMember = {
        id,
        index,
        boot: 1,
        machine: this.#machine(id, 1),
        state: 'running',
        busyMs: 0,
        slowMs: 0,
        wakeMs: Infinity,
        backlog: [],
        dials: new Map(),
        wanted: [],
        sentBytes: 0,
        sentMessages: 0,
      }
      this.members.push(member)
      this.#index.set(id, member)
    }
    for (const member of this.members) this.#feed(member, { type: 'members', rings: this.rings })
    for (const member of this.members) {
      this.#feed(member, { type: 'network', on: true })
    }
  }

  member(index: number): SimMember {
    const member = this.members[index]
    if (member === undefined) throw new RangeError(`no node ${index}`)
    return member
  }

  verdict(at: SimMember, about: SimMember): Verdict | null {
    if (at !== about) return at.machine.verdict(about.id, this.nowMs)
    return at.machine.isIsolated ? 'isolated' : 'alive'
  }

  run(ms: number): void {
    const end = this.nowMs + ms
    while (this.#queue.nextMs <= end) {
      this.nowMs = this.#queue.nextMs
      this.events++
      this.#queue.pop()?.()
    }
    this.nowMs = end
  }

  /** @returns how long it took; Infinity where it did not come about */
  runUntil(isDone: () => boolean, limitMs: number, stepMs = 10): number {
    const start = this.nowMs
    while (!isDone()) {
      if (this.nowMs - start >= limitMs) return Infinity
      this.run(stepMs)
    }
    return this.nowMs - start
  }

  at(atMs: number, run: Happening): void {
    this.#queue.push(atMs, run)
  }

  /** The end of a process: its host refuses new connections. */
  kill(member: SimMember): void {
    member.state = 'gone'
    member.backlog = []
    this.#hangUpAll(member)
  }

  /** A new process after {@link kill}. */
  restart(member: SimMember): void {
    this.#hangUpAll(member)
    member.boot++
    member.machine = this.#machine(member.id, member.boot)
    member.state = 'running'
    member.wakeMs = Infinity
    member.dials.clear()
    this.#feed(member, { type: 'members', rings: this.rings })
    this.#feed(member, { type: 'network', on: true })
  }

  /** It says that it leaves, and ends. */
  leave(member: SimMember): void {
    this.#feed(member, { type: 'leave', farewell: 'stops' })
    this.at(this.nowMs + 50, () => this.kill(member))
  }

  vanish(member: SimMember): void {
    member.state = 'vanished'
    member.backlog = []
  }

  freeze(member: SimMember): void {
    if (member.state === 'running') member.state = 'frozen'
  }

  thaw(member: SimMember): void {
    if (member.state !== 'frozen') return
    member.state = 'running'
    const { backlog } = member
    member.backlog = []
    for (const event of backlog) this.#handle(member, event)
    this.#handle(member, { type: 'tick' })
  }

  /** Nothing passes between the two sides. */
  partition(isOnSideB: (member: SimMember) => boolean): void {
    this.#cutSides = Uint8Array.from(this.members, (member) => (isOnSideB(member) ? 1 : 0))
  }

  /** Nothing passes from one to the other. */
  cut(from: SimMember, to: SimMember): void {
    this.#cuts.add(this.#key(from.index, to.index))
  }

  /** Ends every partition and cut. */
  heal(): void {
    this.#cutSides = null
    this.#cuts.clear()
    for (const [key, wire] of this.#wires) this.#resume(key, wire)
  }

  isOpen(from: SimMember, to: SimMember): boolean {
    if (from.state === 'vanished' || to.state === 'vanished') return false
    if (this.#cutSides !== null && this.#cutSides[from.index] !== this.#cutSides[to.index]) return false
    return this.#cuts.size === 0 || !this.#cuts.has(this.#key(from.index, to.index))
  }

  /** Says something in the name of a member, as a hostile one may. */
  inject(from: SimMember, to: SimMember, message: Message): void {
    this.#send(from, to, message)
  }

  #machine(id: string, boot: number): Membership {
    const parts = { self: id, boot, nonce: `${id}.${boot}`, seal, random: this.random }
    const { options } = this.#options
    return new Membership(options === undefined ? parts : { ...parts, options }, this.nowMs)
  }

  /** Delivers an event, to a host that may be slow or stand still. */
  #feed(member: SimMember, event: MembershipEvent): void {
    if (member.state === 'frozen') {
      member.backlog.push(event)
    } else if (member.state === 'running') {
      if (member.slowMs === 0) return this.#handle(member, event)
      member.busyMs = Math.max(member.busyMs, this.nowMs + member.slowMs * this.random.fraction())
      const { boot } = member
      this.at(member.busyMs, () => {
        if (member.boot !== boot) return
        if (member.state === 'frozen') member.backlog.push(event)
        else if (member.state === 'running') this.#handle(member, event)
      })
    }
  }

  #handle(member: SimMember, event: MembershipEvent): void {
    const actions = member.machine.handle(event, this.nowMs)
    for (const action of actions) this.#act(member, action)
    const { wakeMs } = member.machine
    if (wakeMs === Infinity || (wakeMs >= member.wakeMs && member.wakeMs > this.nowMs)) return
    member.wakeMs = wakeMs
    const { boot } = member
    this.at(Math.max(wakeMs, this.nowMs), () => {
      if (member.wakeMs !== wakeMs || member.boot !== boot) return
      member.wakeMs = Infinity
      this.#feed(member, { type: 'tick' })
    })
  }

  #act(member: SimMember, action: MembershipAction): void {
    switch (action.type) {
      case 'send':
        return this.#send(member, this.#peer(action.to), action.message)
      case 'dial':
        return this.#dial(member, this.#peer(action.node))
      case 'drop': {
        const peer = this.#peer(action.node)
        return this.#hangUp(member, peer)
      }
      case 'want':
        member.wanted = action.nodes
        for (const node of action.nodes) this.#dial(member, this.#peer(node))
        return
      case 'verdict':
        return this.onVerdict(member, this.#peer(action.node), action.from, action.to)
      default:
        return this.onOther(member, action)
    }
  }

  #send(from: SimMember, to: SimMember, message: Message): void {
    const wire = this.#wires.get(this.#pair(from.index, to.index))
    if (wire === undefined || !wire.isUp) return
    from.sentBytes += bytesOf(message)
    from.sentMessages++
    const way = from.index < to.index ? 0 : 1
    // An acknowledgement must come back, or all that follows waits.
    if (!this.isOpen(from, to) || wire.stuck[way].length > 0) {
      if (wire.stuck[way].length === 0) wire.stuckMs[way] = this.nowMs
      wire.stuck[way].push(message)
      return
    }
    this.#deliver(from, to, wire, way, message, this.#retransmissionMs())
  }

  #deliver(from: SimMember, to: SimMember, wire: Wire, way: 0 | 1, message: Message, extraMs: number): void {
    const arrivalMs = Math.max(wire.arrivalMs[way], this.nowMs + this.#latencyMs() + extraMs)
    wire.arrivalMs[way] = arrivalMs
    const { epoch } = wire
    this.at(arrivalMs, () => {
      if (wire.epoch !== epoch) return
      if (!this.isOpen(from, to)) {
        // It was on its way when the line was cut: the sender's copy is sent again.
        if (wire.stuck[way].length === 0) wire.stuckMs[way] = this.nowMs
        wire.stuck[way].push(message)
        return
      }
      this.#feed(to, { type: 'message', from: from.id, message })
    })
  }

  /** After a cut each direction goes on with the next retransmission, whose distance has doubled all the while. */
  #resume(key: number, wire: Wire): void {
    if (!wire.isUp) return
    const count = this.members.length
    const [low, high] = [this.member(Math.floor(key / count)), this.member(key % count)]
    for (const way of [0, 1] as const) {
      const messages = wire.stuck[way].splice(0)
      if (messages.length === 0) continue
      let nextMs = wire.stuckMs[way]
      for (let step = rtoMs; nextMs <= this.nowMs; step = Math.min(step * 2, 120_000)) nextMs += step
      const [from, to] = way === 0 ? [low, high] : [high, low]
      for (const message of messages) this.#deliver(from, to, wire, way, message, nextMs - this.nowMs)
    }
  }

  #dial(from: SimMember, to: SimMember): void {
    if (from.state !== 'running' || this.#isConnected(from, to)) return
    const dial = from.dials.get(to.index) ?? { attempt: 0, isUnderWay: false }
    from.dials.set(to.index, dial)
    if (dial.isUnderWay) return
    dial.isUnderWay = true
    const { boot } = from
    const settle = (atMs: number, end: () => void): void =>
      this.at(atMs, () => {
        if (from.boot !== boot) return
        dial.isUnderWay = false
        end()
      })
    const fail = (failure: 'refused' | 'timeout'): void => {
      this.#feed(from, { type: 'dial-failed', node: to.id, failure })
      const againMs = this.nowMs + backoffMs(dial.attempt++, 250, 10_000, this.random)
      this.at(againMs, () => {
        if (from.boot === boot && from.wanted.includes(to.id)) this.#dial(from, to)
      })
    }
    const rttMs = 2 * this.#latencyMs() + this.#retransmissionMs()
    // TCP asks again after one and three seconds; the dial is given up after four.
    const ask = (tries: readonly number[]): void => {
      const [nextMs = dialTimeoutMs, ...rest] = tries
      if (!this.isOpen(from, to) || !this.isOpen(to, from)) {
        if (nextMs >= dialTimeoutMs) return settle(startMs + dialTimeoutMs, () => fail('timeout'))
        return this.at(startMs + nextMs, () => ask(rest))
      }
      if (to.state === 'gone') return settle(this.nowMs + rttMs + refusalMs, () => fail('refused'))
      // The kernel of a frozen host takes the connection; nobody speaks on it.
      if (to.state !== 'running') return settle(startMs + dialTimeoutMs, () => fail('timeout'))
      settle(this.nowMs + 3 * rttMs, () => {
        if (this.#isConnected(from, to) || from.state === 'gone') return
        if (to.state !== 'running' || !this.isOpen(from, to) || !this.isOpen(to, from)) return fail('timeout')
        dial.attempt = 0
        this.#connect(from, to)
      })
    }
    const startMs = this.nowMs
    ask([1_000, 3_000])
  }

  #connect(a: SimMember, b: SimMember): void {
    const key = this.#pair(a.index, b.index)
    const epoch = (this.#wires.get(key)?.epoch ?? 0) + 1
    const arrivalMs: [number, number] = [0, 0]
    this.#wires.set(key, { epoch, isUp: true, arrivalMs, stuck: [[], []], stuckMs: [0, 0] })
    this.#feed(a, { type: 'up', node: b.id })
    this.#feed(b, { type: 'up', node: a.id })
  }

  #hangUpAll(member: SimMember): void {
    for (const other of this.members) if (other !== member) this.#hangUp(member, other)
  }

  #hangUp(member: SimMember, other: SimMember): void {
    const wire = this.#wires.get(this.#pair(member.index, other.index))
    if (wire === undefined || !wire.isUp) return
    wire.isUp = false
    wire.epoch++
    this.#feed(member, { type: 'lost', node: other.id })
    // Who is not told notices nothing; what it sends then is answered with a reset once it can be.
    const tell = (): void => {
      // A new connection has taken its place meanwhile.
      if (this.#isConnected(member, other)) return
      if (this.isOpen(member, other)) this.#feed(other, { type: 'lost', node: member.id })
      else this.at(this.nowMs + 1_000, tell)
    }
    if (member.state !== 'vanished') this.at(this.nowMs + this.#latencyMs(), tell)
  }

  #isConnected(a: SimMember, b: SimMember): boolean {
    return this.#wires.get(this.#pair(a.index, b.index))?.isUp ?? false
  }

  #latencyMs(): number {
    const { minLatencyMs = 1, maxLatencyMs = 20 } = this.#options
    return minLatencyMs + (maxLatencyMs - minLatencyMs) * this.random.fraction()
  }

  #retransmissionMs(): number {
    if (this.loss === 0) return 0
    let ms = 0
    for (let step = rtoMs; this.random.chance(this.loss); step *= 2) ms += step
    return ms
  }

  #peer(id: string): SimMember {
    const member = this.#index.get(id)
    if (member === undefined) throw new Error(`nobody is called ${id}`)
    return member
  }

  #pair(a: number, b: number): number {
    return a < b ? this.#key(a, b) : this.#key(b, a)
  }

  #key(from: number, to: number): number {
    return from * this.members.length + to
  }
}

const noBytes = new Uint8Array(0)
const seal: Seal = (statement) => ({ statement, bytes: noBytes })

/** What a message takes on the wire, statements at the size of a signed one. */
function bytesOf(message: Message): number {
  if (message.t === 'statements') return overheadBytes + 4 + message.list.length * statementBytes
  // A name of a member is 54 bytes long.
  if (message.t === 'summary') return overheadBytes + 12 + 54 * (message.missing?.length ?? 0)
  if (message.t === 'parting') return overheadBytes + 2
  // The length of a number: 1 to 5 bytes.
  return (
    overheadBytes + (message.number < 24 ? 4 : message.number < 256 ? 5 : message.number < 65_536 ? 6 : 8)
  )
}
