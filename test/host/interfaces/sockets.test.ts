import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { bindInterfaces, networkPolicy, parseGrant } from '../../../host/interfaces/index.ts'
import { appContext } from './app-context.ts'
import { scriptRunner, type ScriptRunner } from './guest-script.ts'

let runner: ScriptRunner
beforeAll(async () => {
  runner = await scriptRunner()
})
afterAll(() => runner.close())

const prelude = `
  const { instanceNetwork } = imports['wasi:sockets/instance-network']
  const { networkErrorCode } = imports['wasi:sockets/network']
  const { createTcpSocket } = imports['wasi:sockets/tcp-create-socket']
  const { createUdpSocket } = imports['wasi:sockets/udp-create-socket']
  const { resolveAddresses } = imports['wasi:sockets/ip-name-lookup']
  const { poll } = imports['wasi:io/poll']
  const net = instanceNetwork()
  const at = (port, address = [127, 0, 0, 1]) => ({ tag: 'ipv4', val: { port, address } })
  const wait = (what) => { const p = what.subscribe(); p.block(); drop(p) }
  const finish = (what, run) => {
    for (;;) { const got = payload(run); if (got.err !== 'would-block') return got; wait(what) }
  }
  const connectTo = (port) => {
    const socket = createTcpSocket('ipv4')
    socket.startConnect(net, at(port))
    const { ok, err } = finish(socket, () => socket.finishConnect())
    return err ? { err } : { socket, input: ok[0], output: ok[1] }
  }
  const bindTcp = (port = 0) => {
    const socket = createTcpSocket('ipv4')
    socket.startBind(net, at(port))
    const { err } = finish(socket, () => socket.finishBind())
    return err ? { err } : socket
  }
  const readAll = (input) => {
    let all = ''
    for (;;) { const got = payload(() => input.blockingRead(1_000_000n)); if (got.err) return [all, got.err.tag, got.err]; all += text(got.ok) }
  }
`
const all = ['tcp-connect', 'tcp-listen', 'udp', 'lookup']

function asGuest(script: string, granted: readonly string[] = all): Promise<unknown> {
  const context = appContext({ network: networkPolicy(granted) })
  return runner.run(
    prelude + script,
    bindInterfaces(
      granted.map((name) => `network:${name}`),
      context,
    ),
  )
}

const servers: Server[] = []
afterEach(() => {
  for (const server of servers.splice(0)) server.close()
})

async function serve(onConnection: (socket: Socket) => void): Promise<number> {
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on('error', () => {})
    onConnection(socket)
  })
  servers.push(server)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}

describe('a guest without a grant', () => {
  it('is denied every operation that would reach a network', async () => {
    expect(
      await asGuest(
        `
        const [tcp, udp] = [createTcpSocket('ipv4'), createUdpSocket('ipv4')]
        return [
          () => tcp.startConnect(net, at(80)),
          () => tcp.startBind(net, at(0)),
          () => udp.startBind(net, at(0)),
          () => resolveAddresses(net, 'localhost'),
          () => resolveAddresses(net, '127.0.0.1'),
        ].map((run) => payload(run).err)`,
        [],
      ),
    ).toEqual(Array.from({ length: 5 }, () => 'access-denied'))
  })

  it.each([
    ['tcp-connect', ['access-denied', 'access-denied', 'access-denied', undefined]],
    ['tcp-listen', [undefined, 'access-denied', 'access-denied', 'access-denied']],
    ['udp', ['access-denied', undefined, 'access-denied', 'access-denied']],
    ['lookup', ['access-denied', 'access-denied', undefined, 'access-denied']],
  ])('has with %s that and nothing else', async (granted, outcome) => {
    expect(
      await asGuest(
        `return [
          () => createTcpSocket('ipv4').startBind(net, at(0)),
          () => createUdpSocket('ipv4').startBind(net, at(0)),
          () => void resolveAddresses(net, 'localhost'),
          () => createTcpSocket('ipv4').startConnect(net, at(9)),
        ].map((run) => payload(run).err)`,
        [granted],
      ),
    ).toEqual(outcome)
  })

  it('is denied also where its half was made to skip the check', async () => {
    const bound = bindInterfaces([], appContext()).find(({ id }) => id === 'wasi:sockets/network@0.2.12')
    for (const name of ['connect', 'listen', 'udp']) {
      const operation = bound?.functions[name]
      if (operation?.mode !== 'channel') throw new Error(`${name} is no channel`)
      const said: unknown[] = []
      const address = { family: 'ipv4', host: '127.0.0.1', port: 9 }
      const args = name === 'connect' ? [{ local: null, remote: address, keepAliveMs: null }] : [address, 1]
      await operation.run(args, { send: (message: unknown) => said.push(message) } as never)
      expect([name, said]).toEqual([name, [{ ok: false, error: 'access-denied' }]])
    }
  })

  it('may be granted each use by its name', () => {
    expect(parseGrant('network:tcp-connect')).toEqual({ kind: 'network', name: 'tcp-connect' })
    expect(() => parseGrant('network:tcp-conect')).toThrow(
      expect.objectContaining({ code: 'ERR_GRANT', hint: expect.stringContaining('tcp-connect') }),
    )
  })
})

describe('a TCP client', () => {
  it('sends and receives, and sees the end', async () => {
    const port = await serve((socket) => {
      socket.on('data', (data) => socket.write(`<${data.toString()}>`))
      socket.on('end', () => socket.end('bye'))
    })
    expect(
      await asGuest(`
        const { socket, input, output } = connectTo(${port})
        output.blockingWriteAndFlush(utf8('hello'))
        socket.shutdown('send')
        const [all, end] = readAll(input)
        const seen = [all, end, socket.remoteAddress(), socket.localAddress().val.address, socket.isListening()]
        drop(input); drop(output); drop(socket)
        return seen`),
    ).toEqual([
      '<hello>bye',
      'closed',
      { tag: 'ipv4', val: { port, address: [127, 0, 0, 1] } },
      [127, 0, 0, 1],
      false,
    ])
  })

  it('is slowed down by a reader who does not read, and loses nothing', async () => {
    let received = 0
    const port = await serve((socket) => {
      socket.pause()
      setTimeout(() => socket.resume(), 50)
      socket.on('data', (data) => (received += data.length))
      socket.on('end', () => socket.end(String(received)))
    })
    expect(
      await asGuest(`
        const { socket, input, output } = connectTo(${port})
        const piece = new Uint8Array(4096)
        for (let n = 0; n < 1000; n += 1) output.blockingWriteAndFlush(piece)
        socket.shutdown('send')
        return readAll(input)[0]`),
    ).toBe('4096000')
  })

  it('takes more than a window, at its own pace', async () => {
    const size = 2_000_000
    const port = await serve((socket) => socket.end(Buffer.alloc(size, 'x')))
    expect(await asGuest(`return readAll(connectTo(${port}).input)[0].length`)).toBe(size)
  })

  it('is told that nobody listens there', async () => {
    const port = await serve(() => {})
    servers.pop()!.close()
    expect(await asGuest(`return connectTo(${port}).err`)).toBe('connection-refused')
  })

  it('is told of a reset by the stream’s error, with the network’s code', async () => {
    const port = await serve((socket) => socket.once('data', () => socket.resetAndDestroy()))
    expect(
      await asGuest(`
        const { input, output } = connectTo(${port})
        output.blockingWriteAndFlush(utf8('x'))
        const [, tag, error] = readAll(input)
        return [tag, networkErrorCode(error.val)]`),
    ).toEqual(['last-operation-failed', 'connection-reset'])
  })

  it('goes through its states, and is told where it is in the wrong one', async () => {
    const port = await serve(() => {})
    expect(
      await asGuest(`
        const socket = createTcpSocket('ipv4')
        const say = (run) => payload(run).err
        const before = [
          say(() => socket.finishConnect()), say(() => socket.finishBind()), say(() => socket.finishListen()),
          say(() => socket.startListen()), say(() => socket.accept()), say(() => socket.localAddress()),
          say(() => socket.remoteAddress()), say(() => socket.shutdown('both')),
        ]
        const wrong = [
          say(() => socket.startConnect(net, at(0))), say(() => socket.startConnect(net, at(80, [0, 0, 0, 0]))),
          say(() => socket.startConnect(net, at(80, [224, 0, 0, 1]))), say(() => socket.startBind(net, at(0, [255, 255, 255, 255]))),
          say(() => socket.startConnect(net, { tag: 'ipv6', val: { port: 80, flowInfo: 0, scopeId: 0, address: [0,0,0,0,0,0,0,1] } })),
          say(() => socket.setKeepAliveCount(0)), say(() => socket.setHopLimit(0)), say(() => socket.setListenBacklogSize(0n)),
        ]
        socket.startConnect(net, at(${port}))
        const during = [say(() => socket.startConnect(net, at(${port}))), say(() => socket.startBind(net, at(0)))]
        finish(socket, () => socket.finishConnect())
        const after = [say(() => socket.startConnect(net, at(${port}))), say(() => socket.startListen())]
        const failed = createTcpSocket('ipv4')
        failed.startConnect(net, at(1))
        finish(failed, () => failed.finishConnect())
        return [before, wrong, during, after, say(() => failed.startConnect(net, at(${port})))]`),
    ).toEqual([
      [
        ...Array.from({ length: 3 }, () => 'not-in-progress'),
        ...Array.from({ length: 5 }, () => 'invalid-state'),
      ],
      Array.from({ length: 8 }, () => 'invalid-argument'),
      ['concurrency-conflict', 'concurrency-conflict'],
      ['invalid-state', 'invalid-state'],
      'invalid-state',
    ])
  })

  it('ends the connection when it drops it, also towards somebody who says nothing', async () => {
    let closed!: () => void
    const whenClosed = new Promise<void>((resolve) => (closed = resolve))
    let received = ''
    const port = await serve((socket) => {
      socket.on('data', (data) => (received += data.toString()))
      socket.on('end', closed)
    })
    const control = await serve((socket) => void whenClosed.then(() => socket.end()))
    expect(
      await asGuest(`
        const { socket, input, output } = connectTo(${port})
        output.blockingWriteAndFlush(utf8('last words'))
        drop(input); drop(output); drop(socket)
        return readAll(connectTo(${control}).input)`),
    ).toEqual(['', 'closed', { tag: 'closed' }])
    expect(received).toBe('last words')
  })

  it('gives its channel back: a guest may connect without end', async () => {
    const port = await serve((socket) => socket.end('x'))
    expect(
      await asGuest(`
        for (let n = 0; n < 300; n += 1) {
          const { socket, input, output } = connectTo(${port})
          drop(input); drop(output); drop(socket)
        }
        return 'done'`),
    ).toBe('done')
  })
})

describe('a TCP server', () => {
  it('accepts, and serves one connection after the other', async () => {
    // The guest serves three; the port it got comes to us through a connection of its own.
    const clients: Promise<string>[] = []
    const port = await serve((socket) => {
      socket.once('data', (data) => {
        for (const name of ['one', 'two', 'three']) clients.push(talk(Number(data.toString()), name))
        socket.end()
      })
    })
    expect(
      await asGuest(`
        const server = bindTcp()
        const bound = server.localAddress()
        server.startListen()
        server.finishListen()
        const hello = connectTo(${port})
        hello.output.blockingWriteAndFlush(utf8(String(bound.val.port)))
        const peers = []
        for (let n = 0; n < 3; n += 1) {
          const [client, input, output] = finish(server, () => server.accept()).ok
          const name = text(input.blockingRead(100n))
          output.blockingWriteAndFlush(utf8('hello ' + name))
          peers.push(client.remoteAddress().val.address.join('.') + ' ' + (client.localAddress().val.port === bound.val.port))
          drop(input); drop(output); drop(client)
        }
        return [peers, server.isListening(), payload(() => server.accept()).err, server.addressFamily()]`),
    ).toEqual([Array.from({ length: 3 }, () => '127.0.0.1 true'), true, 'would-block', 'ipv4'])
    expect((await Promise.all(clients)).sort()).toEqual(['hello one', 'hello three', 'hello two'])
  })

  it('keeps a connection that it accepted when it no longer listens', async () => {
    const clients: Promise<string>[] = []
    const port = await serve((socket) => {
      socket.once('data', (data) => {
        clients.push(talk(Number(data.toString()), 'one'))
        socket.end()
      })
    })
    const control = await serve((socket) => void Promise.all(clients).then(() => socket.end()))
    await asGuest(`
      const server = bindTcp()
      server.startListen()
      server.finishListen()
      connectTo(${port}).output.blockingWriteAndFlush(utf8(String(server.localAddress().val.port)))
      const [client, input, output] = finish(server, () => server.accept()).ok
      input.blockingRead(100n)
      drop(server)
      output.blockingWriteAndFlush(utf8('still here'))
      drop(input); drop(output); drop(client)
      readAll(connectTo(${control}).input)`)
    expect(await Promise.all(clients)).toEqual(['still here'])
  })

  it('is told that the address is taken, and may bind another', async () => {
    const port = await serve(() => {})
    expect(
      await asGuest(`
        const socket = createTcpSocket('ipv4')
        socket.startBind(net, at(${port}))
        const taken = finish(socket, () => socket.finishBind()).err
        socket.startBind(net, at(0))
        const { err } = finish(socket, () => socket.finishBind())
        return [taken, err, socket.localAddress().val.port > 0, payload(() => socket.startBind(net, at(0))).err]`),
    ).toEqual(['address-in-use', undefined, true, 'invalid-state'])
  })

  it('connects from the address it was bound to', async () => {
    const seen: number[] = []
    const port = await serve((socket) => {
      seen.push(socket.remotePort ?? 0)
      socket.end()
    })
    const local = await asGuest(`
      const socket = bindTcp()
      const local = socket.localAddress().val.port
      socket.startConnect(net, at(${port}))
      const { err } = finish(socket, () => socket.finishConnect())
      return [err, local, socket.localAddress().val.port]`)
    expect(local).toEqual([undefined, seen[0], seen[0]])
  })
})

async function talk(port: number, name: string): Promise<string> {
  const socket = connect(port, '127.0.0.1')
  socket.write(name)
  let text = ''
  for await (const chunk of socket) text += (chunk as Buffer).toString()
  return text
}

describe('a connection', () => {
  it('takes nothing more once it was shut down for sending, also of what check-write had allowed', async () => {
    const port = await serve(() => {})
    expect(
      await asGuest(`
        const { socket, output } = connectTo(${port})
        const allowed = output.checkWrite() > 3n
        socket.shutdown('send')
        return [allowed, payload(() => output.write(utf8('Hi!'))).err, payload(() => output.checkWrite()).err,
          payload(() => output.flush()).err]`),
    ).toEqual([true, { tag: 'closed' }, { tag: 'closed' }, { tag: 'closed' }])
  })

  it('is seen to have bytes by a guest that polls it beside a timer of no time', async () => {
    const port = await serve((socket) => socket.write('bytes'))
    expect(
      await asGuest(`
        const { subscribeDuration } = imports['wasi:clocks/monotonic-clock']
        const { input } = connectTo(${port})
        const arrived = input.subscribe()
        const until = performance.now() + 60_000
        for (;;) {
          const due = subscribeDuration(0n)
          const ready = poll([due, arrived])
          if (ready.includes(1)) return text(input.read(10n))
          if (performance.now() > until) return 'never'
          drop(due)
        }`),
    ).toBe('bytes')
  })
})

describe('UDP', () => {
  it('sends and receives datagrams', async () => {
    const echo = createSocket('udp4')
    echo.on('message', (data, { port, address }) => echo.send(`<${data.toString()}>`, port, address))
    echo.bind(0, '127.0.0.1')
    await once(echo, 'listening')
    const { port } = echo.address()
    try {
      expect(
        await asGuest(`
          const socket = createUdpSocket('ipv4')
          const early = payload(() => socket.stream(undefined)).err
          socket.startBind(net, at(0))
          finish(socket, () => socket.finishBind())
          const [incoming, outgoing] = socket.stream(undefined)
          const allowed = outgoing.checkSend()
          outgoing.send([{ data: utf8('one'), remoteAddress: at(${port}) }])
          wait(incoming)
          const [first] = incoming.receive(10n)
          drop(incoming); drop(outgoing)
          const [from, to] = socket.stream(at(${port}))
          to.checkSend()
          const other = payload(() => to.send([{ data: utf8('x'), remoteAddress: at(9) }])).err
          to.send([{ data: utf8('two'), remoteAddress: undefined }])
          wait(from)
          const [second] = from.receive(10n)
          return [early, allowed, text(first.data), first.remoteAddress.val.port, other, text(second.data),
            socket.remoteAddress().val.port, from.receive(0n), from.receive(5n)]`),
      ).toEqual(['invalid-state', 64n, '<one>', port, 'invalid-argument', '<two>', port, [], []])
    } finally {
      echo.close()
    }
  })

  it('tells of a datagram that is too large, and traps where more is sent than was allowed', async () => {
    const bound = `
      const socket = createUdpSocket('ipv4')
      socket.startBind(net, at(0))
      finish(socket, () => socket.finishBind())
      const [, outgoing] = socket.stream(at(9))
    `
    expect(
      await asGuest(`${bound}
        outgoing.checkSend()
        return payload(() => outgoing.send([{ data: new Uint8Array(70_000), remoteAddress: undefined }])).err`),
    ).toBe('datagram-too-large')
    await expect(
      asGuest(`${bound} outgoing.send([{ data: new Uint8Array(1), remoteAddress: undefined }])`),
    ).rejects.toMatchObject({ code: 'ERR_APP_TRAP' })
  })

  it('still sends what was sent when its socket is dropped at once', async () => {
    const receiver = createSocket('udp4')
    receiver.bind(0, '127.0.0.1')
    await once(receiver, 'listening')
    const arrived = once(receiver, 'message')
    try {
      await asGuest(`
        const socket = createUdpSocket('ipv4')
        socket.startBind(net, at(0))
        finish(socket, () => socket.finishBind())
        const [incoming, outgoing] = socket.stream(at(${receiver.address().port}))
        outgoing.checkSend()
        outgoing.send([{ data: utf8('last words'), remoteAddress: undefined }])
        drop(incoming); drop(outgoing); drop(socket)`)
      expect(String((await arrived)[0])).toBe('last words')
    } finally {
      receiver.close()
    }
  })

  it('gives back room for what was sent', async () => {
    expect(
      await asGuest(`
        const socket = createUdpSocket('ipv4')
        socket.startBind(net, at(0))
        finish(socket, () => socket.finishBind())
        const [, outgoing] = socket.stream(socket.localAddress())
        let sent = 0
        while (sent < 500) {
          if (outgoing.checkSend() === 0n) { wait(outgoing); continue }
          sent += Number(outgoing.send([{ data: new Uint8Array(1), remoteAddress: undefined }]))
        }
        return sent`),
    ).toBe(500)
  })
})

describe('names', () => {
  it('become addresses, one after the other, then none', async () => {
    expect(
      await asGuest(`
        const found = resolveAddresses(net, 'localhost')
        const first = finish(found, () => found.resolveNextAddress()).ok
        let rest
        do rest = found.resolveNextAddress(); while (rest !== undefined)
        const literal = resolveAddresses(net, '::1')
        return [['ipv4', 'ipv6'].includes(first.tag), literal.resolveNextAddress(), literal.resolveNextAddress(),
          resolveAddresses(net, '[::1]').resolveNextAddress(),
          ['', 'a b', 'http://x', 'a..b'].map((name) => payload(() => resolveAddresses(net, name)).err)]`),
    ).toEqual([
      true,
      { tag: 'ipv6', val: [0, 0, 0, 0, 0, 0, 0, 1] },
      undefined,
      { tag: 'ipv6', val: [0, 0, 0, 0, 0, 0, 0, 1] },
      Array.from({ length: 4 }, () => 'invalid-argument'),
    ])
  })
})
