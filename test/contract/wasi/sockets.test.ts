/**
 * wasi:sockets 0.2 as its text says it: the states of a socket, what each of them refuses and with which code, and
 * what arrives. Cases that preview2-shim answers otherwise name what it does.
 */
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { createServer, type AddressInfo, type Socket } from 'node:net'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { bindInterfaces, networkPolicy } from '../../../host/interfaces/index.ts'
import { appContext } from '../../host/interfaces/app-context.ts'
import { oursAsScript, shimAsScript, type ScriptSubject } from './script-subjects.ts'

const uses = ['tcp-connect', 'tcp-listen', 'udp', 'lookup']
const bound = () =>
  bindInterfaces(
    uses.map((use) => `network:${use}`),
    appContext({ network: networkPolicy(uses) }),
  )

const prelude = `
  const net = imports['wasi:sockets/instance-network'].instanceNetwork()
  const { createTcpSocket } = imports['wasi:sockets/tcp-create-socket']
  const { createUdpSocket } = imports['wasi:sockets/udp-create-socket']
  const { resolveAddresses } = imports['wasi:sockets/ip-name-lookup']
  const v4 = (port, ...address) => ({ tag: 'ipv4', val: { port, address: address.length ? address : [127, 0, 0, 1] } })
  const v6 = (port, ...address) => ({ tag: 'ipv6', val: { port, flowInfo: 0, scopeId: 0, address } })
  const mapped = [0, 0, 0, 0, 0, 0xffff, 0x7f00, 1]
  const codeOf = (run) => { const { ok, err } = payload(run); return err === undefined ? 'ok' : err }
  const wait = (what) => { const p = what.subscribe(); p.block(); drop(p) }
  const settled = (what, run) => {
    for (;;) { const got = payload(run); if (got.err !== 'would-block') return got; wait(what) }
  }
  const bind = (socket, address = v4(0)) => {
    socket.startBind(net, address)
    return settled(socket, () => socket.finishBind()).err ?? 'ok'
  }
  const connect = (socket, address) => {
    socket.startConnect(net, address)
    return settled(socket, () => socket.finishConnect())
  }
  const listening = () => {
    const socket = createTcpSocket('ipv4')
    bind(socket)
    socket.startListen()
    socket.finishListen()
    return socket
  }
  const boundUdp = () => { const socket = createUdpSocket('ipv4'); bind(socket); return socket }
  const receive = (stream) => { for (;;) { const got = stream.receive(10n); if (got.length > 0) return got; wait(stream) } }
  const readAll = (input) => {
    for (let all = ''; ;) { const got = payload(() => input.blockingRead(65_536n)); if (got.err) return [all, got.err.tag]; all += text(got.ok) }
  }
`

const subjects: ScriptSubject[] = [shimAsScript]
beforeAll(async () => {
  subjects.unshift(await oursAsScript(bound))
})
afterAll(() => Promise.all(subjects.map((subject) => subject.close())))

/** @param shim what preview2-shim 0.26.0 does instead, where it does */
function both(
  title: string,
  run: (script: (body: string) => Promise<unknown>) => Promise<void>,
  shim?: string,
): void {
  it(title, () => run((body) => subjects[0]!.run(prelude + body)))
  const name = `${title}, says preview2-shim`
  if (shim === undefined) it(name, () => run((body) => subjects[1]!.run(prelude + body)))
  else it.skip(`${name}: ${shim}`, () => {})
}

async function server(onConnection: (socket: Socket) => void): Promise<number> {
  const listener = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on('error', () => {})
    onConnection(socket)
  })
  onTestFinished(() => void listener.close())
  listener.listen(0, '127.0.0.1')
  await once(listener, 'listening')
  return (listener.address() as AddressInfo).port
}

describe('wasi:sockets/tcp, unbound', () => {
  both('has no address, does not listen, and knows its family', async (script) => {
    expect(
      await script(`
        const [four, six] = [createTcpSocket('ipv4'), createTcpSocket('ipv6')]
        return [four.addressFamily(), six.addressFamily(), four.isListening(),
          codeOf(() => four.localAddress()), codeOf(() => four.remoteAddress())]`),
    ).toEqual(['ipv4', 'ipv6', false, 'invalid-state', 'invalid-state'])
  })

  both('has nothing to finish, to accept or to shut down', async (script) => {
    expect(
      await script(`
        const socket = createTcpSocket('ipv4')
        return ['finishBind', 'finishConnect', 'finishListen', 'startListen', 'accept'].map((name) => codeOf(() => socket[name]()))
          .concat(codeOf(() => socket.shutdown('both')))`),
    ).toEqual([
      'not-in-progress',
      'not-in-progress',
      'not-in-progress',
      'invalid-state',
      'invalid-state',
      'invalid-state',
    ])
  })
})

describe('wasi:sockets/tcp, bind', () => {
  both('gives port 0 a free port, and happens once', async (script) => {
    expect(
      await script(`
        const socket = createTcpSocket('ipv4')
        const outcome = bind(socket)
        const { tag, val } = socket.localAddress()
        return [outcome, tag, val.address, val.port > 0, codeOf(() => socket.startBind(net, v4(0))), codeOf(() => socket.remoteAddress())]`),
    ).toEqual(['ok', 'ipv4', [127, 0, 0, 1], true, 'invalid-state', 'invalid-state'])
  })

  both('is done when it is finished, as a program with sockets that never block needs it', async (script) => {
    expect(
      await script(`
        return [createTcpSocket('ipv4'), createUdpSocket('ipv4')].map((socket) => {
          socket.startBind(net, v4(0))
          return codeOf(() => socket.finishBind())
        })`),
    ).toEqual(['ok', 'ok'])
  })

  both('refuses an address of the other family, and one that is no unicast address', async (script) => {
    expect(
      await script(`
        const [four, six] = [createTcpSocket('ipv4'), createTcpSocket('ipv6')]
        return [
          [four, v6(0, 0, 0, 0, 0, 0, 0, 0, 1)], [six, v4(0)], [four, v4(0, 224, 0, 0, 1)], [four, v4(0, 255, 255, 255, 255)],
          [six, v6(0, 0xff00, 0, 0, 0, 0, 0, 0, 0)], [six, v6(0, ...mapped)],
        ].map(([socket, address]) => codeOf(() => socket.startBind(net, address)))`),
    ).toEqual(Array.from({ length: 6 }, () => 'invalid-argument'))
  })

  both('tells that the address is taken, or not of this machine', async (script) => {
    expect(
      await script(`
        const first = listening()
        const code = (address) => {
          const socket = createTcpSocket('ipv4')
          const started = codeOf(() => socket.startBind(net, address))
          return started === 'ok' ? settled(socket, () => socket.finishBind()).err : started
        }
        return [code(first.localAddress()), code(v4(0, 192, 0, 2, 1))]`),
    ).toEqual(['address-in-use', 'address-not-bindable'])
  })
})

describe('wasi:sockets/tcp, connect', () => {
  both('refuses an address that nobody can be at', async (script) => {
    expect(
      await script(`
        return [
          ['ipv4', v4(0)], ['ipv4', v4(80, 0, 0, 0, 0)], ['ipv4', v4(80, 224, 0, 0, 1)], ['ipv4', v4(80, 255, 255, 255, 255)],
          ['ipv4', v6(80, 0, 0, 0, 0, 0, 0, 0, 1)], ['ipv6', v4(80)], ['ipv6', v6(80, 0, 0, 0, 0, 0, 0, 0, 0)], ['ipv6', v6(80, ...mapped)],
        ].map(([family, address]) => codeOf(() => createTcpSocket(family).startConnect(net, address)))`),
    ).toEqual(Array.from({ length: 8 }, () => 'invalid-argument'))
  })

  both('has both addresses when it is connected, and is done with binding and connecting', async (script) => {
    const port = await server((socket) => socket.resume())
    expect(
      await script(`
        const socket = createTcpSocket('ipv4')
        const { ok } = connect(socket, v4(${port}))
        const { val } = socket.localAddress()
        return [ok.length, socket.remoteAddress(), val.address, val.port > 0, socket.isListening(),
          codeOf(() => socket.startConnect(net, v4(${port}))), codeOf(() => socket.startBind(net, v4(0))), codeOf(() => socket.startListen())]`),
    ).toEqual([
      2,
      { tag: 'ipv4', val: { port, address: [127, 0, 0, 1] } },
      [127, 0, 0, 1],
      true,
      false,
      'invalid-state',
      'invalid-state',
      'invalid-state',
    ])
  })

  both('tells that nobody listens there, and is no use after that', async (script) => {
    expect(
      await script(`
        const gone = createTcpSocket('ipv4')
        bind(gone)
        const address = gone.localAddress()
        drop(gone)
        const socket = createTcpSocket('ipv4')
        return [connect(socket, address).err, codeOf(() => socket.startConnect(net, address)), codeOf(() => socket.localAddress())]`),
    ).toEqual(['connection-refused', 'invalid-state', 'invalid-state'])
  })

  both(
    'carries bytes both ways until each side has ended its own',
    async (script) => {
      const port = await server((socket) => {
        let heard = ''
        socket.on('data', (data) => (heard += data.toString()))
        socket.on('end', () => socket.end(`heard ${heard}`))
      })
      expect(
        await script(`
        const socket = createTcpSocket('ipv4')
        const [input, output] = connect(socket, v4(${port})).ok
        output.blockingWriteAndFlush(utf8('one '))
        output.blockingWriteAndFlush(utf8('two'))
        socket.shutdown('send')
        const after = payload(() => output.blockingWriteAndFlush(utf8('x'))).err.tag
        return [readAll(input), after]`),
      ).toEqual([['heard one two', 'closed'], 'closed'])
    },
    'a blocking read after the sending side was shut down never returns',
  )

  both(
    'gives nothing more once it was shut down for receiving',
    async (script) => {
      const port = await server((socket) => socket.write('unread'))
      expect(
        await script(`
        const socket = createTcpSocket('ipv4')
        const [input] = connect(socket, v4(${port})).ok
        socket.shutdown('receive')
        return payload(() => input.blockingRead(10n)).err.tag`),
      ).toBe('closed')
    },
    'a blocking read after it returns only where something had come before',
  )
})

describe('wasi:sockets/tcp, listen', () => {
  both('accepts who connects, with the addresses of both', async (script) => {
    expect(
      await script(`
        const listener = listening()
        const early = codeOf(() => listener.accept())
        const client = createTcpSocket('ipv4')
        const [, output] = connect(client, listener.localAddress()).ok
        const [served, input] = settled(listener, () => listener.accept()).ok
        output.blockingWriteAndFlush(utf8('hello'))
        return [early, listener.isListening(), served.isListening(), served.addressFamily(),
          served.localAddress().val.port === listener.localAddress().val.port,
          served.remoteAddress().val.port === client.localAddress().val.port, text(input.blockingRead(10n)),
          codeOf(() => listener.accept())]`),
    ).toEqual(['would-block', true, false, 'ipv4', true, true, 'hello', 'would-block'])
  })

  both('is not for connecting, binding or listening again, and has nothing to shut down', async (script) => {
    expect(
      await script(`
        const listener = listening()
        return [codeOf(() => listener.startConnect(net, v4(9))), codeOf(() => listener.startBind(net, v4(0))),
          codeOf(() => listener.startListen()), codeOf(() => listener.shutdown('both')), codeOf(() => listener.remoteAddress())]`),
    ).toEqual(Array.from({ length: 5 }, () => 'invalid-state'))
  })

  both('hands its options on to what it accepts', async (script) => {
    expect(
      await script(`
        const listener = listening()
        listener.setKeepAliveEnabled(true)
        listener.setHopLimit(42)
        const client = createTcpSocket('ipv4')
        connect(client, listener.localAddress())
        const [served] = settled(listener, () => listener.accept()).ok
        return [served.keepAliveEnabled(), served.hopLimit()]`),
    ).toEqual([true, 42])
  })
})

describe('wasi:sockets/tcp, options', () => {
  both('keeps what is set', async (script) => {
    expect(
      await script(`
        const socket = createTcpSocket('ipv4')
        const before = socket.keepAliveEnabled()
        socket.setKeepAliveEnabled(true)
        socket.setKeepAliveIdleTime(7_000_000_000n)
        socket.setKeepAliveInterval(3_000_000_000n)
        socket.setKeepAliveCount(4)
        socket.setHopLimit(17)
        return [before, socket.keepAliveEnabled(), socket.keepAliveIdleTime(), socket.keepAliveInterval(),
          socket.keepAliveCount(), socket.hopLimit()]`),
    ).toEqual([false, true, 7_000_000_000n, 3_000_000_000n, 4, 17])
  })

  both('refuses 0 for each of them', async (script) => {
    expect(
      await script(`
        const socket = createTcpSocket('ipv4')
        return [() => socket.setKeepAliveIdleTime(0n), () => socket.setKeepAliveInterval(0n), () => socket.setKeepAliveCount(0),
          () => socket.setHopLimit(0), () => socket.setReceiveBufferSize(0n), () => socket.setSendBufferSize(0n),
          () => socket.setListenBacklogSize(0n)].map(codeOf)`),
    ).toEqual(Array.from({ length: 7 }, () => 'invalid-argument'))
  })

  both('takes any other value, and may round it', async (script) => {
    expect(
      await script(`
        const socket = createTcpSocket('ipv4')
        const most = 2n ** 64n - 1n
        const codes = [() => socket.setReceiveBufferSize(most), () => socket.setSendBufferSize(most), () => socket.setReceiveBufferSize(1n),
          () => socket.setListenBacklogSize(most), () => socket.setKeepAliveIdleTime(1n), () => socket.setKeepAliveIdleTime(most),
          () => socket.setKeepAliveCount(2 ** 32 - 1)].map(codeOf)
        return [codes, socket.receiveBufferSize() > 0n, socket.sendBufferSize() > 0n, socket.keepAliveIdleTime() > 0n]`),
    ).toEqual([Array.from({ length: 7 }, () => 'ok'), true, true, true])
  })
})

describe('wasi:sockets/udp', () => {
  both('has neither address nor streams before it is bound', async (script) => {
    expect(
      await script(`
        const socket = createUdpSocket('ipv4')
        return [codeOf(() => socket.localAddress()), codeOf(() => socket.remoteAddress()), codeOf(() => socket.stream(undefined)),
          codeOf(() => socket.finishBind()), socket.addressFamily()]`),
    ).toEqual(['invalid-state', 'invalid-state', 'invalid-state', 'not-in-progress', 'ipv4'])
  })

  both('binds once, to an address of its family', async (script) => {
    expect(
      await script(`
        const [four, six] = [createUdpSocket('ipv4'), createUdpSocket('ipv6')]
        const wrong = [codeOf(() => four.startBind(net, v6(0, 0, 0, 0, 0, 0, 0, 0, 1))), codeOf(() => six.startBind(net, v4(0))),
          codeOf(() => six.startBind(net, v6(0, ...mapped)))]
        return [wrong, bind(four), four.localAddress().val.port > 0, codeOf(() => four.startBind(net, v4(0)))]`),
    ).toEqual([Array.from({ length: 3 }, () => 'invalid-argument'), 'ok', true, 'invalid-state'])
  })

  both('takes no peer that nobody can be', async (script) => {
    expect(
      await script(`
        const socket = boundUdp()
        return [v4(0), v4(9, 0, 0, 0, 0), v6(9, 0, 0, 0, 0, 0, 0, 0, 1)].map((peer) => codeOf(() => socket.stream(peer)))`),
    ).toEqual(Array.from({ length: 3 }, () => 'invalid-argument'))
  })

  both('sends to whom each datagram says, and tells who sent', async (script) => {
    const echo = createSocket('udp4')
    onTestFinished(() => void echo.close())
    echo.on('message', (data, { port, address }) => echo.send(`<${data.toString()}>`, port, address))
    echo.bind(0, '127.0.0.1')
    await once(echo, 'listening')
    const { port } = echo.address()
    expect(
      await script(`
        const [incoming, outgoing] = boundUdp().stream(undefined)
        const none = incoming.receive(5n)
        wait(outgoing)
        const allowed = outgoing.checkSend()
        const sent = outgoing.send([{ data: utf8('one'), remoteAddress: v4(${port}) }])
        const [got] = receive(incoming)
        return [none, allowed > 0n, sent, text(got.data), got.remoteAddress, incoming.receive(0n)]`),
    ).toEqual([[], true, 1n, '<one>', { tag: 'ipv4', val: { port, address: [127, 0, 0, 1] } }, []])
  })

  both(
    'needs an address for each datagram where it has no peer',
    async (script) => {
      expect(
        await script(`
        const [, outgoing] = boundUdp().stream(undefined)
        outgoing.checkSend()
        return [undefined, v4(0), v4(9, 0, 0, 0, 0), v6(9, 0, 0, 0, 0, 0, 0, 0, 1)]
          .map((remoteAddress) => codeOf(() => outgoing.send([{ data: utf8('x'), remoteAddress }])))`),
      ).toEqual(Array.from({ length: 4 }, () => 'invalid-argument'))
    },
    'it traps on port 0',
  )

  both('speaks with its peer alone where it has one', async (script) => {
    expect(
      await script(`
        const [one, peer, stranger] = [boundUdp(), boundUdp(), boundUdp()]
        const [fromAny] = one.stream(undefined)
        const before = codeOf(() => one.remoteAddress())
        drop(fromAny)
        const [incoming, outgoing] = one.stream(peer.localAddress())
        const send = (socket, word) => {
          const [, to] = socket.stream(undefined)
          to.checkSend()
          to.send([{ data: utf8(word), remoteAddress: one.localAddress() }])
        }
        send(stranger, 'stranger')
        send(peer, 'peer')
        outgoing.checkSend()
        return [before, one.remoteAddress().val.port === peer.localAddress().val.port,
          codeOf(() => outgoing.send([{ data: utf8('x'), remoteAddress: stranger.localAddress() }])),
          receive(incoming).map(({ data }) => text(data)), outgoing.send([])]`),
    ).toEqual(['invalid-state', true, 'invalid-argument', ['peer'], 0n])
  })

  both('tells of a datagram that no network carries', async (script) => {
    expect(
      await script(`
        const [, outgoing] = boundUdp().stream(undefined)
        outgoing.checkSend()
        return codeOf(() => outgoing.send([{ data: new Uint8Array(66_000), remoteAddress: v4(9) }]))`),
    ).toBe('datagram-too-large')
  })

  both('refuses 0 for its options, and keeps what else is set', async (script) => {
    expect(
      await script(`
        const socket = createUdpSocket('ipv4')
        const zero = [() => socket.setUnicastHopLimit(0), () => socket.setReceiveBufferSize(0n), () => socket.setSendBufferSize(0n)].map(codeOf)
        socket.setUnicastHopLimit(17)
        return [zero, socket.unicastHopLimit(), codeOf(() => socket.setReceiveBufferSize(2n ** 64n - 1n)), socket.receiveBufferSize() > 0n]`),
    ).toEqual([Array.from({ length: 3 }, () => 'invalid-argument'), 17, 'ok', true])
  })
})

describe('wasi:sockets/ip-name-lookup', () => {
  both('gives an address as it is, once', async (script) => {
    expect(
      await script(`
        return ['127.0.0.1', '0.0.0.0', '::1', '2001:0DB8:0:0::1'].map((name) => {
          const found = resolveAddresses(net, name)
          const first = settled(found, () => found.resolveNextAddress()).ok
          return [first, found.resolveNextAddress()]
        })`),
    ).toEqual([
      [{ tag: 'ipv4', val: [127, 0, 0, 1] }, undefined],
      [{ tag: 'ipv4', val: [0, 0, 0, 0] }, undefined],
      [{ tag: 'ipv6', val: [0, 0, 0, 0, 0, 0, 0, 1] }, undefined],
      [{ tag: 'ipv6', val: [0x2001, 0xdb8, 0, 0, 0, 0, 0, 1] }, undefined],
    ])
  })

  both('finds the loopback by its name, and then nothing more', async (script) => {
    expect(
      await script(`
        const found = resolveAddresses(net, 'localhost')
        const all = []
        for (;;) {
          const { ok } = settled(found, () => found.resolveNextAddress())
          if (ok === undefined) return [all.length > 0, all.every(({ tag, val }) => tag === 'ipv4' ? val[0] === 127 : val[7] === 1),
            found.resolveNextAddress()]
          all.push(ok)
        }`),
    ).toEqual([true, true, undefined])
  })

  both(
    'refuses what can be no name',
    async (script) => {
      expect(
        await script(`
        return ['', ' ', 'a b', 'a..b', 'a.b<&>', 'a&b', '127.0.0.1:80', '[::]:80', 'http://example.com/', 'x'.repeat(64) + '.example', 'a\\u0000b', 'a.b/c', 'a%62']
          .map((name) => codeOf(() => resolveAddresses(net, name)))`),
      ).toEqual(Array.from({ length: 13 }, () => 'invalid-argument'))
    },
    'it takes names with characters that no name has',
  )

  both('takes names in any script', async (script) => {
    expect(
      await script(`return ['münchen.example', 'xn--mnchen-3ya.example', '例え.example', 'under_score.example', 'dotted.example.']
        .map((name) => codeOf(() => resolveAddresses(net, name)))`),
    ).toEqual(Array.from({ length: 5 }, () => 'ok'))
  })
})
