/**
 * Bodies that stream, with room granted by their reader: a frame that says something else is never stuck behind a
 * body that nobody reads, as it would be with the channel's own back-pressure alone.
 */
import type { SelvedgeError } from '../../core/index.ts'
import { callLimits, type CallStream } from './contract.ts'
import { crossing, encodeMessage } from './messages.ts'
import { callsProblems } from './problems.ts'

type SendFrame = (frame: Uint8Array) => Promise<void>

/** Sends one body at the pace of its reader. */
export class BodyOutlet {
  readonly #send: SendFrame
  #credit: number
  #wake: (() => void) | null = null
  #pieces: AsyncIterator<Uint8Array> | null = null
  #isStopped = false

  constructor(send: SendFrame, credit: number) {
    this.#send = send
    this.#credit = credit
  }

  /** @throws ERR_CALL_PROTOCOL where the reader grants more than a window can hold */
  grant(bytes: number): void {
    this.#credit += bytes
    if (this.#credit > callLimits.windowBytes)
      throw callsProblems.error('ERR_CALL_PROTOCOL', 'the other node grants more than its window')
    this.#wake?.()
  }

  /** Nobody reads it any more; its source is told at once. */
  stop(): void {
    if (this.#isStopped) return
    this.#isStopped = true
    this.#wake?.()
    leave(this.#pieces)
  }

  /** Sends all of it and its end. Never rejects: `broken` where its source failed, which the reader was told. */
  async run({ chunks, trailer }: CallStream): Promise<'sent' | 'broken' | 'stopped'> {
    if (this.#isStopped) {
      leave(chunks[Symbol.asyncIterator]())
      return 'stopped'
    }
    const pieces = (this.#pieces = chunks[Symbol.asyncIterator]())
    try {
      for (;;) {
        const next = await pieces.next()
        if (next.done === true) break
        if (!(await this.#sendPiece(next.value))) return 'stopped'
      }
    } catch (error) {
      return this.#tellBroken(error)
    }
    if (this.#isStopped) return 'stopped'
    const last = trailer()
    if (last !== null && last.length > callLimits.trailerBytes)
      return this.#tellBroken(callsProblems.error('ERR_CALL_HEAD_SIZE', 'the trailers are too long'))
    return this.#pass(encodeMessage({ t: 'end', trailer: last }), 'sent')
  }

  async #sendPiece(piece: Uint8Array): Promise<boolean> {
    for (let at = 0; at < piece.length;) {
      while (this.#credit === 0 && !this.#isStopped) await this.#room()
      if (this.#isStopped) return false
      const size = Math.min(this.#credit, callLimits.pieceBytes, piece.length - at)
      this.#credit -= size
      const sent = await this.#pass(
        encodeMessage({ t: 'data', bytes: piece.subarray(at, at + size) }),
        'sent',
      )
      if (sent === 'stopped') return false
      at += size
    }
    return !this.#isStopped
  }

  #room(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = () => {
        this.#wake = null
        resolve()
      }
    })
  }

  #tellBroken(error: unknown): Promise<'broken' | 'stopped'> {
    if (this.#isStopped) return Promise.resolve('stopped')
    return this.#pass(encodeMessage({ t: 'broken', error: crossing(error) }), 'broken')
  }

  /** A channel that is gone tells that elsewhere too. */
  async #pass<Result>(frame: Uint8Array, result: Result): Promise<Result | 'stopped'> {
    try {
      await this.#send(frame)
      return result
    } catch {
      this.stop()
      return 'stopped'
    }
  }
}

export interface BodyInletNeeds {
  /** So much more may come. */
  grant(bytes: number): void
  /** Its reader wants no more of it. */
  left(): void
}

/** One body as it arrives, for one reader. */
export class BodyInlet implements CallStream {
  readonly chunks: AsyncIterable<Uint8Array>
  readonly #needs: BodyInletNeeds
  readonly #queue: Uint8Array[] = []
  /** What may still come. */
  #allowance: number
  #end: { readonly trailer: Uint8Array | null } | SelvedgeError | null = null
  #isLeft = false
  #wake: (() => void) | null = null

  /** @param allowance what the sender may send before it is granted anything */
  constructor(needs: BodyInletNeeds, allowance: number) {
    this.#needs = needs
    this.#allowance = allowance
    this.chunks = {
      [Symbol.asyncIterator]: () => ({
        next: () => this.#next(),
        return: () => {
          this.#leave()
          return Promise.resolve({ done: true as const, value: undefined })
        },
      }),
    }
  }

  trailer(): Uint8Array | null {
    return this.#end === null || this.#end instanceof Error ? null : this.#end.trailer
  }

  get isOver(): boolean {
    return this.#end !== null
  }

  /** @throws ERR_CALL_PROTOCOL for more than was granted, or what comes after the end */
  take(bytes: Uint8Array): void {
    if (this.#end !== null || bytes.length > this.#allowance)
      throw callsProblems.error('ERR_CALL_PROTOCOL', 'the other node sends more than there is room for')
    this.#allowance -= bytes.length
    if (this.#isLeft) return
    this.#queue.push(bytes)
    this.#wake?.()
  }

  /** @throws ERR_CALL_PROTOCOL for a second end */
  end(trailer: Uint8Array | null): void {
    if (this.#end !== null) throw callsProblems.error('ERR_CALL_PROTOCOL', 'the body ended twice')
    this.#end = { trailer }
    this.#wake?.()
  }

  fail(error: SelvedgeError): void {
    if (this.#end !== null) return
    this.#end = error
    this.#wake?.()
  }

  async #next(): Promise<IteratorResult<Uint8Array, undefined>> {
    for (;;) {
      if (this.#isLeft) return { done: true, value: undefined }
      const bytes = this.#queue.shift()
      if (bytes !== undefined) {
        this.#grantAgain()
        return { done: false, value: bytes }
      }
      if (this.#end instanceof Error) throw this.#end
      if (this.#end !== null) return { done: true, value: undefined }
      this.#grantAgain()
      await new Promise<void>((resolve) => {
        this.#wake = () => {
          this.#wake = null
          resolve()
        }
      })
    }
  }

  /** In halves of a window: neither a frame for each piece, nor a sender that has to wait for the last byte. */
  #grantAgain(): void {
    if (this.#end !== null) return
    const held = this.#queue.reduce((sum, { length }) => sum + length, 0)
    const room = callLimits.windowBytes - held - this.#allowance
    if (room < callLimits.windowBytes / 2) return
    this.#allowance += room
    this.#needs.grant(room)
  }

  #leave(): void {
    if (this.#isLeft) return
    this.#isLeft = true
    this.#queue.length = 0
    this.#wake?.()
    if (this.#end === null) this.#needs.left()
  }
}

function leave(pieces: AsyncIterator<Uint8Array> | null): void {
  void Promise.resolve(pieces?.return?.()).catch(() => {})
}
