/**
 * Logs between members: a question about one app there, a page of lines back, over questions and answers of their own
 * protocol. Whoever follows asks again and again, each time from where the last page ended, and the answer waits for a
 * line: so nothing is kept for a reader, and one who reads slowly or is cut off costs the other node nothing.
 */
import {
  delay,
  isSelvedgeError,
  messageOf,
  type Cancel,
  type Clock,
  type Log,
  type Part,
} from '../../core/index.ts'
import { attackOf, type ReportAttack } from '../attacks.ts'
import { CallExchange, type IncomingCall } from '../calls/index.ts'
import type { NodeId, Transport } from '../transport/index.ts'
import { Allowances } from './allowance.ts'
import { logWireLimits as limits } from './limits.ts'
import { decodePage, encodePage, type LogPage } from './page.ts'
import { logsProblems } from './problems.ts'
import { decodeQuestion, encodeQuestion, type LogQuestion } from './question.ts'

export const logsProtocol = '/selvedge/logs/1'

/** Settles within the question's wait, or when the signal aborts, and gives a page within {@link logWireLimits}. */
export type AnswerLogs = (
  question: LogQuestion,
  signal: AbortSignal,
  charge: ChargeScan,
  /** `scannedBytes` were looked through to fill the page, beside those that were charged: they are put down to who asked. */
) => Promise<LogPage & { readonly scannedBytes?: number }>

/**
 * Asked before so many bytes are looked through for a question; resolves when whoever asked may have that done.
 * @throws ERR_LOGS_SEARCH where it has had too much looked through, and the signal's reason
 */
export type ChargeScan = (bytes: number) => Promise<void>

export interface LogExchangeNeeds {
  readonly transport: Transport
  readonly clock: Clock
  readonly log: Log
  /** Where a member was last known to listen. */
  addressesOf(peer: NodeId): readonly string[]
  /** The connection to a peer is used: for so long it must not be closed as one too many. @param forMs milliseconds */
  used?(peer: NodeId, forMs: number): void
  readonly report: ReportAttack
}

export class LogExchange implements Part {
  readonly name = 'logs'
  readonly #needs: LogExchangeNeeds
  readonly #calls: CallExchange
  readonly #allowances = new Allowances()
  readonly #listeners = new Set<(peer: NodeId) => void>()
  #answer: AnswerLogs | null = null
  #cancels: Cancel[] = []

  constructor(needs: LogExchangeNeeds) {
    this.#needs = needs
    this.#calls = new CallExchange({
      ...needs,
      protocol: logsProtocol,
      channelsPerPeer: limits.channelsPerPeer,
    })
  }

  start(): void {
    if (this.#cancels.length > 0) return
    this.#calls.start()
    this.#calls.answerWith((call) => this.#answered(call))
    this.#cancels = [
      this.#needs.transport.on('peer:admitted', ({ peer }) => {
        for (const listener of this.#listeners) listener(peer)
      }),
    ]
  }

  stop(): void {
    for (const cancel of this.#cancels.splice(0)) cancel()
    this.#calls.stop()
  }

  /** Who answers the questions of others; null refuses them. */
  answerWith(answer: AnswerLogs | null): void {
    this.#answer = answer
  }

  /** Calls `listener` when a member has connected. */
  onConnected(listener: (peer: NodeId) => void): Cancel {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /**
   * Asks a member, which is dialled where it is not connected, directly or through its gateway.
   * @throws ERR_CALL_UNREACHABLE, ERR_CALL_LOST, ERR_CALL_DEADLINE …, ERR_LOGS_UNANSWERED, ERR_LOGS_PROTOCOL, the signal's reason
   */
  async ask(peer: NodeId, question: LogQuestion, signal: AbortSignal): Promise<LogPage> {
    const { head } = await this.#calls.call(peer, {
      head: encodeQuestion(question),
      body: null,
      deadlineMs: question.waitMs + limits.answerMs,
      hops: 0,
      signal,
    })
    try {
      return decodePage(head)
    } catch (error) {
      this.#report(peer, error)
      throw error
    }
  }

  async #answered({ peer, head, signal }: IncomingCall): Promise<{ head: Uint8Array; body: null }> {
    const { clock, log } = this.#needs
    try {
      const question = decodeQuestion(head)
      const answer = this.#answer
      if (answer === null)
        throw logsProblems.error('ERR_LOGS_UNANSWERED', 'the node gives out no logs just now')
      const waitMs = this.#allowances.ask(peer, clock.monotonicMs())
      if (waitMs > 0) await delay(clock, waitMs, signal)
      const answered = await answer(question, signal, this.#meterOf(peer, signal))
      const page = encodePage(answered)
      this.#allowances.answered(peer, page.length, answered.scannedBytes ?? 0, clock.monotonicMs())
      return { head: page, body: null }
    } catch (error) {
      this.#report(peer, error)
      if (!isSelvedgeError(error) && !signal.aborted) log.error('logs:failed', { error: messageOf(error) })
      throw error
    }
  }

  /** What a question has looked through is put down to its peer while it is, so that several at once get no more than one. */
  #meterOf(peer: NodeId, signal: AbortSignal): ChargeScan {
    const { clock } = this.#needs
    let leftMs: number = limits.scanWaitMs
    return async (bytes) => {
      const waitMs = this.#allowances.scanned(peer, bytes, clock.monotonicMs())
      if (waitMs === 0) return
      leftMs -= waitMs
      if (leftMs < 0)
        throw logsProblems.error('ERR_LOGS_SEARCH', 'the node has looked through a lot for this one just now')
      await delay(clock, waitMs, signal)
    }
  }

  #report(peer: NodeId, error: unknown): void {
    const attack = attackOf(error)
    if (attack !== null) this.#needs.report(attack, peer, messageOf(error))
  }
}
