/** Requests in front of a pool: who waits has a place, who leaves gives it up. */
import { expect, test } from 'vitest'
import type { Borrower, Loan, Sandbox } from '../../../host/engine/index.ts'
import { pooledIngress, type HttpRequest, type HttpResponse } from '../../../host/http/index.ts'

const response: HttpResponse = { status: 200, headers: [], body: null, trailers: () => null }

/** A pool that lends when it is told to. */
class Line {
  readonly waiting: Borrower[] = []
  borrow(borrower: Borrower): void {
    this.waiting.push(borrower)
  }
  withdraw(borrower: Borrower): boolean {
    const index = this.waiting.indexOf(borrower)
    if (index >= 0) this.waiting.splice(index, 1)
    return index >= 0
  }
  lend(): void {
    const loan: Loan = { sandbox: {} as Sandbox, end: () => {} }
    this.waiting.shift()?.lent(loan)
  }
}

function requested(): { readonly request: HttpRequest; leave(): void } {
  let left = (): void => {}
  const head = { method: 'GET', path: '/', scheme: 'http', authority: 'a', headers: [], body: null } as const
  return { request: { ...head, whenLeft: (told) => void (left = told) }, leave: () => left() }
}

test('a client that leaves while it waits gives up its place, and the app never sees its request', async () => {
  const line = new Line()
  let asked = 0
  const ingress = pooledIngress(line, () => ({ handle: async () => (asked++, response) }))
  const [gone, stays] = [requested(), requested()]
  const answers = [ingress.handle(gone.request), ingress.handle(stays.request)] as const
  gone.leave()
  expect(line.waiting).toHaveLength(1)
  await expect(answers[0]).rejects.toMatchObject({ code: 'ERR_HTTP_CLIENT_GONE' })
  line.lend()
  await expect(answers[1]).resolves.toMatchObject({ status: 200 })
  // That its response is out is no leaving.
  stays.leave()
  expect(asked).toBe(1)
})
