/** The way into one app while its instances come and go. */
import { describe, expect, it } from 'vitest'
import { AppIngress } from '../../../host/apps/ingress.ts'
import { httpProblems, type HttpRequest, type HttpResponse, type Ingress } from '../../../host/http/index.ts'

const request: HttpRequest = {
  method: 'GET',
  path: '/',
  scheme: 'http',
  authority: undefined,
  headers: [],
  body: null,
}
const response = (body: HttpResponse['body']): HttpResponse => ({
  status: 200,
  headers: [],
  body,
  trailers: () => null,
})
const always = (body: HttpResponse['body']): Ingress => ({ handle: async () => response(body) })

async function settled(promise: Promise<unknown>): Promise<boolean> {
  let isSettled = false
  void promise.then(() => (isSettled = true))
  await new Promise((resolve) => setImmediate(resolve))
  return isSettled
}

describe('the way into an app', () => {
  it('leads nowhere before an instance is there and after it has gone', () => {
    const ingress = new AppIngress(() => {})
    expect(ingress.current).toBeNull()
    ingress.attach(1, always(null))
    expect(ingress.current).not.toBeNull()
    ingress.detach(2)
    expect(ingress.current).not.toBeNull()
    ingress.detach(1)
    expect(ingress.current).toBeNull()
  })

  it('leads to the newest instance, and the old one is idle when its last answer is out', async () => {
    const ingress = new AppIngress(() => {})
    let answer!: (response: HttpResponse) => void
    ingress.attach(1, { handle: () => new Promise((resolve) => (answer = resolve)) })
    const old = ingress.current!.handle(request)
    ingress.attach(2, always(Buffer.from('new')))
    const idle = ingress.idle(1)
    expect(String((await ingress.current!.handle(request)).body)).toBe('new')
    expect(await settled(idle)).toBe(false)
    answer(response(Buffer.from('old')))
    expect(String((await old).body)).toBe('old')
    await idle
  })

  it('counts a response that streams until its end, or until nobody reads on', async () => {
    for (const ends of ['done', 'return', 'throw'] as const) {
      const ingress = new AppIngress(() => {})
      async function* body(): AsyncGenerator<Uint8Array> {
        yield Buffer.from('a')
        if (ends === 'throw') throw new Error('broken')
      }
      ingress.attach(1, always(body()))
      const { body: streamed } = await ingress.current!.handle(request)
      const pieces = (streamed as AsyncIterable<Uint8Array>)[Symbol.asyncIterator]()
      ingress.detach(1)
      const idle = ingress.idle(1)
      await pieces.next()
      expect(await settled(idle)).toBe(false)
      if (ends === 'return') await pieces.return?.()
      else await pieces.next().catch(() => {})
      await idle
    }
  })

  it('tells of answers that are the app’s own errors, not of its traps', async () => {
    const told: string[] = []
    const ingress = new AppIngress((message) => void told.push(message))
    for (const error of [httpProblems.error('ERR_HTTP_APP', 'no such page'), new Error('trap')]) {
      ingress.attach(1, { handle: () => Promise.reject(error) })
      await expect(ingress.current!.handle(request)).rejects.toBe(error)
    }
    ingress.attach(2, { handle: () => Promise.reject(new Error('trap')) })
    ingress.current!.unsendable!(httpProblems.error('ERR_HTTP_RESPONSE', 'its status is 0'))
    expect(told).toEqual(['no such page', 'its status is 0'])
  })

  it('is idle after a failure too', async () => {
    const ingress = new AppIngress(() => {})
    ingress.attach(1, { handle: () => Promise.reject(new Error('trap')) })
    await expect(ingress.current!.handle(request)).rejects.toThrow('trap')
    ingress.detach(1)
    await ingress.idle(1)
  })
})
