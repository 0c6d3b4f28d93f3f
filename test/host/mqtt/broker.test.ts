/** A broker as the node sees it, against mosquitto, and against what only pretends to be a broker. */
import { createServer, type Server, type Socket } from 'node:net'
import { chmod, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import type { Brokers } from '../../../host/mqtt/index.ts'
import { mosquitto, type MosquittoOptions } from '../../contract/servers/mosquitto.ts'
import { hasProgram, ServerProcess } from '../../contract/servers/server-process.ts'
import { brokersAt, bytes, configFor, text, until } from './brokers.ts'

const hasMosquitto = hasProgram('mosquitto')
const ends: (() => unknown)[] = []
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end()
})

function open(...args: Parameters<typeof brokersAt>): Brokers {
  const brokers = brokersAt(...args)
  ends.push(() => brokers.stop())
  return brokers
}

async function server(options: MosquittoOptions = {}): Promise<ServerProcess> {
  const process = await ServerProcess.start(mosquitto(options))
  ends.push(() => process.remove())
  return process
}

/** Something that listens and answers each connection as it is told to. */
async function pretender(answer: (socket: Socket) => void): Promise<number> {
  const sockets = new Set<Socket>()
  const listening: Server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
    answer(socket)
  })
  await new Promise<void>((resolve) => listening.listen(0, '127.0.0.1', resolve))
  ends.push(() => {
    for (const socket of sockets) socket.destroy()
    listening.close()
  })
  const address = listening.address()
  return typeof address === 'object' && address !== null ? address.port : 0
}

it.skipIf(hasMosquitto)('leaves brokers untested here: install mosquitto', () => {})

describe.skipIf(!hasMosquitto)('a broker', () => {
  it('carries messages between those who publish and listen, each once', async () => {
    const { port } = await server()
    const broker = open({ b: configFor(port) }).get('b')
    const heard: string[] = []
    broker.listen('home/+/light', ({ topic, payload }) => heard.push(`${topic}=${text(payload)}`))
    await until(() => broker.health().state === 'up', 'the connection')
    await broker.publish('home/hall/light', bytes('1'))
    await broker.publish('home/hall/other', bytes('2'))
    await broker.publish('home/roof/light', bytes('3'), { metadata: [['__proto__', 'x']] })
    await until(() => heard.length >= 2, 'both')
    expect(heard).toEqual(['home/hall/light=1', 'home/roof/light=3'])
    expect(broker.counts()).toMatchObject({ connections: 1, sent: 3, received: 2 })
  })

  it('gives what is retained to each who listens, also to the second', async () => {
    const { port } = await server()
    const broker = open({ b: configFor(port) }).get('b')
    await until(() => broker.health().state === 'up', 'the connection')
    await broker.publish('t', bytes('kept'), { isRetained: true })
    const heard: string[] = []
    broker.listen('t', ({ payload }) => heard.push(`one ${text(payload)}`))
    await until(() => heard.includes('one kept'), 'the first')
    broker.listen('t', ({ payload }) => heard.push(`two ${text(payload)}`))
    await until(() => heard.includes('two kept'), 'the second')
  })

  it('carries content type and metadata by MQTT 5, and does without by 3.1.1', async () => {
    const { port } = await server()
    const brokers = open({
      new: configFor(port),
      old: configFor(port, { version: '3.1.1', 'client-id': 'old' }),
    })
    const seen: unknown[] = []
    brokers.get('new').listen('m', ({ contentType, metadata }) => seen.push({ contentType, metadata }))
    await until(() => brokers.all().every((broker) => broker.health().state === 'up'), 'both')
    const metadata = [
      ['a', '1'],
      ['a', '2'],
      ['b', 'ü'],
    ] as const
    await brokers.get('new').publish('m', bytes('x'), { contentType: 'text/plain', metadata })
    await brokers.get('old').publish('m', bytes('x'), { contentType: 'text/plain', metadata })
    await until(() => seen.length >= 2, 'both messages')
    expect(seen).toEqual([
      { contentType: 'text/plain', metadata: expect.arrayContaining(metadata.map((pair) => [...pair])) },
      { contentType: null, metadata: [] },
    ])
  })

  it('is connected again by itself, and subscribed to what is listened to', async () => {
    const process = await server()
    const broker = open({ b: configFor(process.port) }).get('b')
    const heard: string[] = []
    broker.listen('t', ({ payload }) => heard.push(text(payload)))
    await until(() => broker.health().state === 'up', 'the connection')
    await process.stop('SIGKILL')
    await until(() => broker.health().state === 'down', 'the loss')
    await expect(broker.publish('t', bytes('lost'))).rejects.toMatchObject({ code: 'ERR_BROKER_AWAY' })
    await until(() => broker.health().problem?.message.includes('nothing listens') === true, 'the reason')
    expect(broker.health().problem?.code).toBe('ERR_BROKER_UNREACHABLE')
    await process.start()
    await until(() => broker.health().state === 'up', 'the return')
    expect(broker.health().problem).toBeNull()
    await until(async () => {
      await broker.publish('t', bytes('back'))
      return heard.includes('back')
    }, 'the message')
    expect(broker.counts().connections).toBe(2)
  })

  it('tells whoever waits for an acknowledgement of a broker that hangs, and takes it up again', async () => {
    const process = await server()
    const broker = open({ b: configFor(process.port) }).get('b')
    await until(() => broker.health().state === 'up', 'the connection')
    process.freeze()
    await expect(broker.publish('t', bytes('x'))).rejects.toMatchObject({ code: 'ERR_BROKER_SILENT' })
    expect(broker.health()).toMatchObject({ state: 'down', problem: { code: 'ERR_BROKER_SILENT' } })
    process.thaw()
    await until(() => broker.health().state === 'up', 'the return')
    await broker.publish('t', bytes('x'))
  })

  it('says who was refused, and is let in when the password file is corrected', async () => {
    const process = await server({ password: 'right' })
    const file = join(process.folder, 'password-of-node')
    await writeFile(file, 'wrong\n')
    const broker = open({
      b: configFor(process.port, { username: 'user', 'password-file': file }),
    }).get('b')
    await until(() => broker.health().problem?.code === 'ERR_BROKER_REFUSED', 'the refusal')
    expect(broker.health().problem?.message).toMatch(/refused this node: (bad user name|not authorized)/)
    await writeFile(file, 'right\n')
    await until(() => broker.health().state === 'up', 'the connection')
    await chmod(file, 0o600)
  })

  it('says which file it cannot read', async () => {
    const { port } = await server()
    const broker = open({ b: configFor(port, { 'password-file': '/nowhere/secret' }) }).get('b')
    await until(() => broker.health().state === 'down', 'the failure')
    expect(broker.health().problem).toMatchObject({
      code: 'ERR_BROKER_SECRET',
      message: expect.stringContaining('/nowhere/secret'),
    })
  })

  it('goes on where one subscription is refused', async () => {
    const { port } = await server({ access: 'topic readwrite open/#' })
    const broker = open({ b: configFor(port) }).get('b')
    const heard: string[] = []
    broker.listen('open/t', ({ payload }) => heard.push(text(payload)))
    await until(() => broker.health().state === 'up', 'the connection')
    await until(async () => {
      await broker.publish('open/t', bytes('1'))
      return heard.length > 0
    }, 'the message')
    await expect(broker.publish('closed/t', bytes('2'))).rejects.toMatchObject({ code: 'ERR_BROKER_REFUSED' })
    expect(broker.health().state).toBe('up')
  })

  it('drops and counts what is larger than its table allows, and hears what comes next', async () => {
    const { port } = await server()
    const brokers = open({
      b: configFor(port, { largest: 1_000, version: '3.1.1' }),
      sender: configFor(port, { 'client-id': 'sender' }),
    })
    const [broker, sender] = [brokers.get('b'), brokers.get('sender')]
    const heard: number[] = []
    broker.listen('t', ({ payload }) => heard.push(payload.length))
    await until(() => brokers.all().every(({ health }) => health.length === 0), 'nothing')
    await until(() => brokers.all().every((one) => one.health().state === 'up'), 'both')
    await until(async () => {
      await sender.publish('t', new Uint8Array(1_000))
      return heard.length > 0
    }, 'the first')
    await sender.publish('t', new Uint8Array(1_001))
    // More than a packet of this node may have: the connection is given up, and made again.
    await sender.publish('t', new Uint8Array(900_000))
    await until(() => broker.counts().garbage > 0 && broker.health().state === 'up', 'the return')
    await until(async () => {
      await sender.publish('t', new Uint8Array(7))
      return heard.includes(7)
    }, 'the last')
    expect(broker.counts().oversized).toBe(1)
    expect(heard.filter((length) => length > 1_000)).toEqual([])
  })

  it('keeps what comes while the node is away, and gives again what was not taken', async () => {
    const { port } = await server()
    const clientId = `kept-${port}`
    const config = { b: configFor(port, { 'client-id': clientId }), other: configFor(port) }
    const first = open(config, { kept: ['b'] })
    first.get('b').take('q', async () => {})
    await until(() => first.all().every((one) => one.health().state === 'up'), 'both')
    await until(async () => {
      await first.get('other').publish('q', bytes('early'))
      return first.get('b').counts().received > 0
    }, 'the subscription')
    await first.stop()
    const sender = open({ other: configFor(port) }).get('other')
    await until(() => sender.health().state === 'up', 'the sender')
    for (const word of ['1', '2', '3']) await sender.publish('q', bytes(word))
    const taken: string[] = []
    let fails = true
    const second = open(config, { kept: ['b'] })
    second.get('b').take('q', async ({ payload }) => {
      if (text(payload) === '2' && fails) {
        fails = false
        throw new Error('no room')
      }
      taken.push(text(payload))
    })
    await until(() => taken.length >= 3, 'all three')
    expect(taken.filter((word) => word !== 'early')).toEqual(['1', '2', '3'])
    expect(second.get('b').counts().notTaken).toBe(1)
  })
})

describe('something that is no broker', () => {
  it.each([
    ['hangs', (): void => {}, 'ERR_BROKER_SILENT', /says nothing/],
    ['hangs up', (socket: Socket): void => void socket.end(), 'ERR_BROKER_GARBAGE', /hung up/],
    [
      'speaks another language',
      (socket: Socket): void => void socket.write('HTTP/1.1 400 Bad Request\r\n\r\n'),
      'ERR_BROKER_GARBAGE',
      /MQTT/,
    ],
    [
      'announces a packet that never ends',
      (socket: Socket): void => {
        socket.write(Buffer.from([0x30, 0xff, 0xff, 0xff, 0x7f]))
        const pour = (): void => {
          while (!socket.destroyed && socket.write(Buffer.alloc(65_536))) continue
          if (!socket.destroyed) socket.once('drain', pour)
        }
        pour()
      },
      'ERR_BROKER_GARBAGE',
      /more than/,
    ],
  ] as const)('and %s is given up in time, and tried again', async (_what, answer, code, message) => {
    let connections = 0
    const port = await pretender((socket) => {
      connections += 1
      answer(socket)
    })
    const broker = open({ b: configFor(port) }, { limits: { connectMs: 300 } }).get('b')
    await until(() => broker.health().problem?.code === code, code)
    expect(broker.health().problem?.message).toMatch(message)
    await until(() => connections >= 3, 'another try')
  })

  it('and knows no MQTT 5 is spoken to in 3.1.1', async () => {
    const versions: number[] = []
    const port = await pretender((socket) => {
      socket.once('data', (packet: Buffer) => {
        const version = packet[packet.indexOf('MQTT') + 4] ?? 0
        versions.push(version)
        // "Unacceptable protocol version", or welcome.
        socket.write(Buffer.from([0x20, 0x02, 0x00, version === 4 ? 0 : 1]))
      })
    })
    const broker = open({ b: configFor(port) }).get('b')
    await until(() => broker.health().state === 'up', 'the connection')
    expect(versions).toEqual([5, 4])
  })
})
