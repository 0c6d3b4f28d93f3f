/** One call as its callee has it: handed to whoever answers, and over when both bodies are, or the caller has gone. */
import type { Clock, SelvedgeError } from '../../core/index.ts'
import { isStream } from './asked.ts'
import { BodyInlet, BodyOutlet } from './body.ts'
import { callLimits, NotStarted, type CallAnswer, type CallHandler, type CallStream } from './contract.ts'
import { crossing, encodeMessage, type CallMessage } from './messages.ts'
import { callsProblems } from './problems.ts'

export interface ServedNeeds {
  readonly peer: string
  readonly clock: Clock
  send(frame: Uint8Array): Promise<void>
  /** Told once, when the channel can take the next call. */
  over(): void
}

export class Served {
  readonly #needs: ServedNeeds
  readonly #gone = new AbortController()
  readonly #inlet: BodyInlet | null
  /** The body was asked for, so its end is waited for. */
  #isBodyWanted = false
  #outlet: BodyOutlet | null = null
  #cancelDeadline: () => void
  #isAnswered = false
  #isAllSent = false
  #isOver = false

  constructor(ask: Extract<CallMessage, { t: 'ask' }>, needs: ServedNeeds) {
    this.#needs = needs
    this.#inlet =
      ask.body === 'streamed'
        ? new BodyInlet({ grant: (bytes) => this.#grant(bytes), left: () => {} }, 0)
        : null
    this.#cancelDeadline = needs.clock.after(ask.deadlineMs, () => {
      const error = callsProblems.error('ERR_CALL_DEADLINE', `the app did not answer in ${ask.deadlineMs} ms`)
      this.#gone.abort(error)
      this.#fail('failed', error)
    })
  }

  run({ head, deadlineMs, hops, body }: Extract<CallMessage, { t: 'ask' }>, handler: CallHandler): void {
    const { peer } = this.#needs
    const incoming = { peer, head, deadlineMs, hops, signal: this.#gone.signal }
    const whole = body === 'streamed' ? this.#inlet : body
    started(() => handler({ ...incoming, body: whole })).then(
      (answer) => this.#answer(answer),
      (error: unknown) => this.#fail(error instanceof NotStarted ? 'refused' : 'failed', crossing(error)),
    )
  }

  refuse(error: SelvedgeError): void {
    this.#fail('refused', error)
  }

  /** @throws ERR_CALL_PROTOCOL */
  take(message: CallMessage): void {
    switch (message.t) {
      case 'data':
        return this.#inletOf().take(message.bytes)
      case 'end':
        this.#inletOf().end(message.trailer)
        return this.#check()
      case 'broken':
        this.#inletOf().fail(message.error)
        return this.#check()
      case 'credit':
        if (this.#outlet === null) throw outOfOrder()
        return this.#outlet.grant(message.bytes)
      default:
        throw outOfOrder()
    }
  }

  /** The channel is gone, and with it the caller. */
  lost(): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#cancelDeadline()
    const error = callsProblems.error('ERR_CALL_GIVEN_UP', 'the caller went away')
    this.#inlet?.fail(error)
    this.#outlet?.stop()
    this.#gone.abort(error)
  }

  #answer({ head, body }: CallAnswer): void {
    // Answered already in its place, or nobody there.
    if (this.#isAnswered || this.#isOver) return letGo(body)
    const isTooLong = head.length > callLimits.headBytes
    if (isTooLong) {
      letGo(body)
      const text = `the head of the answer has ${head.length} bytes, over ${callLimits.headBytes}`
      return this.#fail('failed', callsProblems.error('ERR_CALL_HEAD_SIZE', text))
    }
    this.#settled()
    const stream = streamOf(body)
    this.#send({ t: 'answer', head, body: stream === null ? (body as Uint8Array | null) : 'streamed' })
    if (stream === null) return this.#allSent()
    this.#outlet = new BodyOutlet(this.#needs.send, callLimits.windowBytes)
    void this.#outlet.run(stream).then((outcome) => {
      if (outcome !== 'stopped') this.#allSent()
    })
  }

  #fail(t: 'refused' | 'failed', error: SelvedgeError): void {
    if (this.#isAnswered || this.#isOver) return
    this.#settled()
    this.#send({ t, error })
    this.#allSent()
  }

  #settled(): void {
    this.#isAnswered = true
    this.#cancelDeadline()
  }

  #allSent(): void {
    this.#isAllSent = true
    this.#check()
  }

  /** A caller whose body nobody read to its end closes the channel, as it cannot know where that ends. */
  #check(): void {
    if (this.#isOver || !this.#isAllSent) return
    if (this.#isBodyWanted && this.#inlet?.isOver !== true) return
    this.#isOver = true
    // Whoever still reads or waits for something of this call does so in vain.
    this.#inlet?.fail(callsProblems.error('ERR_CALL_GIVEN_UP', 'the call was answered'))
    this.#needs.over()
  }

  #grant(bytes: number): void {
    if (this.#isAllSent || this.#isOver) return
    this.#isBodyWanted = true
    this.#send({ t: 'credit', bytes })
  }

  /** A channel that takes nothing more is told as a loss by its reader. */
  #send(message: CallMessage): void {
    this.#needs.send(encodeMessage(message)).catch(() => {})
  }

  #inletOf(): BodyInlet {
    if (this.#inlet === null) throw outOfOrder()
    return this.#inlet
  }
}

/** A body that does not fit beside the head goes in pieces. */
function streamOf(body: CallAnswer['body']): CallStream | null {
  if (isStream(body)) return body
  if (body === null || body.length <= callLimits.inlineBytes) return null
  return wholeAsStream(body)
}

export function wholeAsStream(bytes: Uint8Array): CallStream {
  async function* chunks(): AsyncGenerator<Uint8Array> {
    yield bytes
  }
  return { chunks: { [Symbol.asyncIterator]: chunks }, trailer: () => null }
}

function letGo(body: CallAnswer['body']): void {
  if (isStream(body)) void Promise.resolve(body.chunks[Symbol.asyncIterator]().return?.()).catch(() => {})
}

function started<Result>(run: () => Promise<Result>): Promise<Result> {
  try {
    return run()
  } catch (error) {
    return Promise.reject(error as Error)
  }
}

function outOfOrder(): Error {
  return callsProblems.error('ERR_CALL_PROTOCOL', 'the other node sent something out of order')
}
