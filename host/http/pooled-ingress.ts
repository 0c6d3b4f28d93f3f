/**
 * The way into a pool: each request has one instance, from its head to the last byte of its response, so that
 * whoever reads slowly keeps one busy and not all of them.
 */
import { whenResolved } from '../../core/index.ts'
import type { AppPool, Borrower, Loan, Sandbox } from '../engine/index.ts'
import { isWhole, type HttpRequest, type HttpResponse, type Ingress } from './contract.ts'
import { httpProblems } from './problems.ts'

/** @param ingressOf how one instance is asked; asked once for each */
export function pooledIngress(
  pool: Pick<AppPool, 'borrow' | 'withdraw'>,
  ingressOf: (sandbox: Sandbox) => Ingress,
): Ingress {
  const known = new WeakMap<Sandbox, Ingress>()
  const ingressInto = (sandbox: Sandbox): Ingress => {
    let made = known.get(sandbox)
    if (made === undefined) {
      made = ingressOf(sandbox)
      known.set(sandbox, made)
    }
    return made
  }
  return {
    handle: (request: HttpRequest) =>
      new Promise<HttpResponse>((resolve, reject) => {
        const asking = new Asking(request, ingressInto, resolve, reject)
        pool.borrow(asking)
        if (!asking.isWaiting) return
        request.whenLeft?.(() => {
          // Else those who left fill the queue, are run one after the other, and who is still there is refused.
          if (asking.isWaiting && pool.withdraw(asking))
            reject(
              httpProblems.error('ERR_HTTP_CLIENT_GONE', 'the client went away while its request waited'),
            )
        })
      }),
  }
}

/** One request on its way through an instance. */
class Asking implements Borrower {
  isWaiting = true
  readonly #request: HttpRequest
  readonly #ingressInto: (sandbox: Sandbox) => Ingress
  readonly #resolve: (response: HttpResponse) => void
  readonly #reject: (error: unknown) => void

  constructor(
    request: HttpRequest,
    ingressInto: (sandbox: Sandbox) => Ingress,
    resolve: (response: HttpResponse) => void,
    reject: (error: unknown) => void,
  ) {
    this.#request = request
    this.#ingressInto = ingressInto
    this.#resolve = resolve
    this.#reject = reject
  }

  lent(loan: Loan): void {
    this.isWaiting = false
    this.#ingressInto(loan.sandbox)
      .handle(this.#request)
      .then(
        (response) => this.#answered(response, loan),
        (error: unknown) => {
          this.#reject(error)
          loan.end()
        },
      )
  }

  refused(error: Error): void {
    this.isWaiting = false
    this.#reject(error)
  }

  #answered(response: HttpResponse, loan: Loan): void {
    const { body } = response
    if (isWhole(body)) {
      this.#resolve(response)
      return loan.end()
    }
    const { watched, ended } = watch(body, loan.sandbox.ended)
    this.#resolve({ ...response, body: watched, trailers: () => response.trailers() })
    void ended.then(() => loan.end())
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
