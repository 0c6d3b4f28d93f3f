/** One outgoing request on its way: its bytes out, its response in, three timeouts, and an end in every case. */
import type { ClientRequest, IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import type { Cancel, Clock } from '../../core/index.ts'
import type { HostChannel } from '../engine/index.ts'
import type { FlatFields, FromGuest, FromNode, HttpErrorCode, OutgoingCall } from '../guest/http/index.ts'
import { clientErrorOf } from './client-error.ts'
import { endToEnd } from './hop-by-hop.ts'
import type { HttpLimits } from './limits.ts'

export interface ClientExchangeNeeds {
  readonly clock: Clock
  readonly limits: HttpLimits
  /** The most that is waited for the head of the response, ms. */
  readonly leftMs: number
  /** @param fresh on a connection that was never used. @throws for what cannot be written */
  send(fresh: boolean): ClientRequest
  /** Whether it may be sent once more where a kept connection was dead. */
  readonly canRepeat: boolean
}

type BodyEnd = { readonly trailers: FlatFields | null } | 'aborted'

export class ClientExchange {
  /** Resolves when nothing of it is left. */
  readonly done: Promise<void>
  readonly #call: OutgoingCall
  readonly #channel: HostChannel
  readonly #needs: ClientExchangeNeeds
  /** Monotonic ms: so long for the head of the response. */
  readonly #untilMs: number
  #resolve!: () => void
  #request: ClientRequest
  #cancelTimer: Cancel = () => {}
  #hasResponse = false
  #isOver = false
  #isDiscarded = false
  #bodyEnd: BodyEnd | null = null
  #wakeBody: (() => void) | null = null

  /** @throws what `send` throws */
  constructor(call: OutgoingCall, channel: HostChannel, needs: ClientExchangeNeeds) {
    this.#call = call
    this.#channel = channel
    this.#needs = needs
    this.#untilMs = needs.clock.monotonicMs() + needs.leftMs
    this.done = new Promise((resolve) => (this.#resolve = resolve))
    channel.signal.addEventListener('abort', this.#onGone, { once: true })
    this.#request = this.#begin(false)
    void this.#listen()
    if (call.body === 'streamed') void this.#sendBody()
    if (channel.signal.aborted) this.#onGone()
  }

  readonly #onGone = (): void => {
    this.#request.destroy()
    this.#over()
  }

  #begin(fresh: boolean): ClientRequest {
    const request = this.#needs.send(fresh)
    const { body, trailers, connectTimeoutMs, firstByteTimeoutMs } = this.#call
    const { outgoingMs } = this.#needs.limits
    const atMost = (ms: number): number =>
      Math.max(1, Math.min(ms, this.#untilMs - this.#needs.clock.monotonicMs()))
    const waitForHead = (): void =>
      this.#timer(atMost(firstByteTimeoutMs ?? outgoingMs), { tag: 'connection-read-timeout' })
    this.#timer(atMost(connectTimeoutMs ?? outgoingMs), { tag: 'connection-timeout' })
    request.on('socket', (socket: Socket) => {
      if (!socket.connecting) return waitForHead()
      socket.once(this.#call.scheme === 'https' ? 'secureConnect' : 'connect', waitForHead)
    })
    request.on('error', (error: NodeJS.ErrnoException) => this.#failed(request, error))
    request.on('response', (response) => void this.#receive(response))
    request.on('upgrade', (_response, socket) => {
      socket.destroy()
      this.#refuse({ tag: 'HTTP-upgrade-failed' })
    })
    if (body !== 'streamed') {
      if (trailers !== null) request.addTrailers(pairs(trailers))
      request.end(body ?? undefined)
    }
    return request
  }

  #failed(request: ClientRequest, error: NodeJS.ErrnoException): void {
    if (request !== this.#request || this.#isOver || this.#hasResponse) return
    if (request.reusedSocket && this.#needs.canRepeat && error.code === 'ECONNRESET') {
      this.#request = this.#begin(true)
      return
    }
    this.#refuse(clientErrorOf(error))
  }

  /** There will be no response. */
  #refuse(code: HttpErrorCode): void {
    if (this.#isOver) return
    this.#say({ t: 'error', code })
    this.#request.destroy()
    this.#over()
  }

  async #listen(): Promise<void> {
    for (;;) {
      const message = (await this.#channel.receive()) as FromGuest | null
      if (message?.t === 'discard') {
        this.#isDiscarded = true
        continue
      }
      if (message?.t === 'end') this.#bodyEnd ??= { trailers: message.trailers }
      else this.#bodyEnd ??= 'aborted'
      this.#wakeBody?.()
      if (message === null) return
    }
  }

  async #sendBody(): Promise<void> {
    const request = this.#request
    const declared = declaredOf(this.#call.headers)
    let size = 0
    // A server may answer before it has seen a byte, and a guest wait for that. What has come by then goes along.
    setImmediate(() => {
      if (size === 0 && !request.destroyed && !request.writableEnded) request.flushHeaders()
    })
    try {
      for await (const piece of this.#channel.incoming) {
        size += piece.length
        if (declared !== null && size > declared) break
        if (!request.write(piece)) await drained(request)
        if (request.destroyed) return
      }
      if (this.#bodyEnd === null) await new Promise<void>((resolve) => (this.#wakeBody = resolve))
      const isComplete = this.#bodyEnd !== 'aborted' && (declared === null || size === declared)
      if (!isComplete) return this.#refuse(brokenBody)
      const trailers = this.#bodyEnd === null || this.#bodyEnd === 'aborted' ? null : this.#bodyEnd.trailers
      if (trailers !== null && declared === null) request.addTrailers(pairs(trailers))
      request.end()
    } catch {
      this.#refuse(brokenBody)
    }
  }

  async #receive(response: IncomingMessage): Promise<void> {
    this.#hasResponse = true
    const status = response.statusCode ?? 0
    const headers = endToEnd(response.rawHeaders)
    const betweenMs = this.#call.betweenBytesTimeoutMs ?? this.#needs.limits.outgoingMs
    const late = (): void => this.#timer(betweenMs, { tag: 'connection-read-timeout' })
    late()
    const length = response.headers['content-length']
    const isEmpty = this.#call.method === 'HEAD' || status === 204 || status === 304
    const isSmall = length !== undefined && Number(length) <= this.#needs.limits.wholeBodyBytes
    try {
      if (isEmpty || isSmall) {
        const body = await collected(response, late)
        const trailers = trailersOf(response)
        this.#say({ t: 'response', status, headers, body, trailers })
      } else {
        this.#say({ t: 'response', status, headers, body: 'streamed', trailers: null })
        await this.#pass(response, late)
        this.#channel.end()
        this.#say({ t: 'end', trailers: trailersOf(response) })
      }
    } catch (error) {
      this.#brokenResponse(error, isEmpty || isSmall)
    }
    this.#over()
  }

  async #pass(response: IncomingMessage, late: () => void): Promise<void> {
    for await (const piece of response as AsyncIterable<Buffer>) {
      // A guest that reads slowly is no slow server.
      this.#cancelTimer()
      // A write fails where the guest is gone, which ends the exchange by itself.
      if (!this.#isDiscarded) await this.#channel.write(piece)
      late()
    }
    if (!response.complete) throw Object.assign(new Error('incomplete'), { code: 'HPE_INVALID_EOF_STATE' })
  }

  #brokenResponse(error: unknown, isHeld: boolean): void {
    if (this.#isOver || this.#channel.signal.aborted) return
    const known = clientErrorOf(error)
    const code: HttpErrorCode =
      known.tag === 'connection-terminated' ? { tag: 'HTTP-response-incomplete' } : known
    if (isHeld) return this.#say({ t: 'error', code })
    this.#channel.end({ message: `the response broke off (${code.tag})`, code })
    this.#say({ t: 'failed', code })
  }

  #timer(ms: number, code: HttpErrorCode): void {
    this.#cancelTimer()
    this.#cancelTimer = this.#needs.clock.after(Math.min(ms, longestTimerMs), () => {
      if (this.#isOver) return
      if (!this.#hasResponse) return this.#refuse(code)
      this.#channel.end({ message: `the response stopped (${code.tag})`, code })
      this.#say({ t: 'failed', code })
      this.#request.destroy()
      this.#over()
    })
  }

  #say(message: FromNode): void {
    this.#channel.send(message)
  }

  #over(): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#cancelTimer()
    this.#channel.signal.removeEventListener('abort', this.#onGone)
    this.#resolve()
  }
}

const longestTimerMs = 0x7fff_ffff
const brokenBody: HttpErrorCode = { tag: 'internal-error', val: 'the request body was not finished' }

/** @returns null for an empty body. @throws where the response is not complete */
async function collected(response: IncomingMessage, late: () => void): Promise<Uint8Array | null> {
  const pieces: Buffer[] = []
  let size = 0
  for await (const piece of response as AsyncIterable<Buffer>) {
    late()
    pieces.push(piece)
    size += piece.length
  }
  if (!response.complete) throw Object.assign(new Error('incomplete'), { code: 'HPE_INVALID_EOF_STATE' })
  if (size === 0) return null
  const bytes = new Uint8Array(size)
  let at = 0
  for (const piece of pieces) {
    bytes.set(piece, at)
    at += piece.length
  }
  return bytes
}

function trailersOf(response: IncomingMessage): FlatFields | null {
  const fields = endToEnd(response.rawTrailers)
  return fields.length === 0 ? null : fields
}

function declaredOf(headers: FlatFields): number | null {
  for (let at = 0; at < headers.length; at += 2) {
    if (headers[at]!.toLowerCase() === 'content-length') return Number(headers[at + 1])
  }
  return null
}

function pairs(flat: FlatFields): [string, string][] {
  const list: [string, string][] = []
  for (let at = 0; at < flat.length; at += 2) list.push([flat[at]!, flat[at + 1]!])
  return list
}

function drained(request: ClientRequest): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      request.off('drain', done)
      request.off('close', done)
      resolve()
    }
    request.on('drain', done)
    request.on('close', done)
  })
}
