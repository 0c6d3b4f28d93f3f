/** A guest's handler: what it sees of a request, and what becomes of its answer. */
import { describe, expect, it } from 'vitest'
import { httpGuestLimits, type FromNode } from '../../../../host/guest/http/index.ts'
import { channelPair } from '../../channel-pair.ts'
import { bytes, dispose, errorOf, makeKit, text, type Guest, type Kit } from './kit.ts'

function answerWith(
  { types }: Kit,
  out: Guest,
  {
    status = 200,
    headers = [] as [string, string][],
    body = null as string | null,
    trailers = null as Guest,
  },
): void {
  const fields = types['Fields'].fromList(headers.map(([name, value]) => [name, bytes(value)]))
  const response = new types['OutgoingResponse'](fields)
  response.setStatusCode(status)
  if (body === null) return types['ResponseOutparam'].set(out, { tag: 'ok', val: response })
  const content = response.body()
  types['ResponseOutparam'].set(out, { tag: 'ok', val: response })
  const stream = content.write()
  stream.write(body)
  stream[dispose]()
  types['OutgoingBody'].finish(content, trailers ?? undefined)
}

describe('a request', () => {
  it('shows its method, path, scheme, authority and headers', () => {
    const kit = makeKit()
    kit.invoke(
      {
        method: 'PATCH',
        path: '/a?b=c',
        scheme: 'https',
        authority: 'x:1',
        headers: ['X-A', '1', 'x-a', 'ü'],
      },
      (request, out) => {
        expect(request.method()).toEqual({ tag: 'patch' })
        expect(request.pathWithQuery()).toBe('/a?b=c')
        expect(request.scheme()).toEqual({ tag: 'HTTPS' })
        expect(request.authority()).toBe('x:1')
        const headers = request.headers()
        expect(headers.get('x-a').map((value: Uint8Array) => [...value])).toEqual([[0x31], [0xfc]])
        expect(errorOf(() => headers.append('x', bytes('y')))).toEqual({ err: { tag: 'immutable' } })
        answerWith(kit, out, {})
      },
    )
  })

  it('keeps a method that the WIT does not name, and its case', () => {
    const kit = makeKit()
    kit.invoke({ method: 'get' }, (request, out) => {
      expect(request.method()).toEqual({ tag: 'other', val: 'get' })
      answerWith(kit, out, {})
    })
  })

  it('gives its body once, and the body its stream once', () => {
    const kit = makeKit()
    kit.invoke({ method: 'POST', body: bytes('hello') }, (request, out) => {
      const body = request.consume()
      expect(errorOf(() => request.consume())).toEqual({ err: undefined })
      const stream = body.stream()
      expect(errorOf(() => body.stream())).toEqual({ err: undefined })
      expect(stream.text()).toBe('hello')
      expect(stream.source.read(10)).toBeNull()
      stream[dispose]()
      const trailers = kit.types['IncomingBody'].finish(body)
      expect(trailers.get()).toEqual({ tag: 'ok', val: { tag: 'ok', val: undefined } })
      expect(trailers.get()).toEqual({ tag: 'err', val: undefined })
      answerWith(kit, out, {})
    })
  })

  it('traps a guest that drops it before its headers, or its body before the stream', () => {
    const kit = makeKit()
    kit.invoke({ body: bytes('x') }, (request, out) => {
      const headers = request.headers()
      expect(errorOf(() => request[dispose]())).toEqual({
        trap: expect.stringMatching(/IncomingRequest was dropped/),
      })
      headers[dispose]()
      const body = request.consume()
      const stream = body.stream()
      expect(errorOf(() => body[dispose]())).toEqual({ trap: expect.stringMatching(/child/) })
      expect(errorOf(() => kit.types['IncomingBody'].finish(body))).toEqual({
        trap: expect.stringMatching(/child/),
      })
      stream[dispose]()
      body[dispose]()
      request[dispose]()
      answerWith(kit, out, {})
    })
    expect(kit.held()).toBe(0)
  })

  it('streams a body, and ends it with its trailers', async () => {
    const kit = makeKit()
    const pair = channelPair()
    await pair.host.write(bytes('one '))
    await pair.host.write(bytes('two'))
    pair.host.end()
    pair.host.send({ t: 'end', trailers: ['x-sum', '7'] } satisfies FromNode)
    kit.invoke(
      { method: 'POST', body: 'streamed' },
      (request, out) => {
        const body = request.consume()
        const stream = body.stream()
        expect(stream.text()).toBe('one two')
        expect(stream.source.read(1)).toBeNull()
        stream[dispose]()
        const future = kit.types['IncomingBody'].finish(body)
        expect(future.subscribe().ready()).toBe(true)
        const result = future.get()
        const trailers = result.val.val
        expect(text(trailers.get('x-sum')[0])).toBe('7')
        expect(errorOf(() => trailers.delete('x-sum'))).toEqual({ err: { tag: 'immutable' } })
        expect(errorOf(() => future[dispose]())).toEqual({ trap: expect.any(String) })
        answerWith(kit, out, {})
      },
      pair,
    )
  })

  it('tells a guest that waits for trailers when they are not there yet', () => {
    const kit = makeKit()
    kit.invoke({ body: 'streamed' }, (request, out) => {
      const future = kit.types['IncomingBody'].finish(request.consume())
      expect(future.get()).toBeUndefined()
      expect(future.subscribe().ready()).toBe(false)
      answerWith(kit, out, {})
    })
  })

  it('breaks off with the reason where its client went away', () => {
    const kit = makeKit()
    const pair = channelPair()
    const code = { tag: 'connection-terminated' } as const
    pair.host.end({ message: 'the client went away', code })
    pair.host.send({ t: 'failed', code } satisfies FromNode)
    kit.invoke(
      { body: 'streamed' },
      (request, out) => {
        const body = request.consume()
        const stream = body.stream()
        let failure: unknown
        try {
          stream.text()
        } catch (error) {
          failure = error
        }
        expect(kit.types['httpErrorCode'](failure)).toEqual(code)
        expect(stream.source.read(1)).toBeNull()
        stream[dispose]()
        expect(kit.types['IncomingBody'].finish(body).get()).toEqual({
          tag: 'ok',
          val: { tag: 'err', val: code },
        })
        answerWith(kit, out, {})
      },
      pair,
    )
  })
})

describe('an answer', () => {
  it('goes in one message with a body that was finished', () => {
    const kit = makeKit()
    const { answer, channelUsed } = kit.invoke({}, (_request, out) =>
      answerWith(kit, out, { status: 201, headers: [['X-A', 'b']], body: 'hello' }),
    )
    expect(answer).toEqual({
      t: 'response',
      status: 201,
      headers: ['X-A', 'b'],
      body: bytes('hello'),
      trailers: null,
    })
    expect(channelUsed).toBe(false)
  })

  it('has no body where the guest asked for none', () => {
    const kit = makeKit()
    const { answer } = kit.invoke({}, (_request, out) => answerWith(kit, out, { status: 204 }))
    expect(answer).toMatchObject({ status: 204, body: null })
  })

  it('carries the trailers of a small body', () => {
    const kit = makeKit()
    const { answer } = kit.invoke({}, (_request, out) =>
      answerWith(kit, out, { body: 'x', trailers: kit.types['Fields'].fromList([['x-sum', bytes('9')]]) }),
    )
    expect(answer).toMatchObject({ trailers: ['x-sum', '9'] })
  })

  it('flows through the channel when it is large, and waits for whoever reads it', async () => {
    const kit = makeKit()
    const size = httpGuestLimits.wholeBodyBytes * 8
    let taken = 0
    const { answer, pair } = kit.invoke({}, (_request, out) => {
      const response = new kit.types['OutgoingResponse'](new kit.types['Fields']())
      const body = response.body()
      kit.types['ResponseOutparam'].set(out, { tag: 'ok', val: response })
      const stream = body.write()
      taken = stream.write(new Uint8Array(size))
      stream[dispose]()
      kit.types['OutgoingBody'].finish(body, undefined)
    })
    expect(answer).toEqual({ t: 'streamed' })
    expect(taken).toBe(256 * 1024)
    expect(await pair.host.receive()).toMatchObject({ t: 'response', status: 200, body: 'streamed' })
    let received = 0
    for await (const piece of pair.host.incoming) received += piece.length
    expect(received).toBe(taken)
    expect(await pair.host.receive()).toEqual({ t: 'end', trailers: null })
  })

  it('goes out when the guest goes to sleep, and the rest follows', async () => {
    const kit = makeKit()
    const { answer, pair } = kit.invoke({}, (_request, out) => {
      const response = new kit.types['OutgoingResponse'](new kit.types['Fields']())
      const body = response.body()
      kit.types['ResponseOutparam'].set(out, { tag: 'ok', val: response })
      const stream = body.write()
      stream.write('first ')
      kit.sleep()
      stream.write('second')
      stream[dispose]()
      kit.types['OutgoingBody'].finish(body, undefined)
    })
    expect(answer).toEqual({ t: 'streamed' })
    expect(await pair.host.receive()).toMatchObject({ t: 'response', body: 'streamed' })
    const pieces: string[] = []
    for await (const piece of pair.host.incoming) pieces.push(text(piece))
    expect(pieces).toEqual(['first ', 'second'])
  })

  it('ends the stream of a guest whose client has gone', () => {
    const kit = makeKit()
    const pair = channelPair()
    kit.invoke(
      {},
      (_request, out) => {
        const response = new kit.types['OutgoingResponse'](new kit.types['Fields']())
        const body = response.body()
        kit.types['ResponseOutparam'].set(out, { tag: 'ok', val: response })
        const stream = body.write()
        stream.write('x')
        kit.sleep()
        pair.host.close()
        expect(stream.write('y')).toBe(0)
        expect(stream.sink.capacity()).toBeNull()
        stream[dispose]()
        body[dispose]()
      },
      pair,
    )
  })

  it('is none where the guest returned without one, or without the end of its body', () => {
    const kit = makeKit()
    expect(kit.invoke({}, () => {}).answer).toMatchObject({ t: 'none' })
    expect(kit.invoke({}, (_request, out) => out[dispose]()).answer).toMatchObject({ t: 'none' })
    const unfinished = kit.invoke({}, (_request, out) => {
      const response = new kit.types['OutgoingResponse'](new kit.types['Fields']())
      const body = response.body()
      kit.types['ResponseOutparam'].set(out, { tag: 'ok', val: response })
      body[dispose]()
    })
    expect(unfinished.answer).toEqual({ t: 'none', why: 'the app did not finish the body of its answer' })
  })

  it('is broken off where a body that streams is dropped unfinished', async () => {
    const kit = makeKit()
    const { answer, pair } = kit.invoke({}, (_request, out) => {
      const response = new kit.types['OutgoingResponse'](new kit.types['Fields']())
      const body = response.body()
      kit.types['ResponseOutparam'].set(out, { tag: 'ok', val: response })
      body.write()[dispose]()
      kit.sleep()
      body[dispose]()
    })
    expect(answer).toEqual({ t: 'streamed' })
    expect(await pair.host.receive()).toMatchObject({ t: 'response' })
    expect(await pair.host.receive()).toEqual({ t: 'abort' })
  })

  it('may be an error code', () => {
    const kit = makeKit()
    const { answer } = kit.invoke({}, (_request, out) =>
      kit.types['ResponseOutparam'].set(out, { tag: 'err', val: { tag: 'loop-detected' } }),
    )
    expect(answer).toEqual({ t: 'error', code: { tag: 'loop-detected' } })
  })

  it('must be as long as its content-length says', () => {
    const kit = makeKit()
    const respond = (written: string): unknown => {
      let result: unknown
      kit.invoke({}, (_request, out) => {
        const fields = kit.types['Fields'].fromList([['content-length', bytes('5')]])
        const response = new kit.types['OutgoingResponse'](fields)
        const body = response.body()
        kit.types['ResponseOutparam'].set(out, { tag: 'ok', val: response })
        const stream = body.write()
        stream.write(written)
        stream[dispose]()
        result = errorOf(() => kit.types['OutgoingBody'].finish(body, undefined))
      })
      return result
    }
    expect(respond('12345')).toBeUndefined()
    expect(respond('1234')).toEqual({ err: { tag: 'HTTP-response-body-size', val: 4n } })
    expect(respond('123456')).toEqual({ err: { tag: 'HTTP-response-body-size', val: 6n } })
  })

  it('traps a guest that finishes or drops a body before its stream', () => {
    const kit = makeKit()
    kit.invoke({}, () => {
      const body = new kit.types['OutgoingResponse'](new kit.types['Fields']()).body()
      const stream = body.write()
      expect(errorOf(() => body.write())).toEqual({ err: undefined })
      expect(errorOf(() => kit.types['OutgoingBody'].finish(body, undefined))).toEqual({
        trap: expect.any(String),
      })
      expect(errorOf(() => body[dispose]())).toEqual({ trap: expect.any(String) })
      stream[dispose]()
      body[dispose]()
    })
  })

  it('has a status that exists, and its body once', () => {
    const { types } = makeKit()
    const response = new types['OutgoingResponse'](new types['Fields']())
    expect(response.statusCode()).toBe(200)
    for (const status of [0, 99, 600, 1_000, 65_535]) {
      expect(errorOf(() => response.setStatusCode(status))).toEqual({ err: undefined })
    }
    response.setStatusCode(418)
    expect(response.statusCode()).toBe(418)
    response.body()
    expect(errorOf(() => response.body())).toEqual({ err: undefined })
  })

  it('leaves nothing held by a guest that drops what it has', () => {
    const kit = makeKit()
    for (let at = 0; at < 3_000; at += 1) {
      kit.invoke({ method: 'POST', headers: ['a', 'b'], body: bytes('x') }, (request, out) => {
        const headers = request.headers()
        headers[dispose]()
        const body = request.consume()
        const stream = body.stream()
        stream.text()
        stream[dispose]()
        body[dispose]()
        request[dispose]()
        answerWith(kit, out, { body: 'hello' })
      })
    }
    expect(kit.held()).toBe(0)
  })
})
