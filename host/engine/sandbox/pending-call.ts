/** A call of one sandbox from when it comes to when it is answered: of a function, or an invocation of a part. */
import { messageOf } from '../../../core/index.ts'
import type { ToGuest } from '../../guest/index.ts'
import type { Channels } from './channels.ts'
import type { CallTerms, Invocation, InvocationRequest } from '../contract.ts'
import type { SandboxChannel } from './host-channel.ts'
import type { InvocationChannel } from './invocation-channel.ts'

/** As {@link CallTerms}, with the moment by the monotonic clock at which the caller's time is over. */
export interface ReceivedTerms {
  readonly untilMs: number
  readonly hops: number | undefined
}

export function receivedTerms({ deadlineMs = Infinity, hops }: CallTerms, nowMs: number): ReceivedTerms {
  return { untilMs: nowMs + deadlineMs, hops }
}

export interface PendingCall {
  readonly call: number
  /** What runs, for messages. */
  readonly what: string
  readonly argsBytes: number
  /** Undefined where nothing came along with it. */
  readonly terms: ReceivedTerms | undefined
  /** The message that puts it on the way. */
  message(): ToGuest
  /** It is on its way. */
  sent(): void
  resolve(value: unknown): void
  reject(error: Error): void
  /** Its guest has not used its channel, and will not. */
  forget(): void
  /** Whether it is the invocation with this channel. */
  owns(channel: number): this is PendingInvocation
}

/** Of an exported function, by target. */
export class FunctionCall implements PendingCall {
  readonly call: number
  readonly what: string
  readonly argsBytes: number
  readonly terms: ReceivedTerms | undefined
  readonly #args: readonly unknown[]
  readonly resolve: (value: unknown) => void
  readonly reject: (error: Error) => void

  constructor(
    call: number,
    target: string,
    args: readonly unknown[],
    argsBytes: number,
    terms: ReceivedTerms | undefined,
    resolve: (value: unknown) => void,
    reject: (error: Error) => void,
  ) {
    this.call = call
    this.what = target
    this.argsBytes = argsBytes
    this.terms = terms
    this.#args = args
    this.resolve = resolve
    this.reject = reject
  }

  message(): ToGuest {
    return { t: 'call', call: this.call, target: this.what, args: this.#args }
  }

  sent(): void {}

  forget(): void {}

  owns(): this is PendingInvocation {
    return false
  }
}

interface PromisedResult {
  readonly promise: Promise<unknown>
  resolve(value: unknown): void
  reject(error: Error): void
}

const unanswered: unknown = Symbol('unanswered')

/**
 * Of a part. Its promise and its channel are made for those who ask; most invocations need neither. A class, and no
 * object with getters made for each: V8 gives every one of those a shape of its own, which holds the closures in the
 * old generation of the heap.
 */
export class PendingInvocation implements PendingCall, Invocation {
  readonly terms: ReceivedTerms | undefined
  readonly call: number
  readonly argsBytes: number
  readonly #id: number
  readonly #request: InvocationRequest
  readonly #channels: Channels
  #made: InvocationChannel | null = null
  #isSent = false
  #isForgotten = false
  #value: unknown = unanswered
  #error: Error | null = null
  #result: PromisedResult | null = null

  /** @param id of its channel */
  constructor(call: number, id: number, request: InvocationRequest, argsBytes: number, channels: Channels) {
    this.call = call
    this.argsBytes = argsBytes
    this.#id = id
    this.#request = request
    this.#channels = channels
    this.terms = request.hops === undefined ? undefined : { untilMs: Infinity, hops: request.hops }
  }

  get what(): string {
    return `${this.#request.part} ${this.#request.name}`
  }

  message(): ToGuest {
    const { part, name, args } = this.#request
    return { t: 'invoke', call: this.call, part, name, args, channel: this.#id }
  }

  sent(): void {
    this.#isSent = true
    this.#made?.sent()
  }

  resolve(value: unknown): void {
    this.#value = value
    this.#result?.resolve(value)
    this.#request.answered?.(value)
  }

  reject(error: Error): void {
    this.#error = error
    this.#made?.close()
    this.#result?.reject(error)
    this.#request.failed?.(error)
  }

  /** @param taken told to take it back, where it has not begun */
  abandonWith(signal: AbortSignal, taken: () => void): void {
    const { channel } = this
    const abandon = (): void => {
      channel.close({ message: 'it was cancelled' })
      taken()
    }
    if (signal.aborted) return abandon()
    signal.addEventListener('abort', abandon, { once: true })
    const forget = (): void => signal.removeEventListener('abort', abandon)
    channel.signal.addEventListener('abort', forget, { once: true })
  }

  forget(): void {
    this.#isForgotten = true
    this.#made?.forget()
  }

  owns(channel: number): this is PendingInvocation {
    return channel === this.#id
  }

  get result(): Promise<unknown> {
    const result = this.#result ?? this.#promise()
    this.#result = result
    return result.promise
  }

  #promise(): PromisedResult {
    let resolve!: (value: unknown) => void
    let reject!: (error: Error) => void
    const promise = new Promise<unknown>((...both) => ([resolve, reject] = both))
    // Whoever was told by `failed` need not look at it.
    promise.catch(() => {})
    if (this.#error !== null) reject(this.#error)
    else if (this.#value !== unanswered) resolve(this.#value)
    return { promise, resolve, reject }
  }

  get channel(): SandboxChannel {
    return this.opened().channel
  }

  /** Its channel, made when it is first looked for. */
  opened(): InvocationChannel {
    if (this.#made !== null) return this.#made
    const { used } = this.#request
    const made = this.#channels.expect(
      this.#id,
      used === undefined ? used : (channel) => used.call(this.#request, channel),
    )
    this.#made = made
    if (this.#isSent) made.sent()
    if (this.#error !== null) made.lost(messageOf(this.#error))
    else if (this.#isForgotten) made.forget()
    return made
  }
}
