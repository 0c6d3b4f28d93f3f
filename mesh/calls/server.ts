/** Answers the calls of admitted peers, so many at once and no more: what comes beyond is told that it did not begin. */
import { messageOf, type Clock, type Log } from '../../core/index.ts'
import type { Channel, NodeId } from '../transport/index.ts'
import { callLimits, type CallHandler } from './contract.ts'
import { decodeMessage, type CallMessage } from './messages.ts'
import { callsProblems, isViolation } from './problems.ts'
import { Served } from './served.ts'

export interface CallServerNeeds {
  readonly clock: Clock
  readonly log: Log
  /** {@link callLimits}.channelsPerPeer unless given. */
  readonly channelsPerPeer?: number
  report?(attack: 'parser', peer: NodeId, detail: string): void
}

export class CallServer {
  readonly #needs: CallServerNeeds
  readonly #channels = new Map<NodeId, Set<Channel>>()
  #handler: CallHandler | null = null
  #underWay = 0

  constructor(needs: CallServerNeeds) {
    this.#needs = needs
  }

  /** Calls of others that are not over. */
  get underWay(): number {
    return this.#underWay
  }

  /** Who has a channel open for calls. */
  get callers(): Iterable<NodeId> {
    return this.#channels.keys()
  }

  /** null refuses them all. */
  answerWith(handler: CallHandler | null): void {
    this.#handler = handler
  }

  serve(peer: NodeId, channel: Channel): void {
    const channels = this.#channels.get(peer) ?? new Set<Channel>()
    if (channels.size >= (this.#needs.channelsPerPeer ?? callLimits.channelsPerPeer)) {
      this.#needs.log.debug('call:too-many-channels', { peer })
      return channel.close()
    }
    this.#channels.set(peer, channels.add(channel))
    void this.#read(peer, channel).finally(() => {
      channels.delete(channel)
      if (channels.size === 0 && this.#channels.get(peer) === channels) this.#channels.delete(peer)
    })
  }

  stop(): void {
    for (const channels of this.#channels.values()) for (const channel of channels) channel.close()
  }

  async #read(peer: NodeId, channel: Channel): Promise<void> {
    let now: Served | null = null
    const begin = (ask: Extract<CallMessage, { t: 'ask' }>): Served => {
      this.#underWay += 1
      const served = new Served(ask, {
        peer,
        clock: this.#needs.clock,
        send: (frame) => channel.send(frame),
        over: () => {
          this.#underWay -= 1
          now = null
        },
      })
      return served
    }
    try {
      for await (const frame of channel.messages) {
        const message = decodeMessage(frame)
        if (message.t !== 'ask') {
          // The caller reads the rest of an answer that it has all of already.
          if (now === null && message.t === 'credit') continue
          if (now === null) throw callsProblems.error('ERR_CALL_PROTOCOL', 'a body without a call')
          ;(now as Served).take(message)
          continue
        }
        if (now !== null)
          throw callsProblems.error('ERR_CALL_PROTOCOL', 'a call before the last one was over')
        const served = (now = begin(message))
        this.#run(served, message)
      }
    } catch (error) {
      if (isViolation(error)) this.#needs.report?.('parser', peer, messageOf(error))
      this.#needs.log.debug('call:broken', { peer, error: messageOf(error) })
    }
    channel.close()
    const left = now as Served | null
    if (left === null) return
    this.#underWay -= 1
    left.lost()
  }

  #run(served: Served, ask: Extract<CallMessage, { t: 'ask' }>): void {
    const handler = this.#handler
    if (handler === null)
      return served.refuse(callsProblems.error('ERR_CALL_STOPPED', 'the node answers no calls now'))
    if (this.#underWay > callLimits.served)
      return served.refuse(
        callsProblems.error('ERR_CALL_BUSY', `the node answers ${callLimits.served} calls at once`),
      )
    served.run(ask, handler)
  }
}
