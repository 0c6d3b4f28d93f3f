/** One call as its caller has it: asked on a channel, answered, and over when nothing of it is under way any more. */
import { SelvedgeError, type Cancel, type Clock } from '../../core/index.ts'
import { BodyInlet, BodyOutlet } from './body.ts'
import { callLimits, NotStarted, type CallAnswer, type CallStream, type OutgoingCall } from './contract.ts'
import { encodeMessage, type CallMessage, type PackedBody } from './messages.ts'
import { callsProblems } from './problems.ts'

export interface AskedNeeds {
  readonly clock: Clock
  send(frame: Uint8Array): Promise<void>
  /** So long its channel waits for the answer to a call that its caller gave up, ms; closed at once where it is left out. */
  readonly lingerMs?: number
  /** Told once. @param isClean whether the channel can take the next call; else it is to be closed, which ends this one there */
  over(isClean: boolean): void
}

export class Asked {
  readonly answer: Promise<CallAnswer>
  readonly #needs: AskedNeeds
  readonly #call: OutgoingCall
  readonly #resolve: (answer: CallAnswer) => void
  readonly #reject: (error: unknown) => void
  readonly #cancels: Cancel[] = []
  /** Of the body; null before the callee asks for it, and where it crossed with the head. */
  #outlet: BodyOutlet | null = null
  #isBodySent = false
  #inlet: BodyInlet | null = null
  #isAnswered = false
  #isGivenUp = false
  #isOver = false

  constructor(call: OutgoingCall, needs: AskedNeeds) {
    this.#call = call
    this.#needs = needs
    let settle!: [(answer: CallAnswer) => void, (error: unknown) => void]
    this.answer = new Promise((resolve, reject) => (settle = [resolve, reject]))
    this.#resolve = settle[0]
    this.#reject = settle[1]
  }

  /** @param deadlineMs what is left of the call's own */
  start(deadlineMs: number): void {
    const { clock, send } = this.#needs
    const { head, hops, signal } = this.#call
    // Given up before anything left: the channel has nothing of it.
    if (signal?.aborted === true) return this.#end(signal.reason, true)
    const ms = Math.max(1, Math.ceil(Math.min(deadlineMs, callLimits.longestMs)))
    this.#cancels.push(clock.after(ms, () => this.#end(late(ms), false)))
    if (signal !== undefined) {
      const giveUp = (): void => this.#giveUp(signal.reason)
      signal.addEventListener('abort', giveUp, { once: true })
      this.#cancels.push(() => signal.removeEventListener('abort', giveUp))
    }
    const body = packedBody(this.#call)
    // What keeps it from leaving ends the channel, which is told as a loss.
    send(encodeMessage({ t: 'ask', deadlineMs: ms, hops, head, body })).catch(() => this.lost())
  }

  /** @throws ERR_CALL_PROTOCOL where the callee answers out of order */
  take(message: CallMessage): void {
    switch (message.t) {
      case 'credit':
        return this.#sendBody(message.bytes)
      case 'refused':
        return this.#answered(() => this.#reject(new NotStarted(message.error, true)))
      case 'failed':
        return this.#answered(() => this.#reject(message.error))
      case 'answer':
        return this.#begin(message.head, message.body)
      case 'data':
        return this.#inletOf().take(message.bytes)
      case 'end':
        this.#inletOf().end(message.trailer)
        return this.#finish()
      case 'broken':
        this.#inletOf().fail(message.error)
        return this.#finish()
      case 'ask':
        throw outOfOrder()
    }
  }

  /** The channel is gone. */
  lost(): void {
    const error = callsProblems.error('ERR_CALL_LOST', 'the connection to the node ended before its answer')
    this.#end(error, false)
  }

  /** The caller waits no more. An answer that comes soon leaves the channel to the next call. */
  #giveUp(reason: unknown): void {
    const { clock, lingerMs = 0 } = this.#needs
    const isAllSent = !isStream(this.#call.body) || this.#isBodySent
    if (lingerMs === 0 || !isAllSent) return this.#end(reason, false)
    this.#isGivenUp = true
    this.#reject(reason)
    this.#cancels.push(clock.after(lingerMs, () => this.#end(reason, false)))
  }

  #end(reason: unknown, isClean: boolean): void {
    if (this.#isOver) return
    this.#reject(reason)
    this.#inlet?.fail(
      reason instanceof SelvedgeError
        ? reason
        : callsProblems.error('ERR_CALL_GIVEN_UP', 'the caller gave the call up'),
    )
    this.#close(isClean)
  }

  /** The callee wants the body, or more of it. */
  #sendBody(bytes: number): void {
    const { body } = this.#call
    if (!isStream(body)) throw outOfOrder()
    if (this.#outlet !== null) return this.#outlet.grant(bytes)
    const outlet = (this.#outlet = new BodyOutlet(this.#needs.send, bytes))
    void outlet.run(body).then((outcome) => {
      if (outcome === 'stopped') return
      this.#isBodySent = true
    })
  }

  #begin(head: Uint8Array, body: PackedBody): void {
    if (body !== 'streamed') return this.#answered(() => this.#resolve({ head, body }))
    if (this.#isAnswered) throw outOfOrder()
    // Nobody would read it.
    if (this.#isGivenUp) return this.#close(false)
    this.#settled()
    const grant = (bytes: number): void => {
      this.#needs.send(encodeMessage({ t: 'credit', bytes })).catch(() => this.lost())
    }
    this.#inlet = new BodyInlet({ grant, left: () => this.#close(false) }, callLimits.windowBytes)
    this.#resolve({ head, body: this.#inlet })
  }

  #answered(tell: () => void): void {
    if (this.#isAnswered) throw outOfOrder()
    this.#settled()
    tell()
    this.#finish()
  }

  /** Neither deadline nor signal end it from here: of a body that streams, its reader says how long. */
  #settled(): void {
    this.#isAnswered = true
    for (const cancel of this.#cancels.splice(0)) cancel()
  }

  /** The answer is all here; a body that is still on its way there is wanted by nobody. */
  #finish(): void {
    this.#close(this.#outlet === null || this.#isBodySent)
  }

  #close(isClean: boolean): void {
    if (this.#isOver) return
    this.#isOver = true
    for (const cancel of this.#cancels.splice(0)) cancel()
    this.#outlet?.stop()
    this.#needs.over(isClean)
  }

  #inletOf(): BodyInlet {
    if (this.#inlet === null) throw outOfOrder()
    return this.#inlet
  }
}

function packedBody({ body }: OutgoingCall): PackedBody {
  return isStream(body) ? 'streamed' : body
}

export function isStream(body: OutgoingCall['body']): body is CallStream {
  return body !== null && !(body instanceof Uint8Array)
}

function late(ms: number): Error {
  return callsProblems.error('ERR_CALL_DEADLINE', `no answer came in ${ms} ms`)
}

function outOfOrder(): Error {
  return callsProblems.error('ERR_CALL_PROTOCOL', 'the other node answered out of order')
}
