/**
 * The way into one app over HTTP, whichever instance serves it: requests go to the newest one, and the old one is
 * idle when the last of its responses is out. A pool in place of one instance is another `Ingress` to attach.
 */
import { isSelvedgeError } from '../../core/index.ts'
import type { AppPool } from '../engine/index.ts'
import { satisfiesExport } from '../guest/index.ts'
import { incomingHandlerId } from '../guest/http/index.ts'
import {
  asyncHandlerId,
  componentIngress,
  defaultHttpLimits,
  httpHandlerId,
  isWhole,
  pooledIngress,
  recordIngress,
  type HttpRequest,
  type HttpResponse,
  type Ingress,
} from '../http/index.ts'

/** Answers that are the app's own mistake. */
const ownErrors = ['ERR_HTTP_APP', 'ERR_HTTP_NO_RESPONSE', 'ERR_HTTP_RESPONSE'] as const

interface Receiver {
  readonly instance: number
  readonly ingress: Ingress
  underWay: number
  whenIdle: (() => void)[]
}

export class AppIngress {
  readonly #failed: (message: string) => void
  #receiver: Receiver | null = null
  readonly #former = new Map<number, Receiver>()

  /** @param failed told of answers that are the app's own errors; what ends an instance is told elsewhere */
  constructor(failed: (message: string) => void) {
    this.#failed = failed
  }

  /** Requests go to this instance from the next one on. */
  attach(instance: number, ingress: Ingress): void {
    this.detach(this.#receiver?.instance)
    this.#receiver = { instance, ingress, underWay: 0, whenIdle: [] }
  }

  /** Nobody gets requests. */
  close(): void {
    this.detach(this.#receiver?.instance)
  }

  /** It gets no more requests. */
  detach(instance: number | undefined): void {
    const receiver = this.#receiver
    if (receiver === null || receiver.instance !== instance) return
    this.#receiver = null
    if (receiver.underWay > 0) this.#former.set(receiver.instance, receiver)
  }

  /** Resolves when the instance answers no request any more. */
  async idle(instance: number): Promise<void> {
    const receiver = this.#former.get(instance)
    if (receiver === undefined) return
    await new Promise<void>((resolve) => receiver.whenIdle.push(resolve))
  }

  /** Resolves when no request is being answered any more. */
  async allIdle(): Promise<void> {
    await Promise.all([...this.#former.keys()].map((instance) => this.idle(instance)))
  }

  /** null while no instance takes requests. */
  get current(): Ingress | null {
    const receiver = this.#receiver
    if (receiver === null) return null
    return {
      handle: (request) => this.#handle(receiver, request),
      unsendable: (error) => this.#tell(error),
    }
  }

  async #handle(receiver: Receiver, request: HttpRequest): Promise<HttpResponse> {
    receiver.underWay += 1
    let isStreaming = false
    try {
      const response = await receiver.ingress.handle(request)
      const { body } = response
      if (isWhole(body)) return response
      isStreaming = true
      return { ...response, body: followed(body, () => this.#done(receiver)) }
    } catch (error) {
      this.#tell(error)
      throw error
    } finally {
      if (!isStreaming) this.#done(receiver)
    }
  }

  /** What ends an instance is told elsewhere. */
  #tell(error: unknown): void {
    if (isSelvedgeError(error, ...ownErrors)) this.#failed(error.message)
  }

  #done(receiver: Receiver): void {
    receiver.underWay -= 1
    if (receiver.underWay > 0) return
    this.#former.delete(receiver.instance)
    for (const resolve of receiver.whenIdle.splice(0)) resolve()
  }
}

/** The same body, with word of its end: however it ends, and whether or not anybody read it. */
function followed(body: AsyncIterable<Uint8Array>, ended: () => void): AsyncIterable<Uint8Array> {
  const pieces = body[Symbol.asyncIterator]()
  let isOver = false
  const over = (): void => {
    if (!isOver) ended()
    isOver = true
  }
  return {
    [Symbol.asyncIterator]: () => ({
      async next() {
        try {
          const next = await pieces.next()
          if (next.done === true) over()
          return next
        } catch (error) {
          over()
          throw error
        }
      },
      async return() {
        over()
        await pieces.return?.()
        return { done: true, value: undefined }
      },
    }),
  }
}

/** @returns the way into an app's instances by the handler that its component exports; null where it has none */
export function ingressInto(
  app: string,
  pool: Pick<AppPool, 'borrow' | 'withdraw'>,
  exports: readonly string[],
): Ingress | null {
  const has = (id: string): boolean => exports.some((name) => satisfiesExport(name, id))
  if (has(incomingHandlerId) || has(asyncHandlerId))
    return pooledIngress(pool, (sandbox) => componentIngress(app, sandbox))
  if (!has(httpHandlerId)) return null
  return pooledIngress(pool, (sandbox) => recordIngress(app, sandbox, defaultHttpLimits.recordBodyBytes))
}
