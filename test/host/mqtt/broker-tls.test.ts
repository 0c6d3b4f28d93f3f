/** TLS to a broker, against a mosquitto that speaks it with certificates made for the test. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { BrokerConfig } from '../../../host/mqtt/index.ts'
import {
  hasOpenssl,
  makeCertificates,
  type Certificates,
  type Pair,
} from '../../contract/servers/certificates.ts'
import { mosquitto } from '../../contract/servers/mosquitto.ts'
import { hasProgram, ServerProcess } from '../../contract/servers/server-process.ts'
import { webProxy } from '../../contract/servers/web-proxy.ts'
import { brokersAt, bytes, configFor, text, until } from './brokers.ts'

const canTest = hasProgram('mosquitto') && hasOpenssl
it.skipIf(canTest)('leaves TLS to brokers untested here: install mosquitto and openssl', () => {})

describe.skipIf(!canTest)('a broker that speaks TLS', () => {
  let made: Certificates
  const ends: (() => unknown)[] = []
  beforeAll(async () => void (made = await makeCertificates()))
  afterEach(async () => {
    for (const end of ends.splice(0).reverse()) await end()
  })
  afterAll(() => made?.remove())

  async function server({ certificate, key }: Pair, ...more: string[]): Promise<number> {
    const lines = [`cafile ${made.ca}`, `certfile ${certificate}`, `keyfile ${key}`, ...more]
    const process = await ServerProcess.start(mosquitto({ more: lines.join('\n') }))
    ends.push(() => process.remove())
    return process.port
  }

  function brokerAt(config: Partial<BrokerConfig>) {
    const brokers = brokersAt({ b: configFor(1, config) })
    ends.push(() => brokers.stop())
    return brokers.get('b')
  }

  /** What is wrong with a connection that does not come about. */
  async function trouble(config: Partial<BrokerConfig>): Promise<string> {
    const broker = brokerAt(config)
    await until(() => broker.health().problem !== null, 'a problem')
    expect(broker.counts().connections).toBe(0)
    const { code, message } = broker.health().problem ?? {}
    return `${code} ${message}`
  }

  async function carries(config: Partial<BrokerConfig>): Promise<void> {
    const broker = brokerAt(config)
    const heard: string[] = []
    broker.listen('t', ({ payload }) => heard.push(text(payload)))
    await until(() => broker.health().state === 'up', 'the connection')
    await broker.publish('t', bytes('x'.repeat(100_000)))
    await until(() => heard.length > 0, 'the message')
    expect(heard[0]).toHaveLength(100_000)
  }

  it('is trusted by the CA that its table names, by name and by address, and by nothing else', async () => {
    const port = await server(made.server)
    await carries({ url: `mqtts://localhost:${port}`, ca: made.ca })
    await carries({ url: `mqtts://127.0.0.1:${port}`, ca: made.ca })
    const untrusted = /^ERR_BROKER_TLS localhost:\d+ and this node: its certificate is signed by nobody/
    expect(await trouble({ url: `mqtts://localhost:${port}` })).toMatch(untrusted)
    expect(await trouble({ url: `mqtts://localhost:${port}`, ca: made.otherCa })).toMatch(/^ERR_BROKER_TLS /)
    expect(await trouble({ url: `mqtts://localhost:${port}`, ca: `${made.ca}.gone` })).toMatch(
      /^ERR_BROKER_SECRET ca = ".*\.gone": there is no such file$/,
    )
  })

  it('is refused where its certificate has ended or is for another name, and where there is no TLS', async () => {
    const [ended, other, plain] = await Promise.all([
      server(made.expired),
      server(made.elsewhere),
      ServerProcess.start(mosquitto()).then((process) => {
        ends.push(() => process.remove())
        return process.port
      }),
    ])
    const { ca } = made
    expect(await trouble({ url: `mqtts://localhost:${ended}`, ca })).toMatch(
      /^ERR_BROKER_TLS .* its certificate has ended/,
    )
    expect(await trouble({ url: `mqtts://localhost:${other}`, ca })).toMatch(
      /^ERR_BROKER_TLS .* its certificate is for DNS:broker\.example, and not for localhost$/,
    )
    expect(await trouble({ url: `mqtts://localhost:${plain}`, ca })).toMatch(/^ERR_BROKER_/)
  })

  it('that wants to see a certificate is shown the one of the table, and says so where it is none or a wrong one', async () => {
    const port = await server(made.server, 'require_certificate true')
    const url = `mqtts://localhost:${port}`
    const { ca } = made
    await carries({ url, ca, ...made.client })
    expect(await trouble({ url, ca })).toMatch(
      /^ERR_BROKER_TLS .* and this node: it (wants a certificate|refuses)/,
    )
    expect(await trouble({ url, ca, ...made.stranger })).toMatch(/^ERR_BROKER_TLS .* and this node: it /)
    expect(await trouble({ url, ca, ...made.expired })).toMatch(/^ERR_BROKER_SECRET .*it ended on/)
  })

  it('is spoken to through a WebSocket, with the same certificates', async () => {
    const inside = await ServerProcess.start(mosquitto())
    ends.push(() => inside.remove())
    const { port, stop } = await webProxy(inside.port, made.server, '/mqtt')
    ends.push(stop)
    await carries({ url: `wss://localhost:${port}/mqtt`, ca: made.ca })
    expect(await trouble({ url: `wss://localhost:${port}/mqtt` })).toMatch(
      /^ERR_BROKER_TLS .* signed by nobody whom this node trusts/,
    )
    const elsewhere = await trouble({ url: `wss://localhost:${port}/other`, ca: made.ca })
    expect(elsewhere).toMatch(/^ERR_BROKER_REFUSED .* refused the WebSocket with HTTP 400; is the path right/)
    const bounded = brokerAt({ url: `wss://localhost:${port}/mqtt`, ca: made.ca, largest: 1_000 })
    const sender = brokerAt({ url: `wss://localhost:${port}/mqtt`, ca: made.ca })
    const heard: number[] = []
    bounded.listen('t', ({ payload }) => heard.push(payload.length))
    await until(() => bounded.health().state === 'up' && sender.health().state === 'up', 'both')
    await sender.publish('t', bytes('x'.repeat(2_000)))
    await sender.publish('t', bytes('x'))
    await until(() => heard.length > 0, 'the small one')
    expect(heard).toEqual([1])
  })
})
