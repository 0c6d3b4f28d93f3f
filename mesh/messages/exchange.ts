/**
 * Messages between members, over questions and answers of their own protocol: a batch there, a verdict on each back. A
 * member that is not connected is dialled, directly or through its gateway; nothing is passed on for others.
 */
import { isSelvedgeError, messageOf, type Cancel, type Clock, type Log, type Part } from '../../core/index.ts'
import { attackOf, type ReportAttack } from '../attacks.ts'
import { CallExchange, type CallBody, type IncomingCall } from '../calls/index.ts'
import type { NodeId, Transport } from '../transport/index.ts'
import { Allowances } from './allowance.ts'
import {
  decodeBatch,
  decodeVerdicts,
  encodeBatch,
  encodeVerdicts,
  type Verdicts,
  type WireMessage,
} from './batch.ts'
import { messageWireLimits as limits } from './limits.ts'
import { messagesProblems } from './problems.ts'

export const messagesProtocol = '/selvedge/messages/1'

/** Settles when it is known of each message whether it is on the disk. Must not throw. */
export type ReceiveMessages = (peer: NodeId, messages: readonly WireMessage[]) => Promise<Verdicts>

export interface MessageExchangeNeeds {
  readonly transport: Transport
  readonly clock: Clock
  readonly log: Log
  /** Where a member was last known to listen. */
  addressesOf(peer: NodeId): readonly string[]
  /** The connection to a peer is used: for so long it must not be closed as one too many. @param forMs milliseconds */
  used?(peer: NodeId, forMs: number): void
  readonly report: ReportAttack
}

const nothing = new Uint8Array(0)

export class MessageExchange implements Part {
  readonly name = 'messages'
  readonly #needs: MessageExchangeNeeds
  readonly #calls: CallExchange
  readonly #allowances = new Allowances()
  /** Batches of a peer that are being written down. */
  readonly #receiving = new Map<NodeId, number>()
  readonly #listeners = new Set<(peer: NodeId) => void>()
  #receive: ReceiveMessages | null = null
  #cancels: Cancel[] = []

  constructor(needs: MessageExchangeNeeds) {
    this.#needs = needs
    this.#calls = new CallExchange({
      ...needs,
      protocol: messagesProtocol,
      channelsPerPeer: limits.channelsPerPeer,
      lingerMs: limits.lingerMs,
    })
  }

  start(): void {
    if (this.#cancels.length > 0) return
    const { transport } = this.#needs
    this.#calls.start()
    this.#calls.answerWith((call) => this.#answer(call))
    this.#cancels = [
      transport.on('peer:admitted', ({ peer }) => {
        for (const listener of this.#listeners) listener(peer)
      }),
    ]
  }

  stop(): void {
    for (const cancel of this.#cancels.splice(0)) cancel()
    this.#calls.stop()
  }

  /** Who takes the messages of others; null tells them to come again later. */
  receiveWith(receive: ReceiveMessages | null): void {
    this.#receive = receive
  }

  isConnected(peer: NodeId): boolean {
    return this.#calls.isConnected(peer)
  }

  /** Calls `listener` when a member has connected. */
  onConnected(listener: (peer: NodeId) => void): Cancel {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /**
   * Sends one batch, which the caller has kept within {@link messageWireLimits}. Whatever it throws, some of it may have
   * arrived.
   * @param batch or what makes it when a channel is there for it: what it says of time left is then true
   * @throws ERR_CALL_UNREACHABLE, ERR_CALL_LOST, ERR_CALL_DEADLINE …, ERR_MESSAGES_PROTOCOL
   */
  async deliver(
    peer: NodeId,
    batch: readonly WireMessage[] | (() => readonly WireMessage[]),
    signal?: AbortSignal,
  ): Promise<Verdicts> {
    let count = 0
    const answer = await this.#calls.call(peer, {
      head: nothing,
      body: () => {
        const messages = typeof batch === 'function' ? batch() : batch
        count = messages.length
        return encodeBatch(messages)
      },
      deadlineMs: limits.answerMs,
      hops: 0,
      ...(signal !== undefined && { signal }),
    })
    return decodeVerdicts(answer.head, count)
  }

  async #answer(call: IncomingCall): Promise<{ head: Uint8Array; body: null }> {
    try {
      return { head: encodeVerdicts(await this.#verdictsOn(call)), body: null }
    } catch (error) {
      const attack = attackOf(error)
      if (attack !== null) this.#needs.report(attack, call.peer, messageOf(error))
      if (!isSelvedgeError(error)) this.#needs.log.error('messages:failed', { error: messageOf(error) })
      throw error
    }
  }

  async #verdictsOn({ peer, body }: IncomingCall): Promise<Verdicts> {
    const receive = this.#receive
    const underWay = this.#receiving.get(peer) ?? 0
    // Each more of one peer would have to wait in memory.
    if (receive === null || underWay >= limits.batchesPerPeer)
      throw messagesProblems.error('ERR_MESSAGES_UNHEARD', 'the node takes no messages of this one now')
    this.#receiving.set(peer, underWay + 1)
    try {
      const bytes = await wholeOf(body)
      const messages = decodeBatch(bytes)
      const asked = this.#allowances.ask(peer, messages.length, bytes.length, this.#needs.clock.monotonicMs())
      if (asked.isAllowed) return await receive(peer, messages)
      if (asked.isFlood)
        this.#needs.report('flood', peer, `it sent messages ${limits.ignoredWaits} times though told to wait`)
      return { verdicts: messages.map(() => 'later' as const), waitMs: asked.waitMs }
    } finally {
      const left = (this.#receiving.get(peer) ?? 1) - 1
      if (left > 0) this.#receiving.set(peer, left)
      else this.#receiving.delete(peer)
    }
  }
}

/** @throws ERR_MESSAGES_ENDLESS, and what the body's source throws */
async function wholeOf(body: CallBody): Promise<Uint8Array> {
  if (body === null) return nothing
  if (body instanceof Uint8Array) return body
  const pieces: Uint8Array[] = []
  let size = 0
  for await (const piece of body.chunks) {
    size += piece.length
    if (size > limits.batchBytes)
      throw messagesProblems.error(
        'ERR_MESSAGES_ENDLESS',
        `the other node sent over ${limits.batchBytes} bytes`,
      )
    pieces.push(piece)
  }
  return new Uint8Array(Buffer.concat(pieces, size))
}
