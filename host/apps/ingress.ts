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
import { Attendance, type Post } from './attendance.ts'

/** Answers that are the app's own mistake. */
const ownErrors = ['ERR_HTTP_APP', 'ERR_HTTP_NO_RESPONSE', 'ERR_HTTP_RESPONSE'] as const

export class AppIngress extends Attendance<Ingress> {
  readonly #failed: (message: string) => void

  /** @param failed told of answers that are the app's own errors; what ends an instance is told elsewhere */
  constructor(failed: (message: string) => void) {
    super()
    this.#failed = failed
  }

  /** null while no instance takes requests. */
  get current(): Ingress | null {
    const { post } = this
    if (post === null) return null
    return {
      handle: (request) => this.#handle(post, request),
      unsendable: (error) => this.#tell(error),
    }
  }

  async #handle(post: Post<Ingress>, request: HttpRequest): Promise<HttpResponse> {
    post.underWay += 1
    let isStreaming = false
    try {
      const response = await post.way.handle(request)
      const { body } = response
      if (isWhole(body)) return response
      isStreaming = true
      return { ...response, body: followed(body, () => this.done(post)) }
    } catch (error) {
      this.#tell(error)
      throw error
    } finally {
      if (!isStreaming) this.done(post)
    }
  }

  /** What ends an instance is told elsewhere. */
  #tell(error: unknown): void {
    if (isSelvedgeError(error, ...ownErrors)) this.#failed(error.message)
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
