/**
 * wasi:sockets 0.3 with a guest that is a piece of JavaScript: the thread, the line, both halves and the kernel's
 * sockets are the real ones. Such a guest needs no suspending, so these run on every Node.js.
 */
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { bindInterfaces, networkPolicy } from '../../../../host/interfaces/index.ts'
import { appContext } from '../../interfaces/app-context.ts'
import { scriptRunner, type ScriptRunner } from '../../interfaces/guest-script.ts'

let runner: ScriptRunner
beforeAll(async () => {
  runner = await scriptRunner()
})
afterAll(() => runner.close())

const prelude = `
  const { TcpSocket, UdpSocket } = imports['wasi:sockets/types@0.3']
  const { resolveAddresses } = imports['wasi:sockets/ip-name-lookup@0.3']
  const at = (port, address = [127, 0, 0, 1]) => ({ tag: 'ipv4', val: { port, address } })
  const code = async (run) => {
    try { await run(); return 'ok' }
    catch (error) { if (error && typeof error === 'object' && 'payload' in error) return error.payload.tag; throw error }
  }
  /** What the glue makes of a guest's stream. */
  const streamOf = (...pieces) => {
    const stream = {
      isDropped: false,
      read: async ({ count }) => {
        const piece = pieces.shift()
        if (piece === undefined) return { done: true }
        if (piece.length > count) pieces.unshift(piece.subarray(count))
        return { done: false, value: piece.subarray(0, count) }
      },
      [Symbol.asyncIterator]: () => ({ return: async () => { stream.isDropped = true; return { done: true } } }),
    }
    return stream
  }
  const readAll = async (stream) => {
    let all = ''
    for await (const bytes of stream) all += text(bytes)
    return all
  }
  const connectTo = async (port) => {
    const socket = TcpSocket.create('ipv4')
    await socket.connect(at(port))
    return socket
  }
`
const all = ['tcp-connect', 'tcp-listen', 'udp', 'lookup']

function asGuest(script: string, granted: readonly string[] = all): Promise<unknown> {
  const bound = bindInterfaces(
    granted.map((name) => `network:${name}`),
    appContext({ network: networkPolicy(granted) }),
  )
  return runner.run(`return (async () => { ${prelude} ${script} })()`, bound)
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

describe('without a grant', () => {
  test('every operation that would reach a network is denied', async () => {
    expect(
      await asGuest(
        `const [tcp, udp] = [TcpSocket.create('ipv4'), UdpSocket.create('ipv4')]
         return Promise.all([
           () => tcp.bind(at(0)), () => tcp.connect(at(9)), () => tcp.listen(),
           () => udp.bind(at(0)), () => udp.connect(at(9)), () => udp.send(utf8('x'), at(9)),
           () => resolveAddresses('localhost'), () => resolveAddresses('127.0.0.1'),
         ].map(code))`,
        [],
      ),
    ).toEqual(Array.from({ length: 8 }, () => 'access-denied'))
  })

  test('one use of the network opens no other', async () => {
    expect(
      await asGuest(
        `return Promise.all([
           () => TcpSocket.create('ipv4').listen(),
           () => UdpSocket.create('ipv4').bind(at(0)),
           () => TcpSocket.create('ipv4').connect(at(9)),
         ].map(code))`,
        ['tcp-listen'],
      ),
    ).toEqual(['ok', 'access-denied', 'access-denied'])
  })
})

describe('a TCP client', () => {
  test('sends and receives; the end of its stream is the end that the other side sees', async () => {
    const port = await serve((socket) => {
      socket.on('data', (data) => socket.write(`<${data.toString()}>`))
      socket.on('end', () => socket.end('bye'))
    })
    expect(
      await asGuest(`
        const socket = await connectTo(${port})
        const [stream, received] = socket.receive()
        const sent = await socket.send(streamOf(utf8('hello')))
        const seen = [sent, await readAll(stream), await received, socket.getRemoteAddress(), socket.getIsListening()]
        drop(socket)
        return seen`),
    ).toEqual([
      { tag: 'ok', val: undefined },
      '<hello>bye',
      { tag: 'ok', val: undefined },
      { tag: 'ipv4', val: { port, address: [127, 0, 0, 1] } },
      false,
    ])
  })

  test('streams outlive the socket they were made of', async () => {
    const port = await serve((socket) => {
      socket.on('data', (data) => socket.write(`<${data.toString()}>`))
      socket.on('end', () => socket.end())
    })
    expect(
      await asGuest(`
        const socket = await connectTo(${port})
        const [stream] = socket.receive()
        const sent = socket.send(streamOf(utf8('late')))
        drop(socket)
        return [(await sent).tag, await readAll(stream)]`),
    ).toEqual(['ok', '<late>'])
  })

  test('may send and receive once; then a stream is dropped, and both futures say so', async () => {
    const port = await serve((socket) => socket.end('x'))
    expect(
      await asGuest(`
        const socket = await connectTo(${port})
        const [stream] = socket.receive()
        const first = socket.send(streamOf())
        const unread = streamOf(utf8('never'))
        const [again, failed] = socket.receive()
        return [await readAll(stream), (await first).tag, (await socket.send(unread)).val, unread.isDropped,
          await readAll(again), (await failed).val]`),
    ).toEqual(['x', 'ok', { tag: 'invalid-state' }, true, '', { tag: 'invalid-state' }])
  })

  test('is told of a reset by the future', async () => {
    const port = await serve((socket) => socket.once('data', () => socket.resetAndDestroy()))
    expect(
      await asGuest(`
        const socket = await connectTo(${port})
        const [stream, received] = socket.receive()
        void socket.send(streamOf(utf8('x')))
        return [await readAll(stream), await received]`),
    ).toEqual(['', { tag: 'err', val: { tag: 'connection-reset' } }])
  })

  test('that is dropped while it connects leaves nothing behind', async () => {
    let open = 0
    const port = await serve((socket) => {
      open += 1
      socket.on('close', () => (open -= 1)).resume()
      socket.on('end', () => socket.end())
    })
    const codes = await asGuest(`
      const codes = []
      for (let n = 0; n < 200; n += 1) {
        const socket = TcpSocket.create('ipv4')
        const connected = code(() => socket.connect(at(${port})))
        drop(socket)
        codes.push(await connected)
      }
      return codes
    `)
    expect(new Set(codes as string[])).toEqual(new Set(['connection-aborted']))
    await expect.poll(() => open).toBe(0)
  })

  test('that nobody answers is closed for good', async () => {
    const port = await serve(() => {})
    servers.pop()!.close()
    expect(
      await asGuest(`
        const socket = TcpSocket.create('ipv4')
        return [await code(() => socket.connect(at(${port}))), await code(() => socket.connect(at(${port})))]`),
    ).toEqual(['connection-refused', 'invalid-state'])
  })

  test('is refused what no socket can be bound or connected to, and what its state does not allow', async () => {
    const port = await serve(() => {})
    expect(
      await asGuest(`
        const socket = TcpSocket.create('ipv4')
        const v6 = { tag: 'ipv6', val: { port: 80, flowInfo: 0, scopeId: 0, address: [0,0,0,0,0,0,0,1] } }
        const wrong = await Promise.all([
          () => socket.connect(at(0)), () => socket.connect(at(80, [0, 0, 0, 0])), () => socket.connect(v6),
          () => socket.connect(at(80, [224, 0, 0, 1])), () => socket.bind(at(0, [255, 255, 255, 255])),
          () => socket.setHopLimit(0), () => socket.setKeepAliveCount(0), () => socket.setKeepAliveIdleTime(0n),
          () => socket.setListenBacklogSize(0n), () => socket.setSendBufferSize(0n),
        ].map(code))
        const early = await Promise.all([() => socket.getLocalAddress(), () => socket.getRemoteAddress()].map(code))
        await socket.connect(at(${port}))
        const late = await Promise.all([
          () => socket.bind(at(0)), () => socket.connect(at(${port})), () => socket.listen(),
          () => socket.setListenBacklogSize(1n),
        ].map(code))
        return [new Set(wrong), new Set([...early, ...late])].map((set) => [...set])`),
    ).toEqual([['invalid-argument'], ['invalid-state']])
  })
})

describe('a TCP server', () => {
  test('binds by itself, and gives out its connections as a stream', async () => {
    expect(
      await asGuest(`
        const server = TcpSocket.create('ipv4')
        server.setKeepAliveCount(3)
        const connections = server.listen()[Symbol.asyncIterator]()
        const { port } = server.getLocalAddress().val
        const clients = [await connectTo(port), await connectTo(port)]
        const seen = []
        for (const client of clients) {
          const { value: accepted } = await connections.next()
          const sent = accepted.send(streamOf(utf8('welcome')))
          seen.push([await readAll(client.receive()[0]), (await sent).tag, accepted.getKeepAliveCount(),
            accepted.getRemoteAddress().val.port === client.getLocalAddress().val.port])
          drop(accepted); drop(client)
        }
        return [server.getIsListening(), await code(() => server.listen()), seen]`),
    ).toEqual([
      true,
      'invalid-state',
      [
        ['welcome', 'ok', 3, true],
        ['welcome', 'ok', 3, true],
      ],
    ])
  })

  test('listens as long as the socket or its stream is there, and no longer', async () => {
    expect(
      await asGuest(`
        const server = TcpSocket.create('ipv4')
        const connections = server.listen()[Symbol.asyncIterator]()
        const { port } = server.getLocalAddress().val
        await connections.return()
        const withoutStream = await code(() => connectTo(port))
        drop(server)
        let after = 'ok'
        // The kernel is told through the line, a moment later.
        for (let tries = 0; after === 'ok' && tries < 100; tries += 1) after = await code(() => connectTo(port))
        return [withoutStream, after]`),
    ).toEqual(['ok', 'connection-refused'])
  })

  test('is told that an address is taken', async () => {
    const port = await serve(() => {})
    expect(await asGuest(`return code(() => TcpSocket.create('ipv4').bind(at(${port})))`)).toBe(
      'address-in-use',
    )
  })
})

describe('UDP', () => {
  test('sends from a socket that it binds by itself, and receives with the address of the sender', async () => {
    expect(
      await asGuest(`
        const [server, client] = [UdpSocket.create('ipv4'), UdpSocket.create('ipv4')]
        const unbound = await code(() => server.receive())
        server.bind(at(0))
        await client.send(utf8('one'), server.getLocalAddress())
        const [data, from] = await server.receive()
        await server.send(utf8('two'), from)
        const [answer] = await client.receive()
        return [unbound, text(data), from.val.port === client.getLocalAddress().val.port, text(answer)]`),
    ).toEqual(['invalid-state', 'one', true, 'two'])
  })

  test('a connected socket hears its peer alone, and may be connected to another or to none', async () => {
    expect(
      await asGuest(`
        const made = () => { const socket = UdpSocket.create('ipv4'); socket.bind(at(0)); return socket }
        const [here, friend, stranger] = [made(), made(), made()]
        here.connect(friend.getLocalAddress())
        const { port } = here.getLocalAddress().val
        await stranger.send(utf8('ignored'), at(port))
        await friend.send(utf8('heard'), at(port))
        const [heard] = await here.receive()
        const elsewhere = await code(() => here.send(utf8('x'), stranger.getLocalAddress()))
        here.connect(stranger.getLocalAddress())
        await here.send(utf8('hello'), undefined)
        const [hello] = await stranger.receive()
        here.disconnect()
        const after = [await code(() => here.getRemoteAddress()), await code(() => here.disconnect()),
          await code(() => here.send(utf8('x'), undefined))]
        return [text(heard), elsewhere, text(hello), after, here.getLocalAddress().val.port === port]`),
    ).toEqual([
      'heard',
      'invalid-argument',
      'hello',
      ['invalid-state', 'invalid-state', 'invalid-argument'],
      true,
    ])
  })

  test('a connected socket is told that nobody listens there', async () => {
    const gone = createSocket('udp4')
    gone.bind(0, '127.0.0.1')
    await once(gone, 'listening')
    const { port } = gone.address()
    gone.close()
    await once(gone, 'close')
    expect(
      await asGuest(`
        const socket = UdpSocket.create('ipv4')
        socket.connect(at(${port}))
        await socket.send(utf8('anybody?'), undefined)
        return code(() => socket.receive())`),
    ).toBe('connection-refused')
  })

  test('a datagram that no network carries is refused', async () => {
    expect(
      await asGuest(`return code(() => UdpSocket.create('ipv4').send(new Uint8Array(65_536), at(9)))`),
    ).toBe('datagram-too-large')
  })
})

describe('names', () => {
  test('are looked up, and are themselves where they are addresses', async () => {
    expect(
      await asGuest(`
        const found = await resolveAddresses('localhost')
        return [found.length > 0, await resolveAddresses('127.0.0.1'), await resolveAddresses('::1'),
          await code(() => resolveAddresses('no spaces')), await code(() => resolveAddresses(''))]`),
    ).toEqual([
      true,
      [{ tag: 'ipv4', val: [127, 0, 0, 1] }],
      [{ tag: 'ipv6', val: [0, 0, 0, 0, 0, 0, 0, 1] }],
      'invalid-argument',
      'invalid-argument',
    ])
  })
})
