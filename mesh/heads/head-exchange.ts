/** Runs the head decisions over real channels: reads, writes, timers, and the owners' judgement of what arrives. */
import { Alarm, messageOf, within, type Clock, type Log, type Part, type Random } from '../../core/index.ts'
import type { ReportAttack } from '../attacks.ts'
import { attackOf } from '../attacks.ts'
import { PeerChannels, type NodeId, type Transport } from '../transport/index.ts'
import { headLimits, isHeadKey, type Head, type HeadOutcome } from './head.ts'
import type { HeadTraffic } from './head-traffic.ts'
import { HeadSync, type HeadSyncOptions } from './head-sync.ts'
import type { HeadAction, HeadEvent } from './head-events.ts'
import { decodeMessage, encodeMessage, messageLimits, type HeadMessage } from './message.ts'

const headProtocol = '/selvedge/heads/2'

export interface HeadExchangeParts {
  readonly transport: Transport
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  /**
   * The owner of `key` checks and keeps the bytes. On 'accepted' it hands the head in with {@link HeadExchange.changed}
   * (before or after it answers). Must not throw for bad bytes: that is 'refused'.
   */
  readonly accept: (key: string, bytes: Uint8Array, from: NodeId) => Promise<HeadOutcome>
  readonly report?: ReportAttack
  /** Where what is said and heard is counted by kind, if anybody wants to know. */
  readonly traffic?: HeadTraffic
}

/** Announcements that do not fit are dropped: the next comparison finds what they said. */
const maxQueuedBytes = 8 * 1024 * 1024
const acceptMs = 20_000
const banMs = 60_000

/** Heads over the transport; nothing is sent before `start`. */
export function createHeadExchange(parts: HeadExchangeParts, options?: HeadSyncOptions): HeadExchange {
  return new HeadExchange(parts, options)
}

/** Use {@link createHeadExchange}. */
export class HeadExchange implements Part {
  readonly name = 'heads'
  readonly #parts: HeadExchangeParts
  readonly #sync: HeadSync
  readonly #channels: PeerChannels
  /** Where an accepted head came from, so that it is not announced back. */
  readonly #judging = new Map<string, NodeId>()
  /** Owners judge one head after the other, in the order of arrival. */
  #turn: Promise<void> = Promise.resolve()
  readonly #alarm: Alarm
  #isRunning = false

  constructor(parts: HeadExchangeParts, options?: HeadSyncOptions) {
    this.#parts = parts
    this.#sync = new HeadSync(parts.random, options)
    this.#alarm = new Alarm(parts.clock, () => this.#feed({ type: 'tick' }))
    this.#channels = new PeerChannels(parts, {
      protocol: headProtocol,
      maxFrameBytes: messageLimits.frameBytes,
      maxQueuedBytes,
      onUp: (peer) => this.#feed({ type: 'peer-up', peer }),
      onDown: (peer) => this.#feed({ type: 'peer-down', peer }),
      onMessage: (peer, bytes) => this.#onMessage(peer, bytes),
    })
  }

  start(): void {
    if (this.#isRunning) return
    this.#isRunning = true
    this.#channels.start()
  }

  stop(): void {
    this.#isRunning = false
    this.#alarm.stop()
    this.#channels.stop()
  }

  /**
   * Holds this head from now on and tells the neighbours; nothing happens where it, or a newer one, is held.
   * A head over {@link headLimits} is logged and stays here: no neighbour would take it.
   * @param isUnhurried that it may take a few seconds to get beyond the neighbours of the node that made it
   */
  changed(head: Head, isUnhurried = false): void {
    if (head.bytes.length > headLimits.headBytes || !isHeadKey(head.key)) {
      this.#parts.log.error('heads:over-limit', { key: head.key, sizeBytes: head.bytes.length })
      return
    }
    this.#feed({ type: 'changed', head, from: this.#judging.get(head.key), isUnhurried })
  }

  /** Of the heads whose keys start with `prefix`, forgets all but these. */
  retain(prefix: string, keys: ReadonlySet<string>): void {
    this.#feed({ type: 'retain', prefix, keys })
  }

  get(key: string): Head | undefined {
    return this.#sync.get(key)
  }

  /** Two nodes with the same summary hold the same heads. */
  summary(): { readonly count: number; readonly digest: string } {
    return this.#sync.summary()
  }

  /** Neighbours with whom heads are exchanged now. */
  peers(): NodeId[] {
    return this.#channels.peers()
  }

  /** Waits for the owners to judge what has been read, so that a fast peer cannot queue without bound. */
  async #onMessage(peer: NodeId, bytes: Uint8Array): Promise<void> {
    let event: HeadEvent
    try {
      const message = decodeMessage(bytes)
      this.#parts.traffic?.received(message, bytes.length)
      event = { type: 'message', peer, message }
    } catch (error) {
      event = { type: 'rubbish', peer, reason: messageOf(error) }
      this.#parts.report?.(attackOf(error) ?? 'parser', peer, `heads: ${event.reason}`)
    }
    this.#feed(event)
    await this.#turn
  }

  #feed(event: HeadEvent): void {
    const actions = this.#sync.on(event, this.#parts.clock.monotonicMs())
    for (const action of actions) this.#perform(action)
    if (this.#isRunning) this.#alarm.set(this.#sync.wakeMs)
  }

  #perform(action: HeadAction): void {
    switch (action.type) {
      case 'send':
        this.#say(action.peer, action.message)
        return
      case 'accept':
        this.#turn = this.#turn.then(() => this.#judge(action.peer, action.key, action.bytes))
        return
      case 'deceived':
        this.#parts.report?.(
          'rollback',
          action.peer,
          `heads: it sent an older ${action.key} than it announced`,
        )
        return
      case 'misbehaved':
        this.#parts.report?.('flood', action.peer, `heads: ${action.reason}`)
        this.#parts.transport.ban(action.peer, banMs, `heads: ${action.reason}`)
    }
  }

  #say(peer: NodeId, message: HeadMessage): void {
    const bytes = encodeMessage(message)
    if (this.#channels.send(peer, bytes)) this.#parts.traffic?.sent(message, bytes.length)
  }

  async #judge(peer: NodeId, key: string, bytes: Uint8Array): Promise<void> {
    const { accept, clock, log } = this.#parts
    this.#judging.set(key, peer)
    let outcome: HeadOutcome = 'refused'
    try {
      outcome = await within({ clock, ms: acceptMs }, () => accept(key, bytes, peer))
    } catch (error) {
      log.error('heads:not-judged', { key, peer, error: messageOf(error) })
    } finally {
      this.#judging.delete(key)
    }
    if (outcome === 'refused') log.info('heads:refused', { key, peer })
    this.#feed({ type: 'judged', peer, key, outcome })
  }
}
