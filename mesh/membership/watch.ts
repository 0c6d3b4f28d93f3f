/**
 * Carries out what the detector decides: probes over one long-lived channel per peer, and echoes of theirs.
 *
 * A probe is a CBOR number that comes back unchanged. No probe opens a connection; that is redial's business,
 * which tells this part how its dials ended.
 */
import {
  decodeCbor,
  encodeCbor,
  every,
  messageOf,
  within,
  type Cancel,
  type Clock,
  type Log,
  type Part,
} from '../../core/index.ts'
import type { NodeId } from '../identity/index.ts'
import type { Channel, Transport } from '../transport/index.ts'
import {
  Detector,
  detectorDefaults,
  type DetectorEvent,
  type DetectorOptions,
  type Opinion,
} from './detector.ts'

const probeProtocol = '/selvedge/probe/1'
const maxProbeBytes = 16
const tickMs = 250
const openMs = 5_000

export interface WatchOptions {
  readonly transport: Transport
  readonly clock: Clock
  readonly log: Log
  readonly detector?: DetectorOptions
  /** Called when the opinion of any node, or of this one, has changed. */
  onChange(): void
}

interface Probing {
  /** Being opened, or open. */
  channel: Promise<Channel> | null
  /** Sent and not yet answered: number and monotonic ms. The newest only. */
  pending: { readonly number: number; readonly sentMs: number } | null
}

/** Watches the members from `start` to `stop`; opinions stay readable before and after. */
export class MembershipWatch implements Part {
  readonly name = 'membership'
  readonly #options: WatchOptions
  readonly #detector: Detector
  readonly #probing = new Map<NodeId, Probing>()
  #verdicts = new Map<NodeId, string>()
  #members: readonly NodeId[] = []
  #selfVerdict = 'alive'
  #number = 0
  #cancels: Cancel[] = []

  constructor(options: WatchOptions) {
    this.#options = options
    this.#detector = new Detector(options.detector ?? detectorDefaults, options.clock.monotonicMs())
  }

  start(): void {
    if (this.#cancels.length > 0) return
    const { transport, clock } = this.#options
    this.#cancels = [
      transport.handle(probeProtocol, (peer, channel) => this.#echo(peer, channel), {
        maxFrameBytes: maxProbeBytes,
      }),
      transport.on('peer:admitted', ({ peer }) => this.observe({ type: 'connected', node: peer })),
      transport.on('peer:lost', ({ peer }) => {
        this.#forget(peer)
        this.observe({ type: 'disconnected', node: peer })
      }),
      every(clock, tickMs, () => this.observe({ type: 'tick' })),
    ]
  }

  stop(): void {
    for (const cancel of this.#cancels) cancel()
    this.#cancels = []
    for (const node of this.#probing.keys()) this.#forget(node)
  }

  /** Who is to be watched: all members but this node. */
  setMembers(nodes: readonly NodeId[]): void {
    const added = new Set(nodes.filter((node) => this.#detector.opinion(node) === null))
    this.#members = nodes
    this.observe({ type: 'members', nodes })
    for (const node of this.#options.transport.peers()) {
      if (added.has(node)) this.observe({ type: 'connected', node })
    }
  }

  /** Hands the detector what was seen, and carries out what it wants. */
  observe(event: DetectorEvent): void {
    for (const { node } of this.#detector.handle(event, this.#options.clock.monotonicMs())) this.#probe(node)
    this.#tellChanges()
  }

  /** @returns null for a node that is not watched */
  opinion(node: NodeId): Opinion | null {
    return this.#detector.opinion(node)
  }

  /** What this node holds of itself. */
  self(): Opinion {
    return this.#detector.self()
  }

  #probe(node: NodeId): void {
    const probing = this.#probing.get(node) ?? { channel: null, pending: null }
    this.#probing.set(node, probing)
    const opened = (probing.channel ??= this.#open(node, probing))
    const number = (this.#number += 1)
    const send = async (): Promise<void> => {
      const channel = await opened
      probing.pending = { number, sentMs: this.#options.clock.monotonicMs() }
      await channel.send(encodeCbor(number))
    }
    send().catch((error: unknown) => {
      this.#leave(probing, opened)
      this.#options.log.debug('probe:failed', { node, error: messageOf(error) })
    })
  }

  /** The next probe opens another channel, if it has not yet. */
  #leave(probing: Probing, opened: Promise<Channel> | null): void {
    if (probing.channel === opened) probing.channel = null
    opened?.then((channel) => channel.close()).catch(() => {})
  }

  async #open(node: NodeId, probing: Probing): Promise<Channel> {
    const { transport, clock } = this.#options
    const channel = await within({ clock, ms: openMs }, (signal) =>
      transport.open(node, probeProtocol, signal),
    )
    void this.#listen(node, probing, channel)
    return channel
  }

  async #listen(node: NodeId, probing: Probing, channel: Channel): Promise<void> {
    const opened = probing.channel
    try {
      for await (const frame of channel.messages) {
        const { pending } = probing
        const number = decodeCbor(frame, { maxBytes: maxProbeBytes, maxDepth: 0, maxItems: 1 })
        if (pending === null || pending.number !== number) continue
        probing.pending = null
        this.observe({ type: 'answered', node, rttMs: this.#options.clock.monotonicMs() - pending.sentMs })
      }
    } catch (error) {
      this.#options.log.debug('probe:broken', { node, error: messageOf(error) })
    } finally {
      this.#leave(probing, opened)
    }
  }

  #echo(peer: NodeId, channel: Channel): void {
    const serve = async (): Promise<void> => {
      for await (const frame of channel.messages) await channel.send(frame)
    }
    serve()
      .catch((error: unknown) =>
        this.#options.log.debug('probe:unanswered', { peer, error: messageOf(error) }),
      )
      .finally(() => channel.close())
  }

  #forget(node: NodeId): void {
    const probing = this.#probing.get(node)
    this.#probing.delete(node)
    if (probing !== undefined) this.#leave(probing, probing.channel)
  }

  #tellChanges(): void {
    const verdicts = new Map(this.#members.map((node) => [node, this.#detector.opinion(node)?.verdict ?? '']))
    const self = this.#detector.self().verdict
    const changed =
      self !== this.#selfVerdict ||
      verdicts.size !== this.#verdicts.size ||
      [...verdicts].some(([node, verdict]) => this.#verdicts.get(node) !== verdict)
    for (const [node, verdict] of verdicts) {
      const before = this.#verdicts.get(node)
      if (before !== undefined && before !== verdict) {
        const why = this.#detector.opinion(node)?.why
        this.#options.log.info('member:verdict', { node, from: before, to: verdict, why })
      }
    }
    this.#verdicts = verdicts
    this.#selfVerdict = self
    if (changed) this.#options.onChange()
  }
}
