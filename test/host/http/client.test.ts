/** Outgoing requests from the node's side: where they may go, how they end, and what each failure is called. */
import { createServer, type RequestListener, type Server } from 'node:http'
import {
  createServer as createTcpServer,
  type AddressInfo,
  type Server as TcpServer,
  type Socket,
} from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { systemClock } from '../../../core/index.ts'
import type { FromGuest, FromNode, OutgoingCall } from '../../../host/guest/http/index.ts'
import { httpClient, type HttpClientNeeds } from '../../../host/http/index.ts'
import { appLookup } from '../../../host/interfaces/own-machine.ts'
import { originOf } from '../../../host/http/origin.ts'
import { channelPair, type ChannelPair } from '../channel-pair.ts'

const servers: (Server | TcpServer)[] = []
const sockets = new Set<Socket>()
afterEach(async () => {
  for (const socket of sockets) socket.destroy()
  sockets.clear()
  await Promise.all(servers.splice(0).map((server) => new Promise((resolve) => server.close(resolve))))
})

async function listen(server: Server | TcpServer): Promise<string> {
  servers.push(server)
  server.on('connection', (socket: Socket) => sockets.add(socket))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return `127.0.0.1:${(server.address() as AddressInfo).port}`
}

const web = (listener: RequestListener): Promise<string> => listen(createServer(listener))
/** Answers every connection with these bytes, and ends it. */
const bytesOf = (text: string): Promise<string> =>
  listen(
    createTcpServer((socket) => socket.on('error', () => {}).once('data', () => socket.end(text, 'latin1'))),
  )

interface Asked {
  readonly pair: ChannelPair
  readonly done: Promise<void>
  readonly denied: string[]
  /** The first thing the node says. */
  first(): Promise<FromNode>
  next(): Promise<FromNode>
}

function ask(
  authority: string,
  changes: Partial<OutgoingCall> = {},
  needs: Partial<HttpClientNeeds> = {},
  client = httpClient({
    origins: new Set([`http://${authority}`]),
    denied: (origin) => void denied.push(origin),
    clock: systemClock,
    ...needs,
  }),
): Asked {
  const pair = channelPair()
  const call: OutgoingCall = {
    method: 'GET',
    scheme: 'http',
    authority,
    path: '/',
    headers: [],
    body: null,
    trailers: null,
    connectTimeoutMs: null,
    firstByteTimeoutMs: null,
    betweenBytesTimeoutMs: null,
    ...changes,
  }
  const done = client([call], pair.host)
  const next = async (): Promise<FromNode> => {
    for (;;) {
      const message = pair.guest.receive()
      if (message !== undefined) return message as FromNode
      await new Promise((resolve) => setTimeout(resolve, 2))
    }
  }
  return { pair, done, denied, first: next, next }
}
const denied: string[] = []
const bytes = (text: string): Uint8Array => new Uint8Array(Buffer.from(text))

const error = (tag: string, val?: unknown): object => ({
  t: 'error',
  code: val === undefined ? expect.objectContaining({ tag }) : { tag, val },
})

describe('an origin', () => {
  it('has one way to be written', () => {
    expect(originOf('HTTPS://API.Example.com:443')).toBe('https://api.example.com')
    expect(originOf('http://127.0.0.1:8080/')).toBe('http://127.0.0.1:8080')
    expect(originOf('http://[::1]:80')).toBe('http://[::1]')
    for (const text of [
      'ftp://a',
      'https://a/b',
      'https://u@a',
      'https://a?b',
      'https://',
      'a',
      'https://a b',
      'https://a\\b',
    ]) {
      expect(originOf(text), text).toBeNull()
    }
  })
})

describe('a request', () => {
  it('goes to a granted origin, with its fields and nothing of the connection', async () => {
    let raw: string[] = []
    const authority = await web((req, res) => {
      raw = req.rawHeaders
      res.setHeader('x-a', 'b')
      res.end('hello')
    })
    const asked = ask(authority, { headers: ['X-B', '1', 'x-b', '2', 'Connection', 'upgrade'] })
    expect(await asked.first()).toMatchObject({ t: 'response', status: 200, body: bytes('hello') })
    await asked.done
    expect(raw.slice(0, 6)).toEqual(['Host', authority, 'X-B', '1', 'x-b', '2'])
    expect(raw).not.toContain('upgrade')
  })

  it('is denied everywhere else, whatever its spelling', async () => {
    let reached = 0
    const authority = await web((_req, res) => {
      reached += 1
      res.end()
    })
    const others = [
      authority.replace('127.0.0.1', 'localhost'),
      authority.replace(/:\d+$/, ':1'),
      'example.com',
    ]
    denied.length = 0
    for (const other of others) {
      const asked = ask(authority, { authority: other })
      expect(await asked.first()).toEqual(error('HTTP-request-denied'))
    }
    const tls = ask(authority, { scheme: 'https' })
    expect(await tls.first()).toEqual(error('HTTP-request-denied'))
    expect(denied).toEqual([...others.map((other) => `http://${other}`), `https://${authority}`])
    for (const odd of [`x@${authority}`, `${authority}#x`, `${authority}\\x`, '']) {
      expect(await ask(authority, { authority: odd }).first()).toEqual(error('HTTP-request-URI-invalid'))
    }
    expect(reached).toBe(0)
  })

  it.each([['127.0.0.1'], ['169.254.169.254'], ['::1'], ['::ffff:127.0.0.1'], ['0.0.0.0']])(
    'is not led to this machine by a name that resolves to %s',
    async (address) => {
      const hits: string[] = []
      const port = (await web((request, response) => response.end(hits.push(request.url ?? '')))).split(
        ':',
      )[1]
      const refused: string[] = []
      const lookup = appLookup(
        (name) => refused.push(name),
        (_name, _options, done) => done(null, [{ address, family: address.includes(':') ? 6 : 4 }]),
      )
      const asked = ask(`rebinding.example:${port}`, {}, { lookup })
      expect(await asked.first()).toEqual({ t: 'error', code: { tag: 'destination-IP-prohibited' } })
      expect([hits, refused]).toEqual([[], ['rebinding.example']])
    },
  )

  it('goes where a name leads that leads elsewhere too, and where localhost does', async () => {
    const origin = await web((_request, response) => response.end('here'))
    const found = [
      { address: '127.0.0.1', family: 4 },
      { address: '192.0.2.1', family: 4 },
    ]
    const heard: string[] = []
    const lookup = appLookup(
      () => {},
      (name, _options, done) => {
        heard.push(name)
        done(null, name === 'localhost' ? found.slice(0, 1) : found)
      },
    )
    const authority = origin.replace('127.0.0.1', 'localhost')
    expect(await ask(authority, {}, { lookup }).first()).toMatchObject({ t: 'response', status: 200 })
    expect(heard).toEqual(['localhost'])
    const reached = await new Promise((resolve) =>
      lookup('two.example', { all: true }, (_error, addresses) => resolve(addresses)),
    )
    expect(reached).toEqual(found.slice(1))
  })

  it('does not follow a redirect', async () => {
    const authority = await web((_req, res) => res.writeHead(302, { location: 'http://example.com/' }).end())
    expect(await ask(authority).first()).toMatchObject({ t: 'response', status: 302 })
  })

  it('brings its whole body with its length', async () => {
    const authority = await web(async (req, res) => {
      let text = ''
      for await (const piece of req) text += String(piece)
      res.end(`${req.method} ${req.headers['content-length']} ${text}`)
    })
    const asked = ask(authority, {
      method: 'POST',
      body: Buffer.from('hello'),
      headers: ['content-length', '5'],
    })
    expect(await asked.first()).toMatchObject({ body: bytes('POST 5 hello') })
  })

  it('streams a body with its trailers', async () => {
    const authority = await web(async (req, res) => {
      let text = ''
      for await (const piece of req) text += String(piece)
      res.end(`${text} ${req.trailers['x-sum']}`)
    })
    const asked = ask(authority, { method: 'POST', body: 'streamed' })
    const { guest } = asked.pair
    guest.sink.write(Buffer.from('one '))
    guest.sink.write(Buffer.from('two'))
    guest.sink.close()
    guest.send({ t: 'end', trailers: ['x-sum', '7'] } satisfies FromGuest)
    expect(await asked.first()).toMatchObject({ body: bytes('one two 7') })
  })

  it('is answered from its head, where the server does that and the guest waits for it', async () => {
    const authority = await web((req, res) => {
      res.flushHeaders()
      req.pipe(res)
    })
    const asked = ask(authority, { method: 'POST', body: 'streamed' })
    expect(await asked.first()).toMatchObject({ t: 'response', status: 200, body: 'streamed' })
    const { guest } = asked.pair
    guest.sink.write(Buffer.from('late'))
    guest.sink.close()
    guest.send({ t: 'end', trailers: null } satisfies FromGuest)
    expect(await asked.next()).toMatchObject({ t: 'end' })
    expect(Buffer.from(guest.source.read(10)!).toString()).toBe('late')
  })

  it('is broken off at the server where the guest does not finish it', async () => {
    let aborted!: () => void
    const whenAborted = new Promise<void>((resolve) => (aborted = resolve))
    const authority = await web((req) => req.on('error', () => aborted()).resume())
    const asked = ask(authority, { method: 'POST', body: 'streamed' })
    asked.pair.guest.sink.write(Buffer.from('half'))
    await new Promise((resolve) => setTimeout(resolve, 50))
    asked.pair.guest.sink.close()
    asked.pair.guest.send({ t: 'abort' } satisfies FromGuest)
    expect(await asked.first()).toEqual(error('internal-error'))
    await whenAborted
  })

  it('ends with the guest that drops it', async () => {
    let aborted!: () => void
    const whenAborted = new Promise<void>((resolve) => (aborted = resolve))
    const authority = await web((req) => req.on('close', () => aborted()))
    const asked = ask(authority)
    await new Promise((resolve) => setTimeout(resolve, 50))
    asked.pair.guest.close()
    await whenAborted
    await asked.done
  })

  it('of another shape than ours reaches nothing', async () => {
    const client = httpClient({ origins: new Set(), denied: () => {}, clock: systemClock })
    for (const odd of [undefined, {}, { method: 'GET' }]) {
      const pair = channelPair()
      await client([odd], pair.host)
      expect(pair.guest.receive()).toEqual(error('HTTP-protocol-error'))
    }
    const split = ask('127.0.0.1:1', { headers: ['a', 'b\r\nc: d'] })
    expect(await split.first()).toEqual(error('HTTP-protocol-error'))
  })
})

describe('a response', () => {
  it('streams where it is long or of unknown length, with trailers', async () => {
    const authority = await web((_req, res) => {
      res.writeHead(200, { trailer: 'x-sum' })
      res.write('one ')
      res.addTrailers({ 'x-sum': '7' })
      res.end('two')
    })
    const asked = ask(authority)
    expect(await asked.first()).toMatchObject({ t: 'response', status: 200, body: 'streamed' })
    expect(await asked.next()).toEqual({ t: 'end', trailers: ['x-sum', '7'] })
    let text = ''
    for (
      let piece = asked.pair.guest.source.read(100);
      piece !== null;
      piece = asked.pair.guest.source.read(100)
    ) {
      text += Buffer.from(piece).toString()
    }
    expect(text).toBe('one two')
  })

  it('is read no faster than the guest reads', async () => {
    let sent = 0
    const size = 64 * 1024 * 1024
    const authority = await web((_req, res) => {
      const more = (): void => {
        while (sent < size && res.write(Buffer.alloc(65_536))) sent += 65_536
        if (sent >= size) res.end()
      }
      res.on('drain', more)
      more()
    })
    const asked = ask(authority)
    await asked.first()
    await new Promise((resolve) => setTimeout(resolve, 300))
    expect(sent).toBeLessThan(size / 2)
    asked.pair.guest.close()
    await asked.done
  })

  it('that breaks off fails the stream, or the whole where it was small', async () => {
    const chunked = await bytesOf('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n')
    const streamed = ask(chunked)
    expect(await streamed.first()).toMatchObject({ body: 'streamed' })
    expect(await streamed.next()).toMatchObject({ t: 'failed', code: { tag: 'HTTP-response-incomplete' } })
    const short = await bytesOf('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello')
    expect(await ask(short).first()).toEqual(error('HTTP-response-incomplete'))
  })

  it('that is no HTTP, or too much of it, is an error', async () => {
    expect(await ask(await bytesOf('hello\r\n\r\n')).first()).toEqual(error('HTTP-protocol-error'))
    const large = await bytesOf(`HTTP/1.1 200 OK\r\nX: ${'x'.repeat(100_000)}\r\n\r\n`)
    expect(await ask(large).first()).toEqual(error('HTTP-response-header-section-size'))
    const both = await bytesOf(
      'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    )
    expect(await ask(both).first()).toEqual(error('HTTP-protocol-error'))
    const upgrade = await bytesOf(
      'HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n',
    )
    expect(await ask(upgrade).first()).toEqual(error('HTTP-upgrade-failed'))
  })

  it('that does not begin while whoever asks has time is an error, whatever is wanted; one that began goes on', async () => {
    const silent = await listen(createTcpServer(() => {}))
    const slow = await web((_req, res) => {
      res.write('be')
      setTimeout(() => res.end('gun'), 400)
    })
    const client = httpClient({
      origins: new Set([`http://${silent}`, `http://${slow}`]),
      denied: () => {},
      clock: systemClock,
    })
    const inTime: ReturnType<typeof httpClient> = (args, channel) => client(args, channel, { leftMs: 200 })
    const never = ask(silent, { firstByteTimeoutMs: 600_000, connectTimeoutMs: 600_000 }, {}, inTime)
    expect(await never.first()).toEqual(error('connection-read-timeout'))
    const begun = ask(slow, {}, {}, inTime)
    expect(await begun.first()).toMatchObject({ t: 'response', status: 200, body: 'streamed' })
    expect(await begun.next()).toEqual({ t: 'end', trailers: null })
  })

  it('that never comes is an error with its cause', async () => {
    const closed = await web(() => {})
    await new Promise((resolve) => servers.pop()!.close(resolve))
    expect(await ask(closed).first()).toEqual(error('connection-refused'))
    const silent = await listen(createTcpServer(() => {}))
    expect(await ask(silent, { firstByteTimeoutMs: 50 }).first()).toEqual(error('connection-read-timeout'))
    const reset = await listen(createTcpServer((socket) => socket.once('data', () => socket.destroy())))
    expect(await ask(reset).first()).toEqual(error('connection-terminated'))
    const tls = ask(
      silent,
      { scheme: 'https', connectTimeoutMs: 50 },
      { origins: new Set([`https://${silent}`]) },
    )
    expect(await tls.first()).toEqual(error('connection-timeout'))
    const plain = await bytesOf('HTTP/1.1 400 Bad Request\r\n\r\n')
    const noTls = ask(plain, { scheme: 'https' }, { origins: new Set([`https://${plain}`]) })
    expect(await noTls.first()).toEqual(error('TLS-protocol-error'))
  })

  it('that stops in the middle is given up', async () => {
    const authority = await web((_req, res) => {
      res.write('half')
    })
    const asked = ask(authority, { betweenBytesTimeoutMs: 50 })
    expect(await asked.first()).toMatchObject({ body: 'streamed' })
    expect(await asked.next()).toMatchObject({ t: 'failed', code: { tag: 'connection-read-timeout' } })
    await asked.done
  })

  it('comes over the connection of the one before, and over a new one where that has died', async () => {
    let connections = 0
    const server = createServer((_req, res) => res.end('x'))
    const authority = await listen(server)
    server.on('connection', () => (connections += 1))
    const client = httpClient({
      origins: new Set([`http://${authority}`]),
      denied: () => {},
      clock: systemClock,
    })
    const once = async (): Promise<void> => {
      const asked = ask(authority, {}, {}, client)
      expect(await asked.first()).toMatchObject({ status: 200 })
      await asked.done
      await new Promise((resolve) => setImmediate(resolve))
    }
    await once()
    await once()
    expect(connections).toBe(1)
    for (const socket of sockets) socket.destroy()
    await once()
    expect(connections).toBe(2)
  })

  it('is refused beyond the requests that one app may have under way', async () => {
    const authority = await web(() => {})
    const client = httpClient({
      origins: new Set([`http://${authority}`]),
      denied: () => {},
      clock: systemClock,
      limits: { outgoing: 1 },
    })
    const first = ask(authority, {}, {}, client)
    expect(await ask(authority, {}, {}, client).first()).toEqual(error('connection-limit-reached'))
    first.pair.guest.close()
    await first.done
  })
})
