/** A channel to a peer that carries one call after the other. Its frames are always read, so its end is always seen. */
import { messageOf, type Clock, type Log } from '../../core/index.ts'
import type { Channel } from '../transport/index.ts'
import { Asked } from './asked.ts'
import type { CallAnswer, OutgoingCall } from './contract.ts'
import { decodeMessage } from './messages.ts'
import { isViolation } from './problems.ts'

export interface LineNeeds {
  readonly clock: Clock
  readonly log: Log
  /** See `AskedNeeds`. */
  readonly lingerMs?: number
  report(detail: string): void
  /** The call on it is over and it takes the next one. */
  onFree(line: CallLine): void
  /** It is gone. */
  onGone(line: CallLine): void
}

export class CallLine {
  /** Monotonic ms of the end of its last call. */
  freeSinceMs: number
  readonly #channel: Channel
  readonly #needs: LineNeeds
  #asked: Asked | null = null
  #isGone = false

  constructor(channel: Channel, needs: LineNeeds) {
    this.#channel = channel
    this.#needs = needs
    this.freeSinceMs = needs.clock.monotonicMs()
    void this.#read()
  }

  /** @param deadlineMs what is left of the call's own */
  call(call: OutgoingCall, deadlineMs: number): Promise<CallAnswer> {
    const { clock, lingerMs } = this.#needs
    const asked = new Asked(call, {
      clock,
      ...(lingerMs !== undefined && { lingerMs }),
      send: (frame) => this.#channel.send(frame),
      over: (isClean) => this.#over(asked, isClean),
    })
    this.#asked = asked
    asked.start(deadlineMs)
    return asked.answer
  }

  /** Also ends the call that is under way on it. */
  close(): void {
    if (this.#isGone) return
    this.#isGone = true
    this.#channel.close()
    this.#asked?.lost()
    this.#needs.onGone(this)
  }

  #over(asked: Asked, isClean: boolean): void {
    if (this.#asked !== asked) return
    this.#asked = null
    if (!isClean) return this.close()
    this.freeSinceMs = this.#needs.clock.monotonicMs()
    if (!this.#isGone) this.#needs.onFree(this)
  }

  async #read(): Promise<void> {
    try {
      for await (const frame of this.#channel.messages) {
        const message = decodeMessage(frame)
        // Room that a callee granted as its answer was on its way to us.
        if (this.#asked === null && message.t === 'credit') continue
        if (this.#asked === null) break
        this.#asked.take(message)
      }
    } catch (error) {
      if (isViolation(error)) this.#needs.report(messageOf(error))
      this.#needs.log.debug('call:line-broken', { error: messageOf(error) })
    }
    this.close()
  }
}
