/** Metrics over TCP: one question, for whoever may ask it, and nothing that a stranger could do with it. */
import { request } from 'node:http'
import { afterEach, describe, expect, it } from 'vitest'
import { createLog, silentLog, systemClock, type Log, type LogEntry } from '../../../core/index.ts'
import { isLoopback, isOwnHost } from '../../../host/metrics/host-name.ts'
import { MetricsServer } from '../../../host/metrics/index.ts'
import { rawClient } from '../http/raw-client.ts'

const servers: MetricsServer[] = []
afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.stop()))
})

interface Options {
  readonly text?: () => Promise<string>
  readonly hosts?: readonly string[]
  readonly host?: string
  readonly log?: Log
}

async function serve(options: Options = {}): Promise<{ server: MetricsServer; port: number }> {
  const { text = async () => 'selvedge_up 1\n', hosts = [], host = '127.0.0.1', log = silentLog } = options
  const server = new MetricsServer({ metrics: { text }, host, port: 0, hosts, clock: systemClock, log })
  servers.push(server)
  await server.start()
  return { server, port: server.address!.port }
}

interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly body: string
}

function ask(port: number, { method = 'GET', path = '/metrics', host = '' } = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const headers = host === '' ? {} : { host }
    const call = request({ port, host: '127.0.0.1', method, path, headers, agent: false }, (response) => {
      let body = ''
      response.on('data', (chunk: Buffer) => (body += chunk.toString()))
      response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body }))
    })
    call.on('error', reject)
    call.end()
  })
}

describe('the address for metrics', () => {
  it('answers GET and HEAD of /metrics, and a query changes nothing', async () => {
    const { port } = await serve()
    expect(await ask(port)).toMatchObject({
      status: 200,
      body: 'selvedge_up 1\n',
      headers: { 'content-type': 'text/plain; version=0.0.4; charset=utf-8', 'content-length': '14' },
    })
    expect(await ask(port, { path: '/metrics?x=1' })).toMatchObject({ status: 200, body: 'selvedge_up 1\n' })
    expect(await ask(port, { method: 'HEAD' })).toMatchObject({
      status: 200,
      body: '',
      headers: { 'content-length': '14' },
    })
  })

  it.each([
    [{ method: 'POST' }, 405],
    [{ method: 'DELETE' }, 405],
    [{ path: '/' }, 404],
    [{ path: '/v1/stop', method: 'POST' }, 404],
    [{ path: '/metrics/' }, 404],
    [{ host: 'evil.example' }, 403],
  ])('refuses %j with %i and says what to do', async (question, status) => {
    const { port } = await serve()
    const answer = await ask(port, question)
    expect(answer.status).toBe(status)
    expect(answer.body).toMatch(/^ERR_METRICS_[A-Z]+: .+; .+\n$/)
    expect(answer.body).not.toContain('selvedge_up')
    expect(answer.headers['allow']).toBe(status === 405 ? 'GET, HEAD' : undefined)
  })

  it('takes a name that the owner of the node gave it', async () => {
    const { port } = await serve({ hosts: ['node-1.lan'] })
    expect((await ask(port, { host: 'Node-1.lan:9464' })).status).toBe(200)
  })

  it('does not read a body, and does not keep a connection that has one', async () => {
    const { port } = await serve()
    const client = rawClient(port)
    client.send('GET /metrics HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\n\r\nabc')
    const heard = await client.closed()
    expect(heard).toMatch(/^HTTP\/1\.1 200 /)
    expect(heard.toLowerCase()).toContain('connection: close')
  })

  it('refuses a head that is too large, and what is no request', async () => {
    const { port } = await serve()
    const large = rawClient(port)
    large.send(`GET /metrics HTTP/1.1\r\nHost: localhost\r\nX: ${'a'.repeat(20_000)}\r\n\r\n`)
    expect(await large.closed()).toMatch(/^HTTP\/1\.1 431 /)
    const odd = rawClient(port)
    odd.send('hello\r\n\r\n')
    expect(await odd.closed()).toMatch(/^HTTP\/1\.1 400 /)
  })

  it('collects once for those who ask in the same moment', async () => {
    let collected = 0
    const { port } = await serve({ text: async () => `selvedge_up ${(collected += 1)}\n` })
    const answers = await Promise.all(Array.from({ length: 8 }, () => ask(port)))
    expect(new Set(answers.map(({ body }) => body))).toEqual(new Set(['selvedge_up 1\n']))
    await expect.poll(async () => (await ask(port)).body).toBe('selvedge_up 2\n')
  })

  it('answers 500 where collecting fails, tells the log alone why, and goes on', async () => {
    const told: LogEntry[] = []
    let fails = true
    const { port } = await serve({
      text: async () => {
        if (fails) throw new Error('secret')
        return 'selvedge_up 1\n'
      },
      log: createLog((entry) => void told.push(entry), systemClock),
    })
    const answer = await ask(port)
    expect(answer.status).toBe(500)
    expect(answer.body).not.toContain('secret')
    expect(JSON.stringify(told)).toContain('secret')
    fails = false
    await expect.poll(async () => (await ask(port)).status).toBe(200)
  })

  it('warns where others than this machine can reach it', async () => {
    const told: LogEntry[] = []
    const log = createLog((entry) => void told.push(entry), systemClock)
    await serve({ log })
    expect(told).toEqual([])
    await serve({ log, host: '0.0.0.0' })
    expect(told).toMatchObject([{ event: 'metrics:open', level: 'warn' }])
  })

  it('says which address is taken', async () => {
    const { port } = await serve()
    const server = new MetricsServer({
      metrics: { text: async () => '' },
      host: '127.0.0.1',
      port,
      hosts: [],
      clock: systemClock,
      log: silentLog,
    })
    await expect(server.start()).rejects.toMatchObject({
      code: 'ERR_METRICS_LISTEN',
      message: expect.stringContaining(`127.0.0.1:${port}`) as string,
    })
    await server.stop()
  })

  it('starts and stops twice, with a client that holds its connection', async () => {
    const { server, port } = await serve()
    await server.start()
    const client = rawClient(port)
    client.send('GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n')
    await client.until('selvedge_up')
    await Promise.all([server.stop(), server.stop()])
    await client.closed()
    expect(server.address).toBeNull()
  })
})

describe('a Host field', () => {
  it.each([
    '127.0.0.1',
    '127.0.0.1:9464',
    '10.0.0.7:80',
    '[::1]:9464',
    '[fe80::1]',
    'localhost',
    'LOCALHOST:1',
  ])('%s cannot be a name that somebody else pointed here', (field) =>
    expect(isOwnHost(field, [])).toBe(true),
  )
  it.each(['garage-1.local', 'garage-1.local.:9464', 'metrics.localhost'])('%s is one’s own', (field) =>
    expect(isOwnHost(field, [])).toBe(true),
  )
  it.each([
    undefined,
    '',
    'evil.example',
    'localhost.evil.example',
    'evillocalhost',
    'local.example',
    '127.0.0.1.evil.example',
    '127.0.0.1@evil.example',
    '[evil]',
    '127.0.0.1:x',
    'a:1:2',
    '2130706433',
  ])('%s is refused', (field) => expect(isOwnHost(field, [])).toBe(false))
})

it('only addresses of this machine alone are loopback', () => {
  for (const host of ['127.0.0.1', '127.8.9.1', '::1', 'localhost', 'LocalHost'])
    expect(isLoopback(host)).toBe(true)
  for (const host of ['0.0.0.0', '::', '10.0.0.1', '127.0.0.1.example', '1127.0.0.1'])
    expect(isLoopback(host)).toBe(false)
})
