/** Outgoing requests: what a guest may put together, what reaches the node, and how the answer comes back. */
import { describe, expect, it } from 'vitest'
import type { FromNode, OutgoingCall } from '../../../../host/guest/http/index.ts'
import { bytes, dispose, errorOf, makeKit, text, type Guest, type Kit } from './kit.ts'

function requestTo({ types }: Kit, authority: string | undefined = 'api.example'): Guest {
  const request = new types['OutgoingRequest'](new types['Fields']())
  request.setScheme({ tag: 'HTTP' })
  request.setAuthority(authority)
  request.setPathWithQuery('/a?b')
  return request
}

const callOf = (kit: Kit, at = 0): OutgoingCall => kit.opened[at]!.args[0] as OutgoingCall
const say = (kit: Kit, message: FromNode): void => kit.opened[0]!.pair.host.send(message)

describe('an outgoing request', () => {
  it('begins as a GET of nothing', () => {
    const { types } = makeKit()
    const request = new types['OutgoingRequest'](new types['Fields']())
    expect([request.method(), request.pathWithQuery(), request.scheme(), request.authority()]).toEqual([
      { tag: 'get' },
      undefined,
      undefined,
      undefined,
    ])
  })

  it('takes only methods, paths, schemes and authorities that are some', () => {
    const { types } = makeKit()
    const request = new types['OutgoingRequest'](new types['Fields']())
    const refused = { err: undefined }
    for (const val of ['', 'a b', 'GET\r\n', 'x'.repeat(65)]) {
      expect(errorOf(() => request.setMethod({ tag: 'other', val }))).toEqual(refused)
    }
    for (const path of ['a', '/a b', '/a\r\n', '/#x', '/\u00e9', `/${'x'.repeat(20_000)}`]) {
      expect(errorOf(() => request.setPathWithQuery(path))).toEqual(refused)
    }
    for (const val of ['', '1a', 'a b', 'a:']) {
      expect(errorOf(() => request.setScheme({ tag: 'other', val }))).toEqual(refused)
    }
    for (const authority of ['', ' ', 'a b', 'a:x', 'a:99999', 'user@a', 'a/b', 'a\r\nb', '[::1', '::1:x']) {
      expect(errorOf(() => request.setAuthority(authority))).toEqual(refused)
    }
    request.setMethod({ tag: 'other', val: 'PROPFIND' })
    request.setScheme({ tag: 'other', val: 'ws+unix' })
    for (const authority of ['a', 'a:1', '127.0.0.1:8080', '[::1]', '[::1]:80', 'xn--a.example']) {
      request.setAuthority(authority)
      expect(request.authority()).toBe(authority)
    }
    expect(request.method()).toEqual({ tag: 'other', val: 'PROPFIND' })
  })

  it('goes with its finished body in one message', () => {
    const kit = makeKit()
    const fields = kit.types['Fields'].fromList([['content-length', bytes('5')]])
    const request = new kit.types['OutgoingRequest'](fields)
    request.setMethod({ tag: 'post' })
    request.setAuthority('api.example:8443')
    const body = request.body()
    const stream = body.write()
    stream.write('hello')
    stream[dispose]()
    kit.types['OutgoingBody'].finish(body, undefined)
    const options = new kit.types['RequestOptions']()
    options.setConnectTimeout(1_500_000n)
    kit.outgoing.handle(request, options)
    expect(callOf(kit)).toEqual({
      method: 'POST',
      scheme: 'https',
      authority: 'api.example:8443',
      path: '/',
      headers: ['content-length', '5'],
      body: bytes('hello'),
      trailers: null,
      connectTimeoutMs: 2,
      firstByteTimeoutMs: null,
      betweenBytesTimeoutMs: null,
    })
    expect(kit.opened[0]!.pair.fromGuest()).toBe(0)
  })

  it('streams a body that is written after it was sent', async () => {
    const kit = makeKit()
    const request = requestTo(kit)
    const body = request.body()
    const stream = body.write()
    stream.write('before ')
    kit.outgoing.handle(request, undefined)
    stream.write('after')
    stream[dispose]()
    kit.types['OutgoingBody'].finish(body, kit.types['Fields'].fromList([['x-sum', bytes('1')]]))
    expect(callOf(kit).body).toBe('streamed')
    const { host } = kit.opened[0]!.pair
    let received = ''
    for await (const piece of host.incoming) received += text(piece)
    expect(received).toBe('before after')
    expect(await host.receive()).toEqual({ t: 'end', trailers: ['x-sum', '1'] })
  })

  it('is given up where its body is dropped unfinished', async () => {
    const kit = makeKit()
    const request = requestTo(kit)
    const body = request.body()
    kit.outgoing.handle(request, undefined)
    body[dispose]()
    expect(await kit.opened[0]!.pair.host.receive()).toEqual({ t: 'abort' })
  })

  it('fails at once where it can never be sent', () => {
    const kit = makeKit()
    const { types } = kit
    const bare = new types['OutgoingRequest'](new types['Fields']())
    expect(errorOf(() => kit.outgoing.handle(bare, undefined))).toEqual({
      err: { tag: 'HTTP-request-URI-invalid' },
    })
    const tunnel = requestTo(kit)
    tunnel.setMethod({ tag: 'connect' })
    expect(errorOf(() => kit.outgoing.handle(tunnel, undefined))).toEqual({
      err: { tag: 'HTTP-request-method-invalid' },
    })
    const foreign = requestTo(kit)
    foreign.setScheme({ tag: 'other', val: 'gopher' })
    expect(errorOf(() => kit.outgoing.handle(foreign, undefined))).toEqual({
      err: { tag: 'HTTP-protocol-error' },
    })
    expect(kit.opened).toEqual([])
    expect(kit.held()).toBe(0)
  })

  it('must be as long as its content-length says', () => {
    const kit = makeKit()
    const fields = kit.types['Fields'].fromList([['Content-Length', bytes('3')]])
    const request = new kit.types['OutgoingRequest'](fields)
    const body = request.body()
    const stream = body.write()
    expect(stream.write('1234')).toBe(4)
    let failure: unknown
    try {
      stream.sink.capacity()
    } catch (error) {
      failure = error
    }
    expect(kit.types['httpErrorCode'](failure)).toEqual({ tag: 'HTTP-request-body-size', val: 4n })
    stream[dispose]()
    expect(errorOf(() => kit.types['OutgoingBody'].finish(body, undefined))).toEqual({
      err: { tag: 'HTTP-request-body-size', val: 4n },
    })
  })
})

describe('the response', () => {
  it('is not there before the node has it, and there once', () => {
    const kit = makeKit()
    const future = kit.outgoing.handle(requestTo(kit), undefined)
    expect(future.get()).toBeUndefined()
    expect(future.subscribe().ready()).toBe(false)
    say(kit, { t: 'response', status: 203, headers: ['a', 'b'], body: bytes('hi'), trailers: ['t', '1'] })
    expect(future.subscribe().ready()).toBe(true)
    const response = future.get().val.val
    expect(future.get()).toEqual({ tag: 'err', val: undefined })
    expect(response.status()).toBe(203)
    expect(text(response.headers().get('A')[0])).toBe('b')
    const body = response.consume()
    expect(errorOf(() => response.consume())).toEqual({ err: undefined })
    const stream = body.stream()
    expect(stream.text()).toBe('hi')
    stream[dispose]()
    const trailers = kit.types['IncomingBody'].finish(body).get().val.val
    expect(text(trailers.get('t')[0])).toBe('1')
    expect(kit.opened[0]!.pair.guest.isClosed).toBe(true)
  })

  it('streams, and lets go of the channel when the guest has all of it', async () => {
    const kit = makeKit()
    const future = kit.outgoing.handle(requestTo(kit), undefined)
    const { pair } = kit.opened[0]!
    say(kit, { t: 'response', status: 200, headers: [], body: 'streamed', trailers: null })
    await pair.host.write(bytes('long'))
    pair.host.end()
    say(kit, { t: 'end', trailers: null })
    const response = future.get().val.val
    future[dispose]()
    const body = response.consume()
    response[dispose]()
    const stream = body.stream()
    expect(stream.text()).toBe('long')
    stream[dispose]()
    const trailers = kit.types['IncomingBody'].finish(body)
    expect(trailers.get()).toEqual({ tag: 'ok', val: { tag: 'ok', val: undefined } })
    expect(pair.guest.isClosed).toBe(false)
    trailers[dispose]()
    expect(pair.guest.isClosed).toBe(true)
    expect(kit.held()).toBe(0)
  })

  it('may be an error', () => {
    const kit = makeKit()
    const future = kit.outgoing.handle(requestTo(kit), undefined)
    say(kit, { t: 'error', code: { tag: 'connection-refused' } })
    expect(future.get()).toEqual({ tag: 'ok', val: { tag: 'err', val: { tag: 'connection-refused' } } })
  })

  it('is terminated where the node closes without a word', () => {
    const kit = makeKit()
    const future = kit.outgoing.handle(requestTo(kit), undefined)
    kit.opened[0]!.pair.host.close()
    expect(future.get()).toEqual({ tag: 'ok', val: { tag: 'err', val: { tag: 'connection-terminated' } } })
  })

  it('is given up where the guest drops the future', () => {
    const kit = makeKit()
    const future = kit.outgoing.handle(requestTo(kit), undefined)
    future[dispose]()
    expect(kit.opened[0]!.pair.host.signal.aborted).toBe(true)
    expect(kit.held()).toBe(0)
  })
})

describe('request options', () => {
  it('keep what they are set to', () => {
    const options = new (makeKit().types['RequestOptions'])()
    expect([options.connectTimeout(), options.firstByteTimeout(), options.betweenBytesTimeout()]).toEqual([
      undefined,
      undefined,
      undefined,
    ])
    options.setConnectTimeout(1n)
    options.setFirstByteTimeout(2n)
    options.setBetweenBytesTimeout(3n)
    expect([options.connectTimeout(), options.firstByteTimeout(), options.betweenBytesTimeout()]).toEqual([
      1n,
      2n,
      3n,
    ])
  })
})
