/**
 * Carries out what the membership machine decides: messages over one long-lived channel per peer, signatures, timers.
 *
 * What comes from a peer is counted before it is read, and a statement is verified once, however many pass it on.
 */
import {
  Alarm,
  delay,
  messageOf,
  type Cancel,
  type Clock,
  type Log,
  type Part,
  type Random,
} from '../../core/index.ts'
import type { NodeId } from '../identity/index.ts'
import { PeerChannels, type KnockAnswer, type Transport } from '../transport/index.ts'
import type { MembershipAction, MembershipEvent, Opinion, Verdict } from './events.ts'
import { encodeMessage, maxFrameBytes } from './frame.ts'
import { Membership } from './membership.ts'
import type { Notary } from './notary.ts'
import type { MembershipOptions } from './options.ts'
import { Reading, type Report } from './reading.ts'
import { Rings } from './rings.ts'
import type { Farewell, Message } from './statement.ts'
import { Surplus } from './surplus.ts'

export const membershipProtocol = '/selvedge/membership/1'

const maxQueuedBytes = 256 * 1024
/** For the last words of a node that stops. */
const farewellMs = 300
const farewellStepMs = 10
/** Looks at ports under way at once: one for each neighbour, and some for those that were. */
const maxKnocks = 16

export interface WatchOptions {
  readonly transport: Transport
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  readonly notary: Notary
  readonly boot: number
  /** 16 bytes that are new at every boot. */
  readonly bootNonce: Uint8Array
  readonly options?: Partial<MembershipOptions>
  /** Try to reach a member now, whatever the backoff. */
  dial(node: NodeId): void
  /** Keep connections to these, and to others only as they come; null for everybody that is known. */
  want(nodes: readonly NodeId[] | null): void
  /** Called when the opinion of any node, or of this one, has changed. */
  onChange(): void
  onDuplicate(node: NodeId): void
  readonly report: Report
  /** What answers at the port of a member where it was last met; null where nobody knows its place. */
  knock(node: NodeId, signal: AbortSignal): Promise<KnockAnswer | null>
}

export interface VerdictChange {
  readonly node: NodeId
  readonly from: Verdict
  readonly to: Verdict
}

/** Watches the members from `start` to `stop`; opinions stay readable before and after. */
export class MembershipWatch implements Part {
  readonly name = 'membership'
  readonly #options: WatchOptions
  readonly #machine: Membership
  readonly #channels: PeerChannels
  readonly #reading: Reading
  readonly #surplus = new Surplus()
  readonly #knocking = new Set<NodeId>()
  readonly #listeners = new Set<(change: VerdictChange) => void>()
  #rings: Rings | null = null
  readonly #alarm: Alarm
  #stopped = new AbortController()
  #cancels: Cancel[] = []

  constructor(options: WatchOptions) {
    const { transport, clock, random, log, notary, boot, bootNonce } = options
    this.#options = options
    this.#alarm = new Alarm(clock, () => {
      // Set for an answer that has come meanwhile.
      if (clock.monotonicMs() < this.#machine.wakeMs) return this.#schedule()
      this.observe({ type: 'tick' })
      this.#prune()
    })
    this.#reading = new Reading(notary, options.report)
    const machine = {
      self: transport.self,
      boot,
      nonce: Buffer.from(bootNonce.subarray(0, 8)).toString('hex'),
      seal: notary.seal,
      random,
    }
    this.#machine = new Membership(
      options.options === undefined ? machine : { ...machine, options: options.options },
      clock.monotonicMs(),
    )
    this.#channels = new PeerChannels(
      { transport, clock, random, log },
      {
        protocol: membershipProtocol,
        maxFrameBytes,
        maxQueuedBytes,
        onUp: (node) => this.observe({ type: 'up', node }),
        // A connection that goes is told by the transport; a channel that goes alone is opened again.
        onDown: () => {},
        onMessage: (peer, bytes) => this.#receive(peer, bytes),
      },
    )
  }

  start(): void {
    if (this.#cancels.length > 0) return
    this.#stopped = new AbortController()
    const { transport } = this.#options
    this.#cancels = [transport.on('peer:lost', ({ peer }) => this.observe({ type: 'lost', node: peer }))]
    this.#channels.start()
    this.observe({ type: 'tick' })
  }

  stop(): void {
    for (const cancel of this.#cancels.splice(0)) cancel()
    this.#alarm.stop()
    this.#stopped.abort(new Error('membership stopped'))
    this.#channels.stop()
  }

  /** Tells the neighbours that this node leaves, and waits a moment until they have been told. */
  async leave(farewell: Farewell): Promise<void> {
    if (this.#cancels.length === 0) return
    this.observe({ type: 'leave', farewell })
    const { clock } = this.#options
    const isSent = (): boolean =>
      this.#channels.peers().every((peer) => this.#channels.queuedBytes(peer) === 0)
    for (let waited = 0; waited < farewellMs && !isSent(); waited += farewellStepMs) {
      await delay(clock, farewellStepMs)
    }
  }

  /** Who is to be watched: all members. This node is one of them, whatever the list says. */
  setMembers(nodes: readonly NodeId[]): void {
    const rings = new Rings([...nodes, this.#options.transport.self], this.#rings)
    if (this.#rings?.nodes.join() === rings.nodes.join()) return
    this.#rings = rings
    this.observe({ type: 'members', rings })
    // Those that were connected before they were known as members.
    for (const node of this.#channels.peers()) if (this.#isNew(node)) this.observe({ type: 'up', node })
  }

  /** Keeps a connection to a member for a while, for calls or bulk: dials it, and does not prune it. */
  want(node: NodeId, forMs: number): void {
    this.#surplus.pin(node, this.#nowMs() + forMs)
    if (!this.#options.transport.peers().includes(node)) this.#options.dial(node)
  }

  /** Hands the machine what was seen, and carries out what it wants. */
  observe(event: MembershipEvent): void {
    const actions = this.#machine.handle(event, this.#nowMs())
    let isChanged = event.type === 'members' || event.type === 'network'
    for (const action of actions) {
      if (action.type === 'verdict') isChanged = true
      this.#act(action)
    }
    this.#schedule()
    if (isChanged) this.#options.onChange()
  }

  /** @returns null for a node that is not watched */
  opinion(node: NodeId): Opinion | null {
    return this.#machine.opinion(node, this.#nowMs())
  }

  /** What this node holds of itself. */
  self(): Opinion {
    return this.#machine.self(this.#nowMs())
  }

  /** This node reaches half of those it counts on or less. */
  get isIsolated(): boolean {
    return this.#machine.isIsolated
  }

  /** Calls `listener` at each change of a verdict. */
  onVerdict(listener: (change: VerdictChange) => void): Cancel {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  #nowMs(): number {
    return this.#options.clock.monotonicMs()
  }

  #isNew(node: NodeId): boolean {
    return this.#rings?.has(node) === true && this.#machine.opinion(node, this.#nowMs())?.verdict !== 'alive'
  }

  #schedule(): void {
    if (this.#cancels.length > 0) this.#alarm.set(this.#machine.wakeMs)
  }

  #act(action: MembershipAction): void {
    const { transport, log, dial, want, onDuplicate, report } = this.#options
    switch (action.type) {
      case 'send':
        return this.#send(action.to, action.message)
      case 'dial':
        return dial(action.node)
      case 'knock':
        return this.#knock(action.node)
      case 'drop':
        return transport.disconnect(action.node, 'nothing came through it any more')
      case 'want':
        return want(action.nodes)
      case 'duplicate':
        return onDuplicate(action.node)
      case 'flood':
        return report('flood', action.node, 'it says more about other members than it may')
      case 'verdict': {
        const { node, from, to } = action
        const why = (node === transport.self ? this.self() : this.opinion(node))?.why
        log.info('member:verdict', { node, from, to, why })
        for (const listener of this.#listeners) listener({ node, from, to })
      }
    }
  }

  #send(to: NodeId, message: Message): void {
    for (const frame of encodeMessage(message)) this.#channels.send(to, frame)
  }

  #receive(peer: NodeId, bytes: Uint8Array): void {
    const message = this.#reading.open(peer, bytes, this.#nowMs())
    if (message !== null) this.observe({ type: 'message', from: peer, message })
  }

  #knock(node: NodeId): void {
    if (this.#cancels.length === 0 || this.#knocking.has(node) || this.#knocking.size >= maxKnocks) return
    this.#knocking.add(node)
    const { knock, log } = this.#options
    const { signal } = this.#stopped
    knock(node, signal)
      .then((answer) => {
        if (answer !== null && !signal.aborted) this.observe({ type: 'knocked', node, answer })
      })
      .catch((error: unknown) => log.debug('knock:failed', { node, error: messageOf(error) }))
      .finally(() => this.#knocking.delete(node))
  }

  /** Hangs up on peers that nobody needs a connection to, beyond a number that does not hurt. */
  #prune(): void {
    const { transport, clock } = this.#options
    for (const node of this.#surplus.due(transport.peers(), this.#machine.neighbours, this.#nowMs())) {
      this.#send(node, { t: 'parting' })
      // Told first, so that nobody takes it for a failure.
      clock.after(farewellMs, () => {
        // A call that began meanwhile needs it after all.
        const isNeeded =
          this.#machine.neighbours.includes(node) || this.#surplus.isPinned(node, this.#nowMs())
        if (!isNeeded) transport.disconnect(node, 'this connection is not needed')
      })
    }
  }
}
