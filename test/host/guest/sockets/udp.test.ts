/** UDP sockets of WASI 0.2 that are given a peer: the kernel filters for them, and says what went wrong. */
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { bindInterfaces, networkPolicy } from '../../../../host/interfaces/index.ts'
import { appContext } from '../../interfaces/app-context.ts'
import { scriptRunner, type ScriptRunner } from '../../interfaces/guest-script.ts'

let runner: ScriptRunner
beforeAll(async () => {
  runner = await scriptRunner()
})
afterAll(() => runner.close())

const prelude = `
  const net = imports['wasi:sockets/instance-network'].instanceNetwork()
  const { createUdpSocket } = imports['wasi:sockets/udp-create-socket']
  const at = (port, address = [127, 0, 0, 1]) => ({ tag: 'ipv4', val: { port, address } })
  const wait = (what) => { const p = what.subscribe(); p.block(); drop(p) }
  const bound = () => {
    const socket = createUdpSocket('ipv4')
    socket.startBind(net, at(0))
    for (;;) {
      const { err } = payload(() => socket.finishBind())
      if (err === undefined) return socket
      if (err !== 'would-block') throw new Error(err)
      wait(socket)
    }
  }
  const send = (outgoing, content, remoteAddress) => {
    outgoing.checkSend()
    outgoing.send([{ data: utf8(content), remoteAddress }])
  }
  const receive = (incoming) => {
    for (;;) {
      wait(incoming)
      const { ok, err } = payload(() => incoming.receive(1n))
      if (err !== undefined) return err
      if (ok.length > 0) return text(ok[0].data)
    }
  }
`

function asGuest(script: string): Promise<unknown> {
  const context = appContext({ network: networkPolicy(['udp']) })
  return runner.run(prelude + script, bindInterfaces(['network:udp'], context))
}

describe('a connected socket', () => {
  test('is told that nobody listens there', async () => {
    const gone = createSocket('udp4')
    gone.bind(0, '127.0.0.1')
    await once(gone, 'listening')
    const { port } = gone.address()
    gone.close()
    await once(gone, 'close')
    expect(
      await asGuest(`
        const [incoming, outgoing] = bound().stream(at(${port}))
        send(outgoing, 'anybody?')
        return receive(incoming)`),
    ).toBe('connection-refused')
  })

  test('hears its peer and nobody else', async () => {
    expect(
      await asGuest(`
        const [here, friend, stranger] = [bound(), bound(), bound()]
        const [incoming] = here.stream(friend.localAddress())
        const goal = here.localAddress()
        send(stranger.stream(undefined)[1], 'ignored', goal)
        send(friend.stream(undefined)[1], 'heard', goal)
        return [receive(incoming), incoming.receive(10n), here.remoteAddress().val.port === friend.localAddress().val.port]`),
    ).toEqual(['heard', [], true])
  })

  test('keeps its port when it is connected to another peer, and when to nobody', async () => {
    expect(
      await asGuest(`
        const [here, one, two] = [bound(), bound(), bound()]
        const { port } = here.localAddress().val
        for (const peer of [one.localAddress(), two.localAddress(), undefined]) {
          const [incoming] = here.stream(peer)
          drop(incoming)
        }
        const [incoming] = here.stream(undefined)
        send(two.stream(undefined)[1], 'still there', at(port))
        return [receive(incoming), here.localAddress().val.port === port, payload(() => here.remoteAddress()).err]`),
    ).toEqual(['still there', true, 'invalid-state'])
  })
})
