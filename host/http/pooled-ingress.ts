/**
 * The way into a pool: each request has one instance, from its head to the last byte of its response, so that
 * whoever reads slowly keeps one busy and not all of them.
 */
import { whenResolved } from '../../core/index.ts'
import type { AppPool, Sandbox } from '../engine/index.ts'
import { isWhole, type HttpRequest, type HttpResponse, type Ingress } from './contract.ts'

/** @param ingressOf how one instance is asked */
export function pooledIngress(
  pool: Pick<AppPool, 'lease'>,
  ingressOf: (sandbox: Sandbox) => Ingress,
): Ingress {
  return {
    handle: (request: HttpRequest) =>
      new Promise<HttpResponse>((resolve, reject) => {
        const use = (sandbox: Sandbox): Promise<void> =>
          ingressOf(sandbox)
            .handle(request)
            .then((response): void | Promise<void> => {
              const { body } = response
              if (isWhole(body)) return resolve(response)
              const { watched, ended } = watch(body, sandbox.ended)
              resolve({ ...response, body: watched, trailers: () => response.trailers() })
              return ended
            })
        pool.lease(use).catch(reject)
      }),
  }
}

/** The same bytes, and when they were all read, nobody wants more, or their sandbox is gone. */
function watch(
  body: AsyncIterable<Uint8Array>,
  gone: Promise<unknown>,
): { readonly watched: AsyncIterable<Uint8Array>; readonly ended: Promise<void> } {
  let resolveEnded!: () => void
  const ended = new Promise<void>((resolve) => (resolveEnded = resolve))
  const cancel = whenResolved(gone, () => resolveEnded())
  const end = (): void => {
    cancel()
    resolveEnded()
  }
  const watched = {
    [Symbol.asyncIterator](): AsyncIterator<Uint8Array> {
      const pieces = body[Symbol.asyncIterator]()
      return {
        async next() {
          try {
            const next = await pieces.next()
            if (next.done === true) end()
            return next
          } catch (error) {
            end()
            throw error
          }
        },
        async return() {
          end()
          await pieces.return?.()
          return { done: true, value: undefined }
        },
      }
    },
  }
  return { watched, ended }
}
