/** The HTTP server in front of the apps: framing, limits, and what each kind of failure looks like from outside. */
import { request as httpRequest } from 'node:http'
import { afterEach, describe, expect, it } from 'vitest'
import { silentLog, systemClock } from '../../../core/index.ts'
import { engineProblems } from '../../../host/engine/index.ts'
import {
  HttpServer,
  isStreamed,
  type HttpLimits,
  type HttpRequest,
  type HttpResponse,
  type Ingress,
} from '../../../host/http/index.ts'
import { downloaded, uncollectedBytes } from './long-body.ts'
import { rawClient } from './raw-client.ts'

const servers: HttpServer[] = []
/** Why responses could not be sent, as their apps were told. */
const unsendable: string[] = []
afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.stop()))
})

async function serve(
  handle: (request: HttpRequest) => Promise<HttpResponse> | HttpResponse,
  limits: Partial<HttpLimits> = {},
): Promise<number> {
  const ingress: Ingress = {
    handle: async (request) => handle(request),
    unsendable: (error) => void unsendable.push((error as Error).message),
  }
  const server = new HttpServer({
    host: '127.0.0.1',
    port: 0,
    hosts: new Map([['shop.example', 'hello']]),
    ingressOf: (app) => (app === 'hello' ? ingress : app === 'down' ? 'down' : null),
    textOf: (code) => `text of ${code}`,
    clock: systemClock,
    log: silentLog,
    limits: { stopMs: 100, ...limits },
  })
  servers.push(server)
  await server.start()
  return server.address!.port
}

const reply = (body: string | null, changes: Partial<HttpResponse> = {}): HttpResponse => ({
  status: 200,
  headers: [],
  body: body === null ? null : Buffer.from(body),
  trailers: () => null,
  ...changes,
})

async function ask(port: number, text: string): Promise<string> {
  const client = rawClient(port)
  client.send(text)
  return client.closed()
}

const get = (path: string, fields = 'Host: x\r\n', method = 'GET'): string =>
  `${method} ${path} HTTP/1.1\r\n${fields}Connection: close\r\n\r\n`

describe('a request', () => {
  it('reaches the app that its path names, without the name', async () => {
    const seen: string[] = []
    const port = await serve((request) => {
      seen.push(`${request.method} ${request.path} ${request.authority}`)
      return reply('hi')
    })
    for (const path of ['/hello', '/hello/', '/hello/a/b?c=d', '/hello?x']) {
      expect(await ask(port, get(path))).toMatch(/^HTTP\/1.1 200 OK\r\n.*\r\n\r\nhi$/s)
    }
    expect(seen).toEqual(['GET / x', 'GET / x', 'GET /a/b?c=d x', 'GET /?x x'])
  })

  it('reaches the app that its host names, path and all', async () => {
    const seen: string[] = []
    const port = await serve((request) => {
      seen.push(request.path)
      return reply('hi')
    })
    await ask(port, get('/a', 'Host: hello.localhost:8080\r\n'))
    await ask(port, get('/b', 'Host: SHOP.example\r\n'))
    await ask(port, get('http://hello.localhost/c?d', 'Host: other\r\n'))
    expect(seen).toEqual(['/a', '/b', '/c?d'])
  })

  it('carries its fields in order and case, without those of the connection', async () => {
    let headers: readonly string[] = []
    const port = await serve((request) => {
      headers = request.headers
      return reply(null)
    })
    const fields =
      'Host: x\r\nX-B: 1\r\nx-b: 2\r\nKeep-Alive: 9\r\nTE: trailers\r\nX-Hop: y\r\nConnection: x-hop\r\nUpgrade: h2c\r\n'
    await ask(port, `GET /hello HTTP/1.1\r\n${fields}Connection: close\r\n\r\n`)
    expect(headers).toEqual(['X-B', '1', 'x-b', '2'])
  })

  it('brings a small body whole and a large one in pieces', async () => {
    const bodies: string[] = []
    const port = await serve(async ({ body }) => {
      if (!isStreamed(body)) bodies.push(`whole ${body?.length}`)
      else {
        let size = 0
        for await (const piece of body.chunks) size += piece.length
        bodies.push(`streamed ${size} ${body.trailers()?.join('=')}`)
      }
      return reply('ok')
    })
    await ask(port, `POST /hello HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello`)
    const large = 'x'.repeat(100_000)
    await ask(
      port,
      `POST /hello HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\nConnection: close\r\n\r\n${large}`,
    )
    await ask(
      port,
      'POST /hello HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nTrailer: x-sum\r\nConnection: close\r\n\r\n' +
        '3\r\nabc\r\n0\r\nX-Sum: 7\r\n\r\n',
    )
    expect(bodies).toEqual(['whole 5', 'streamed 100000 undefined', 'streamed 3 X-Sum=7'])
  })
})

describe('a response', () => {
  it('keeps its fields, and gets a length', async () => {
    const headers = [
      'Set-Cookie',
      'a',
      'Set-Cookie',
      'b',
      'Connection',
      'upgrade',
      'Transfer-Encoding',
      'gzip',
    ]
    const port = await serve(() => reply('hello', { status: 201, headers }))
    const text = await ask(port, get('/hello'))
    expect(text).toMatch(/^HTTP\/1.1 201 Created\r\nSet-Cookie: a\r\nSet-Cookie: b\r\nContent-Length: 5\r\n/)
    expect(text).not.toMatch(/gzip|upgrade/)
  })

  it('has no body for HEAD, 204 and 304', async () => {
    let status = 200
    const port = await serve(() => reply('hello', { status }))
    expect(await ask(port, get('/hello', 'Host: x\r\n', 'HEAD'))).toMatch(/Content-Length: 5\r\n.*\r\n\r\n$/s)
    status = 204
    expect(await ask(port, get('/hello'))).toMatch(
      /^HTTP\/1.1 204 No Content\r\n(?!.*Content-Length).*\r\n\r\n$/s,
    )
    status = 304
    expect(await ask(port, get('/hello'))).toMatch(/^HTTP\/1.1 304 Not Modified\r\n.*\r\n\r\n$/s)
  })

  it('ends with its head for HEAD, however long the app would stream', async () => {
    let letGo!: () => void
    const isFree = new Promise<void>((resolve) => (letGo = resolve))
    const body: AsyncIterable<Uint8Array> = {
      [Symbol.asyncIterator]: () => ({
        next: () => new Promise(() => {}),
        return() {
          letGo()
          return Promise.resolve({ done: true, value: undefined })
        },
      }),
    }
    const port = await serve(() => reply(null, { body, headers: ['content-length', '5'] }))
    expect(await ask(port, get('/hello', 'Host: x\r\n', 'HEAD'))).toMatch(/Content-Length: 5\r\n.*\r\n\r\n$/s)
    await isFree
  })

  it('streams, with trailers at its end', async () => {
    async function* body(): AsyncGenerator<Uint8Array> {
      yield Buffer.from('one ')
      yield Buffer.from('two')
    }
    const port = await serve(() => reply(null, { body: body(), trailers: () => ['x-sum', '7'] }))
    expect(await ask(port, get('/hello'))).toMatch(/\r\n\r\n4\r\none \r\n3\r\ntwo\r\n0\r\nx-sum: 7\r\n\r\n$/)
  })

  it('keeps nothing of a body that has left, however long it goes on', async () => {
    const pieceBytes = 64 * 1024
    const pieces = 2_000
    const left: number[] = []
    async function* body(): AsyncGenerator<Uint8Array> {
      for (let at = 1; at <= pieces; at += 1) {
        yield Buffer.from(new ArrayBuffer(pieceBytes))
        if (at % 500 === 0) left.push(uncollectedBytes())
      }
    }
    const port = await serve(() => reply(null, { body: body() }))
    expect(await downloaded(port, '/hello')).toBe(pieces * pieceBytes)
    expect(left.length).toBe(4)
    expect(Math.max(...left)).toBeLessThan(16 * 1024 * 1024)
  })

  it('is told as broken where the app breaks off', async () => {
    async function* body(): AsyncGenerator<Uint8Array> {
      yield Buffer.from('one ')
      throw new Error('the app died')
    }
    const port = await serve(() => reply(null, { body: body() }))
    const text = await ask(port, get('/hello'))
    expect(text).toContain('one ')
    expect(text).not.toMatch(/0\r\n\r\n$/)
  })

  it('stops the app when its client goes away', async () => {
    let stopped!: () => void
    const whenStopped = new Promise<void>((resolve) => (stopped = resolve))
    async function* body(): AsyncGenerator<Uint8Array> {
      try {
        for (;;) {
          yield Buffer.alloc(65_536)
          await new Promise((resolve) => setImmediate(resolve))
        }
      } finally {
        stopped()
      }
    }
    const port = await serve(() => reply(null, { body: body() }))
    const client = rawClient(port)
    client.send(get('/hello'))
    await client.until('200 OK')
    client.socket.destroy()
    await whenStopped
  })

  it('is let go of unread where its client left before it came, or where it cannot be sent', async () => {
    let changes: Partial<HttpResponse> = {}
    let asked!: () => void
    let proceed: Promise<void> = Promise.resolve()
    let letGo!: () => void
    const body: AsyncIterable<Uint8Array> = {
      [Symbol.asyncIterator]: () => ({
        next: () => Promise.resolve({ done: false, value: Buffer.alloc(65_536) }),
        return() {
          letGo()
          return Promise.resolve({ done: true, value: undefined })
        },
      }),
    }
    const port = await serve(async () => {
      asked()
      await proceed
      return reply(null, { body, ...changes })
    })
    const next = (): { readonly isAsked: Promise<void>; readonly isFree: Promise<void> } => ({
      isAsked: new Promise((resolve) => (asked = resolve)),
      isFree: new Promise((resolve) => (letGo = resolve)),
    })

    const left = next()
    let answerNow!: () => void
    proceed = new Promise((resolve) => (answerNow = resolve))
    const client = rawClient(port)
    client.send(get('/hello'))
    await left.isAsked
    client.socket.destroy()
    // The server has to have heard of it.
    await new Promise((resolve) => setTimeout(resolve, 50))
    answerNow()
    await left.isFree

    for (const bad of [{ status: 999 }, { headers: ['content-length', 'many'] }]) {
      const { isFree } = next()
      changes = bad
      expect(await ask(port, get('/hello'))).toContain('ERR_HTTP_RESPONSE')
      await isFree
    }
  })

  it('is 502 where it is none', async () => {
    const bad: Partial<HttpResponse>[] = [
      { status: 101 },
      { status: 700 },
      { headers: ['a b', 'c'] },
      { headers: ['a', 'b\r\nc: d'] },
      { headers: ['content-length', '3'] },
      { headers: ['content-length', '5', 'Content-Length', '4'] },
    ]
    let changes: Partial<HttpResponse> = {}
    const port = await serve(() => reply('hello', changes))
    for (const each of bad) {
      changes = each
      unsendable.length = 0
      expect(await ask(port, get('/hello'))).toMatch(/^HTTP\/1.1 502 .*"error":"ERR_HTTP_RESPONSE"/s)
      expect(unsendable).toEqual([expect.stringContaining('the response of the app cannot be sent: ')])
    }
  })
})

describe('a failure', () => {
  it('has a status and names its code, and never what went on inside', async () => {
    let code: Parameters<typeof engineProblems.error>[0] = 'ERR_APP_TRAP'
    const port = await serve(() => {
      throw engineProblems.error(code, 'secret: unreachable in handle < run')
    })
    const expected = [
      ['ERR_APP_TRAP', 502],
      ['ERR_APP_MEMORY', 502],
      ['ERR_APP_DEADLINE', 504],
      ['ERR_APP_BUSY', 503],
      ['ERR_APP_STOPPED', 503],
    ] as const
    for (const [each, status] of expected) {
      code = each
      const text = await ask(port, get('/hello'))
      expect(text).toMatch(
        new RegExp(`^HTTP/1.1 ${status} .*"error":"${each}","message":"text of ${each}"`, 's'),
      )
      expect(text).not.toContain('secret')
      if (status === 503) expect(text).toContain('Retry-After: 1')
    }
  })

  it('of the node itself tells no more', async () => {
    const port = await serve(() => {
      throw new TypeError('secret')
    })
    const text = await ask(port, get('/hello'))
    expect(text).toMatch(/^HTTP\/1.1 502 /)
    expect(text).not.toContain('secret')
  })

  it('is 404 for no app, 503 for one that does not run', async () => {
    const port = await serve(() => reply('hi'))
    expect(await ask(port, get('/none'))).toMatch(/^HTTP\/1.1 404 .*ERR_HTTP_NO_APP/s)
    expect(await ask(port, get('/'))).toMatch(/^HTTP\/1.1 404 /)
    expect(await ask(port, get('*', 'Host: x\r\n', 'OPTIONS'))).toMatch(/^HTTP\/1.1 404 /)
    expect(await ask(port, get('/down'))).toMatch(/^HTTP\/1.1 503 .*Retry-After: 1.*ERR_HTTP_APP_DOWN/s)
  })

  it('is 503 beyond the requests that may be under way', async () => {
    let release!: () => void
    const released = new Promise<void>((resolve) => (release = resolve))
    const port = await serve(
      async () => {
        await released
        return reply('late')
      },
      { requests: 1 },
    )
    const first = ask(port, get('/hello'))
    await new Promise((resolve) => setTimeout(resolve, 50))
    expect(await ask(port, get('/hello'))).toMatch(/^HTTP\/1.1 503 .*ERR_HTTP_BUSY/s)
    release()
    expect(await first).toContain('late')
  })
})

describe('bad input', () => {
  it('is refused where two parsers could disagree about its length', async () => {
    let reached = 0
    const port = await serve(() => {
      reached += 1
      return reply('hi')
    })
    const heads = [
      'Content-Length: 5\r\nTransfer-Encoding: chunked\r\n',
      'Content-Length: 5\r\nContent-Length: 6\r\n',
      'Content-Length: +5\r\n',
      'Content-Length: 5, 5\r\n',
      'Transfer-Encoding: chunked, identity\r\n',
      'Transfer-Encoding : chunked\r\n',
      'X: a\rb\r\n',
      ' Folded: x\r\n',
      'No colon\r\n',
    ]
    for (const head of heads) {
      const text = await ask(
        port,
        `POST /hello HTTP/1.1\r\nHost: x\r\n${head}\r\n0\r\n\r\nGET /hello HTTP/1.1\r\n\r\n`,
      )
      expect(text, head).toMatch(/^HTTP\/1.1 400 Bad Request\r\n.*"error":"ERR_HTTP_REQUEST"/s)
    }
    expect(reached).toBe(0)
  })

  it('is refused where it is no HTTP', async () => {
    const port = await serve(() => reply('hi'))
    for (const text of [
      '\x16\x03\x01\x02\x00',
      'GET\r\n\r\n',
      'GET /hello HTTP/9.9\r\n\r\n',
      'hello\r\n\r\n',
    ]) {
      expect(await ask(port, text)).toMatch(/^HTTP\/1.1 400 /)
    }
    expect(await ask(port, 'GET /hello HTTP/1.1\r\nConnection: close\r\n\r\n')).toMatch(/^HTTP\/1.1 400 /)
  })

  it('is refused where it does not name one host', async () => {
    let asked = 0
    const port = await serve(() => {
      asked += 1
      return reply('hello')
    })
    for (const fields of [
      '',
      'Host: a\r\nHost: b\r\n',
      'Host: a\r\nhOST: a\r\n',
      'Host: a b/c@d\r\n',
      'Host: user@a\r\n',
      'Host: a/hello\r\n',
      'Host: a, b\r\n',
      'Host: a:x\r\n',
      'Host: [::1\r\n',
      'Host: a%2\r\n',
      'Host: \xe4\r\n',
    ]) {
      const answered = await ask(port, get('/hello', fields))
      expect(answered, fields).toMatch(
        /^HTTP\/1.1 400 .*content-type: application\/json\r\n.*\r\n\r\n\{"error":"ERR_HTTP_REQUEST"/is,
      )
    }
    for (const target of ['http:///hello', 'http://:80/hello', 'http://user@a/hello', 'http://a b/hello']) {
      expect(await ask(port, get(target)), target).toMatch(/^HTTP\/1.1 400 /)
    }
    expect(asked).toBe(0)
  })

  it('may name its host in every form that there is, and in HTTP/1.0 none', async () => {
    const port = await serve(() => reply('hello'))
    for (const host of ['', 'a', 'A.example:80', '127.0.0.1:', '[::1]:8080', '[v1.a:b]', 'a_b', 'a%20b']) {
      expect(await ask(port, get('/hello', `Host: ${host}\r\n`)), host).toMatch(/^HTTP\/1.1 200 /)
    }
    expect(await ask(port, 'GET /hello HTTP/1.0\r\n\r\n')).toMatch(/^HTTP\/1.1 200 /)
    expect(await ask(port, 'GET /hello HTTP/1.0\r\nHost: a\r\nHost: a\r\n\r\n')).toMatch(/^HTTP\/1.1 400 /)
  })

  it('is refused where its head is too large', async () => {
    const port = await serve(() => reply('hi'))
    expect(await ask(port, get('/hello', `Host: x\r\nX: ${'x'.repeat(40_000)}\r\n`))).toMatch(
      /^HTTP\/1.1 431 /,
    )
    expect(await ask(port, get('/hello', `Host: x\r\n${'a: b\r\n'.repeat(300)}`))).toMatch(
      /^HTTP\/1.1 431 .*ERR_HTTP_HEAD_SIZE/s,
    )
  })

  it('is refused where its body is too large, declared or not', async () => {
    const port = await serve(
      async ({ body }) => {
        if (isStreamed(body)) for await (const _ of body.chunks);
        return reply('hi')
      },
      { bodyBytes: 10, wholeBodyBytes: 4 },
    )
    expect(await ask(port, 'POST /hello HTTP/1.1\r\nHost: x\r\nContent-Length: 11\r\n\r\n')).toMatch(
      /^HTTP\/1.1 413 .*ERR_HTTP_BODY_SIZE/s,
    )
    const chunked =
      'POST /hello HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nb\r\nhello world\r\n'
    expect(await ask(port, chunked)).toMatch(/^HTTP\/1.1 413 .*ERR_HTTP_BODY_SIZE/s)
  })

  it('ends with a client that stops in the middle of its head or body', async () => {
    let reached = 0
    const port = await serve(
      () => {
        reached += 1
        return reply('hi')
      },
      { headMs: 200, idleMs: 200, requestMs: 400 },
    )
    expect(await ask(port, 'GET /hello HTTP/1.1\r\nHost: x\r\n')).toMatch(/^HTTP\/1.1 408 /)
    expect(await ask(port, 'POST /hello HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhe')).toMatch(
      /^HTTP\/1.1 408 /,
    )
    expect(reached).toBe(0)
  })

  it('breaks the body of a client that goes away', async () => {
    let failure!: (error: unknown) => void
    const failed = new Promise<unknown>((resolve) => (failure = resolve))
    const port = await serve(async ({ body }) => {
      try {
        if (isStreamed(body)) for await (const _ of body.chunks);
      } catch (error) {
        failure(error)
      }
      return reply('hi')
    })
    const client = rawClient(port)
    client.send('POST /hello HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\nhalf')
    await new Promise((resolve) => setTimeout(resolve, 50))
    client.socket.destroy()
    expect(await failed).toMatchObject({ code: 'ERR_HTTP_CLIENT_GONE' })
  })

  it('is answered whole once, and without a warning, while the client still sends', async () => {
    const warnings: string[] = []
    const warned = ({ message }: Error): void => void warnings.push(message)
    process.on('warning', warned)
    const port = await serve(() => reply('hi'))
    // More than is read at once: the parser would find a fault in each piece, and one in the end.
    for (const text of ['n'.repeat(3_000_000), `GET /hello HTTP/1.1\r\nX: ${'y'.repeat(3_000_000)}`]) {
      const client = rawClient(port)
      client.send(text)
      client.socket.end(text)
      expect(await client.closed()).toMatch(/^HTTP\/1\.1 4(00|31) [^\n]*\r\n(?!.*HTTP\/1\.1 \d).*"}\n$/s)
    }
    process.off('warning', warned)
    expect(warnings).toEqual([])
  })

  it('is told where it takes the node for a proxy', async () => {
    const port = await serve(() => reply('hi'))
    const tunnel = 'CONNECT elsewhere:443 HTTP/1.1\r\nHost: elsewhere:443\r\n\r\n'
    const client = rawClient(port)
    client.send(tunnel)
    expect(await client.closed()).toMatch(
      /^HTTP\/1\.1 501 Not Implemented\r\nConnection: close\r\n.*ERR_HTTP_TUNNEL/s,
    )
    // What is in the tunnel already is no harm either, nor that its client does not wait for the answer.
    const hasty = rawClient(port)
    hasty.send(tunnel + 'x'.repeat(3_000_000))
    expect(await hasty.closed()).toContain(' 501 ')
    const gone = rawClient(port)
    gone.send(tunnel + 'x'.repeat(3_000_000))
    gone.socket.destroy()
    expect(await ask(port, get('/hello'))).toContain('200 OK')
  })

  it('leaves others on their connections unharmed', async () => {
    const port = await serve(() => reply('hi'))
    const good = new Promise<number | undefined>((resolve, reject) => {
      httpRequest({ port, path: '/hello' }, (res) => {
        res.resume()
        resolve(res.statusCode)
      })
        .on('error', reject)
        .end()
    })
    await ask(port, 'nonsense\r\n\r\n')
    expect(await good).toBe(200)
  })
})

describe('a client that waits for its turn', () => {
  /** A server whose requests all wait. */
  async function waiting(
    count: number,
    limits: Partial<HttpLimits> = {},
  ): Promise<{
    port: number
    allAsked: Promise<void>
    allTold: Promise<void>
    bodies: HttpRequest['body'][]
  }> {
    let [asked, told] = [0, 0]
    let [resolveAsked, resolveTold] = [(): void => {}, (): void => {}]
    const allAsked = new Promise<void>((resolve) => (resolveAsked = resolve))
    const allTold = new Promise<void>((resolve) => (resolveTold = resolve))
    const bodies: HttpRequest['body'][] = []
    const port = await serve(async ({ whenLeft, body }) => {
      bodies.push(body)
      whenLeft?.(() => (++told === count ? resolveTold() : undefined))
      if (++asked === count) resolveAsked()
      await allTold
      return reply('nobody reads it')
    }, limits)
    return { port, allAsked, allTold, bodies }
  }
  const post = (bytes: number, sent = bytes): string =>
    `POST /hello/ HTTP/1.1\r\nHost: a\r\nContent-Length: ${bytes}\r\n\r\n${'x'.repeat(sent)}`

  it.each([
    ['with nothing to send', 1, 'GET /hello/ HTTP/1.1\r\nHost: a\r\n\r\n'],
    ['behind others on its connection', 3, 'GET /hello/ HTTP/1.1\r\nHost: a\r\n\r\n'.repeat(3)],
    ['with a body of which it has sent a part', 1, post(1_000_000, 300_000)],
    ['with a body that it has sent whole', 1, post(300_000)],
  ])('is known to have left: %s', async (_, count, text) => {
    const { port, allAsked, allTold } = await waiting(count)
    const client = rawClient(port)
    client.send(text)
    await allAsked
    // What it sent is on its way: a connection that is cut before has nothing behind which that could be seen.
    await new Promise((resolve) => setTimeout(resolve, 50))
    client.socket.destroy()
    await allTold
  })

  it('has its body read ahead as far as there is room for it, which is given back when it leaves', async () => {
    const limits = { aheadBytes: 200_000, allAheadBytes: 400_000 }
    const { port, allAsked, allTold, bodies } = await waiting(3, limits)
    for (let round = 0; round < 3; round++) {
      const client = rawClient(port)
      client.send(post(150_000))
      void allAsked.then(() => setTimeout(() => client.socket.destroy(), 50))
    }
    await allTold
    for (const body of bodies) {
      if (!isStreamed(body)) throw new Error('it did not stream')
      await expect(body.chunks[Symbol.asyncIterator]().next()).rejects.toMatchObject({
        code: 'ERR_HTTP_CLIENT_GONE',
      })
    }
  })

  it('loses nothing of a body that was read ahead', async () => {
    const text = Array.from({ length: 60_000 }, (_, line) => `${line}\n`).join('')
    let heard = ''
    const port = await serve(
      async ({ whenLeft, body }) => {
        whenLeft?.(() => {})
        await new Promise((resolve) => setTimeout(resolve, 50))
        if (isStreamed(body)) for await (const piece of body.chunks) heard += Buffer.from(piece).toString()
        return reply('ok')
      },
      { aheadBytes: 100_000 },
    )
    const head = `POST /hello HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: ${text.length}\r\n\r\n`
    expect(await ask(port, head + text)).toMatch(/ok$/)
    expect(heard === text).toBe(true)
  })

  it('lets go of a response that streams behind another one', async () => {
    let letGo!: () => void
    let bothAsked!: () => void
    const isFree = new Promise<void>((resolve) => (letGo = resolve))
    const areAsked = new Promise<void>((resolve) => (bothAsked = resolve))
    async function* body(): AsyncGenerator<Uint8Array> {
      try {
        bothAsked()
        for (;;) yield Buffer.alloc(65_536)
      } finally {
        letGo()
      }
    }
    const port = await serve(({ path }) =>
      path === '/first' ? new Promise<HttpResponse>(() => {}) : reply(null, { body: body() }),
    )
    const client = rawClient(port)
    client.send('GET /hello/first HTTP/1.1\r\nHost: a\r\n\r\nGET /hello/second HTTP/1.1\r\nHost: a\r\n\r\n')
    await areAsked
    client.socket.destroy()
    await isFree
  })
})

it('a request without a body that is refused leaves its connection open, a malformed one does not', async () => {
  const port = await serve(() => reply('hi'))
  const get = (path: string, host = 'Host: a\r\n'): string => `GET ${path} HTTP/1.1\r\n${host}\r\n`
  const both = await ask(
    port,
    get('/nobody') + get('/hello/').replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n'),
  )
  expect(both).toMatch(/^HTTP\/1\.1 404 [\s\S]*HTTP\/1\.1 200 OK[\s\S]*hi$/)
  const twoHosts = await ask(port, get('/hello/', 'Host: a\r\nHost: b\r\n') + get('/hello/'))
  expect(twoHosts).toMatch(/^HTTP\/1\.1 400 /)
  expect(twoHosts).not.toContain('200 OK')
})
