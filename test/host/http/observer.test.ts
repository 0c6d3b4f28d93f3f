/** What an observer of the HTTP server is told: each request once, with what became of it. */
import { afterEach, describe, expect, it } from 'vitest'
import { silentLog } from '../../../core/index.ts'
import { engineProblems } from '../../../host/engine/index.ts'
import { HttpServer, isStreamed, type HttpRequest, type HttpResponse } from '../../../host/http/index.ts'
import { FakeClock } from '../fake-clock.ts'
import { rawClient } from './raw-client.ts'

type Told =
  | readonly ['answered', app: string, status: number, ms: number]
  | readonly ['refused', code: string]

const servers: HttpServer[] = []
afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.stop()))
})

async function serve(handle: (request: HttpRequest, clock: FakeClock) => Promise<HttpResponse>) {
  const told: Told[] = []
  const clock = new FakeClock()
  const server = new HttpServer({
    host: '127.0.0.1',
    port: 0,
    hosts: new Map(),
    ingressOf: (app) =>
      app === 'hello' ? { handle: (request) => handle(request, clock) } : app === 'down' ? 'down' : null,
    textOf: (code) => code,
    clock,
    log: silentLog,
    observer: {
      answered: (app, status, ms) => void told.push(['answered', app, status, ms]),
      refused: (code) => void told.push(['refused', code]),
    },
  })
  servers.push(server)
  await server.start()
  const ask = async (text: string): Promise<string> => {
    const client = rawClient(server.address!.port)
    client.send(text)
    return client.closed()
  }
  return { told, ask, server }
}

const get = (path: string): string => `GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`

/** Reads a body whose end is only that its client is gone. */
async function drained(chunks: AsyncIterable<Uint8Array>): Promise<void> {
  const pieces = chunks[Symbol.asyncIterator]()
  await pieces.next().catch(() => {})
}

const reply = (body: HttpResponse['body'], status = 200): HttpResponse => ({
  status,
  headers: [],
  body,
  trailers: () => null,
})

describe('an observer of the server', () => {
  it('is told of an answer with its status and the time that the app took', async () => {
    const { told, ask, server } = await serve(async (_request, clock) => {
      expect(server.underWay).toBe(1)
      await clock.advance(30)
      return reply(Buffer.from('hi'), 201)
    })
    await ask(get('/hello/'))
    expect(told).toEqual([['answered', 'hello', 201, 30]])
    expect(server.underWay).toBe(0)
  })

  it('counts a streamed response up to its end', async () => {
    const { told, ask } = await serve(async (_request, clock) =>
      reply(
        (async function* () {
          yield Buffer.from('a')
          await clock.advance(70)
          yield Buffer.from('b')
        })(),
      ),
    )
    await ask(get('/hello/'))
    await expect.poll(() => told).toEqual([['answered', 'hello', 200, 70]])
  })

  it('is told of a failed app twice: the problem, and the answer that the client got', async () => {
    const { told, ask } = await serve(() => Promise.reject(engineProblems.error('ERR_APP_BUSY', 'too many')))
    await ask(get('/hello/'))
    expect(told).toEqual([
      ['refused', 'ERR_APP_BUSY'],
      ['answered', 'hello', 503, 0],
    ])
  })

  it('is told what no app ever saw by its problem alone', async () => {
    const { told, ask } = await serve(async () => reply(null))
    await ask(get('/nobody/'))
    await ask(get('/down/'))
    await ask('no request at all\r\n\r\n')
    expect(told).toEqual([
      ['refused', 'ERR_HTTP_NO_APP'],
      ['refused', 'ERR_HTTP_APP_DOWN'],
      ['refused', 'ERR_HTTP_REQUEST'],
    ])
  })

  it('hears of a client that went away without an answer as status 0', async () => {
    let begun!: () => void
    const hasBegun = new Promise<void>((resolve) => (begun = resolve))
    let end!: (response: HttpResponse) => void
    let gone!: () => void
    const clientGone = new Promise<void>((resolve) => (gone = resolve))
    const { told, server } = await serve(({ body }) => {
      if (isStreamed(body)) void drained(body.chunks).finally(gone)
      begun()
      return new Promise((resolve) => (end = resolve))
    })
    const client = rawClient(server.address!.port)
    client.send('POST /hello/ HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n')
    await hasBegun
    client.socket.destroy()
    await clientGone
    end(reply(null))
    await expect.poll(() => told.at(-1)).toEqual(['answered', 'hello', 0, 0])
  })
})
