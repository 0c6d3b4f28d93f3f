/** A request's whole way: client, server, sandbox, a real guest's handler, and back. */
import { createServer, request as httpRequest, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { bodyBytes, packCall, unpackAnswer, type WireBody } from '../../../host/guest/http/index.ts'
import { grantedInterfaces, interfaceOffers } from '../../../host/interfaces/index.ts'
import { makeEngine, requestFor } from '../engine/kit.ts'
import { HttpGuests } from './http-guests.ts'

const guests = new HttpGuests()
const { server, lines } = guests

interface Answer {
  readonly status: number
  readonly headers: IncomingMessage['headers']
  readonly body: Buffer
}

function ask(
  path: string,
  body?: Uint8Array,
  { method = body === undefined ? 'GET' : 'POST', headers = {} }: Asked = {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const to = { port: server.address!.port, path, method, headers, agent: false }
    const req = httpRequest(to, (res) => {
      const pieces: Buffer[] = []
      res.on('data', (piece: Buffer) => pieces.push(piece))
      res.on('error', reject)
      res.on('end', () =>
        resolve({ status: res.statusCode ?? 0, headers: res.headers, body: Buffer.concat(pieces) }),
      )
    })
    req.on('error', reject)
    req.end(body)
  })
}

interface Asked {
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
}

beforeAll(async () => {
  await Promise.all([server.start(), guests.start('hello-http'), guests.start('relay-http')])
})

afterAll(async () => {
  await guests.stop()
})

describe('a guest behind wasi:http', () => {
  it('answers', async () => {
    const { status, headers, body } = await ask('/hello-http/')
    expect(status).toBe(200)
    expect(headers['content-type']).toBe('text/plain')
    expect(headers['content-length']).toBe('13')
    expect(String(body)).toBe('hello, world\n')
  })

  it('answers request after request', async () => {
    for (let at = 0; at < 20; at += 1) {
      const answers = await Promise.all(Array.from({ length: 10 }, () => ask('/hello-http/x')))
      expect(answers.every(({ status }) => status === 200)).toBe(true)
    }
  })

  it('gets a small body and gives it back', async () => {
    const { status, body } = await ask('/relay-http/', Buffer.from('hello'))
    expect(status).toBe(200)
    expect(String(body)).toBe('hello')
  })

  it('relays a body that is larger than every buffer on the way', async () => {
    const sent = Buffer.alloc(3 * 1024 * 1024)
    for (let at = 0; at < sent.length; at += 1) sent[at] = (at * 31) % 251
    const { status, body } = await ask('/relay-http/', sent)
    expect(status).toBe(200)
    expect(body.equals(sent)).toBe(true)
  })

  it('relays a stream piece by piece, before its end is sent', async () => {
    const req = httpRequest({
      port: server.address!.port,
      path: '/relay-http/',
      method: 'POST',
      agent: false,
    })
    req.write('first')
    const res = await new Promise<IncomingMessage>((resolve, reject) => {
      req.on('response', resolve).on('error', reject)
    })
    const pieces = res[Symbol.asyncIterator]()
    expect(String((await pieces.next()).value)).toBe('first')
    req.write('second')
    expect(String((await pieces.next()).value)).toBe('second')
    req.end()
    expect((await pieces.next()).done).toBe(true)
  })

  it('is free for the next client when one goes away in the middle', async () => {
    for (let at = 0; at < 3; at += 1) {
      const req = httpRequest({
        port: server.address!.port,
        path: '/relay-http/',
        method: 'POST',
        agent: false,
      })
      req.on('error', () => {})
      req.write('first')
      const res = await new Promise<IncomingMessage>((resolve) => req.on('response', resolve))
      res.on('error', () => {})
      await new Promise((resolve) => res.once('data', resolve))
      req.destroy()
    }
    expect(String((await ask('/relay-http/', Buffer.from('hello'))).body)).toBe('hello')
  })

  it('is free for the next client when nobody reads its response', async () => {
    async function* chunks(): AsyncGenerator<Uint8Array> {
      for (;;) yield new Uint8Array(65_536)
    }
    const { body } = await guests.ingressOf('relay-http')!.handle({
      method: 'POST',
      path: '/',
      scheme: 'http',
      authority: 'x',
      headers: [],
      body: { chunks: chunks(), trailers: () => null, sizeBytes: null },
    })
    await (body as AsyncIterable<Uint8Array>)[Symbol.asyncIterator]().return?.()
    expect(String((await ask('/relay-http/', Buffer.from('hello'))).body)).toBe('hello')
  })
})

describe('a guest that sends requests', () => {
  it('reaches the origin it was granted, and no other', async () => {
    const large = Buffer.alloc(1024 * 1024, 'abc')
    const origin = createServer((req, res) => res.end(req.headers.host === undefined ? '' : large))
    await new Promise<void>((resolve) => origin.listen(0, '127.0.0.1', resolve))
    try {
      const authority = `127.0.0.1:${(origin.address() as AddressInfo).port}`
      await guests.start('fetch-http', [`http:http://${authority}`])
      const { status, body } = await ask(`/fetch-http/${authority}`)
      expect(status).toBe(200)
      expect(body.equals(large)).toBe(true)
      lines.length = 0
      expect((await ask('/fetch-http/other.example')).status).toBe(500)
      expect(lines).toEqual([expect.stringContaining('the grant http:http://other.example')])
      origin.closeAllConnections()
    } finally {
      await new Promise((resolve) => origin.close(resolve))
    }
    const { status, body } = await ask('/fetch-http/127.0.0.1:1')
    expect([status, JSON.parse(String(body))]).toMatchObject([500, { error: 'ERR_HTTP_APP' }])
  })
})

describe('requests that lead to one another', () => {
  it('are counted, whatever somebody outside writes, and end where they led to eight', async () => {
    const seen: (string | undefined)[] = []
    const origin = createServer((req, res) => {
      seen.push(req.headers['x-selvedge-hops'] as string | undefined)
      res.end()
    })
    await new Promise<void>((resolve) => origin.listen(0, '127.0.0.1', resolve))
    try {
      const authority = `127.0.0.1:${(origin.address() as AddressInfo).port}`
      await guests.start('fetch-http', [`http:http://${authority}`])
      for (const hops of [undefined, '3', '1', '999', '-1', '2, 2', 'x', '0']) {
        const headers: Record<string, string> = hops === undefined ? {} : { 'x-selvedge-hops': hops }
        const { status } = await ask(`/fetch-http/${authority}`, undefined, { headers })
        expect(status).toBe(hops === '0' ? 508 : 200)
      }
    } finally {
      await new Promise((resolve) => origin.close(resolve))
    }
    expect(seen).toEqual(['8', '2', '0', '7', '8', '8', '8'])
  })
})

describe('an invocation that waits for its turn', () => {
  it('loses nothing that is sent through its channel meanwhile', async () => {
    // The guest knows of one call at a time: the second waits on the node's side.
    const narrow = makeEngine({ sentAhead: 1 })
    try {
      const prepared = await narrow.prepare(
        await requestFor('relay-http', {
          granted: grantedInterfaces([]),
          offered: interfaceOffers,
          requiredExports: [],
        }),
      )
      const sandbox = await narrow.start({
        app: 'relay-http',
        prepared,
        imports: [],
        deadlineMs: 5_000,
        memoryBytes: 4 * 1024 * 1024,
      })
      const call = { method: 'POST', path: '/', scheme: 'http', authority: undefined, headers: [] } as const
      const ask = (body: WireBody) =>
        sandbox.invoke({ part: 'wasi:http', name: 'handle', args: packCall({ ...call, body }) })
      const first = ask(null)
      const second = ask('streamed')
      await second.channel.write(new TextEncoder().encode('early'))
      second.channel.end()
      second.channel.send({ t: 'end', trailers: null })
      await first.result
      const pieces: Uint8Array[] = []
      const read = (async () => {
        for await (const piece of second.channel.incoming) pieces.push(piece)
      })()
      const answer = unpackAnswer(await second.result)
      second.channel.close()
      await read.catch(() => {})
      const body =
        answer.t === 'response' ? (bodyBytes(answer.body) ?? new Uint8Array()) : Buffer.concat(pieces)
      expect(Buffer.from(body).toString()).toBe('early')
    } finally {
      await narrow.stop()
    }
  })
})
