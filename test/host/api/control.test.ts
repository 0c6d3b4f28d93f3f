import { setMaxListeners } from 'node:events'
import { existsSync, mkdirSync, statSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { request } from 'node:http'
import { connect as connectSocket, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { apiLimits, acquireDataLock, connect, ControlServer } from '../../../host/api/index.ts'
import type { ControlClient, DataLock, LogGap, LogLine, LogSelection } from '../../../host/api/index.ts'
import { SelvedgeError, silentLog, systemClock } from '../../../core/index.ts'
import { FakeLogs, FakeNode } from './fake-node.ts'
import { sampleAudit, sampleTrust } from './sample-status.ts'

let folder: string
let lock: DataLock
let node: FakeNode
let server: ControlServer
let client: ControlClient

async function serve(data: string, fake = new FakeNode()): Promise<void> {
  node = fake
  lock = await acquireDataLock(data)
  server = new ControlServer({ node, lock, clock: systemClock, log: silentLog })
  await server.start()
  client = connect({ data })
}

function raw(method: string, path: string, body = ''): Promise<{ status: number; code: string }> {
  return new Promise((resolve, reject) => {
    const call = request({ socketPath: server.socketPath, method, path, agent: false }, (response) => {
      let text = ''
      response.on('data', (chunk: Buffer) => (text += chunk.toString()))
      response.on('end', () => {
        const { error } = JSON.parse(text) as { error: { code: string } }
        resolve({ status: response.statusCode ?? 0, code: error.code })
      })
    })
    call.on('error', reject)
    call.end(body)
  })
}

async function texts(selection: LogSelection): Promise<string[]> {
  return (await client.logs(selection)).map(({ message }) => message)
}

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'selvedge-api-'))
})

afterEach(async () => {
  await server.stop()
  await lock.release()
  await rm(folder, { recursive: true, force: true })
})

describe('calls', () => {
  beforeEach(() => serve(folder))

  it('only the daemon’s user may open the socket', () => {
    expect(statSync(server.socketPath).mode & 0o777).toBe(0o600)
  })

  it('an answer arrives as the node gave it', async () => {
    expect(await client.status()).toEqual(node.report)
    expect(await client.releases('light-alarm')).toHaveLength(1)
    expect(await client.releases('another')).toEqual([])
    expect((await client.devices()).pins[0]?.level).toBe(true)
    expect((await client.publishContext('light-alarm')).app).toBe('light-alarm')
  })

  it('trust comes as the node has it, and what was signed elsewhere arrives to the byte', async () => {
    expect(await client.trust()).toEqual(sampleTrust)
    expect(await client.trustKey('ab'.repeat(32))).toEqual(node.keyFacts)
    const bytes = new Uint8Array([1, 2, 3])
    await client.changeTrust(bytes)
    await client.revoke(bytes)
    const receipt = await client.beat(bytes)
    expect(receipt.outcome).toBe('accepted')
    expect(node.signed.map(({ kind }) => kind)).toEqual(['trust', 'revocation', 'heartbeat'])
    expect(node.signed.every(({ bytes: came }) => Buffer.compare(came, bytes) === 0)).toBe(true)
  })

  it('a key that is none, and a signed record over its limit, are refused', async () => {
    for (const key of ['', 'xyz', 'AB'.repeat(32), 'ab'.repeat(33)])
      expect(await raw('GET', `/v1/trust/key?key=${key}`)).toEqual({ status: 400, code: 'ERR_API_REQUEST' })
    const tooMuch = 'x'.repeat(apiLimits.trustBytes + 1)
    expect((await raw('POST', '/v1/revocations', tooMuch)).code).toBe('ERR_API_BODY_TOO_LARGE')
    expect(node.signed).toEqual([])
  })

  it('the audit is read whole, in part, and followed', async () => {
    node.auditLines = [...sampleAudit]
    expect(await client.audit()).toEqual(sampleAudit)
    expect((await client.audit({ tail: 1 })).map(({ seq }) => seq)).toEqual([8])
    expect((await client.audit({ after: 6 })).map(({ seq }) => seq)).toEqual([7, 8])
    const ending = new AbortController()
    const seen: number[] = []
    for await (const line of client.followAudit({ after: 6 }, ending.signal)) {
      if (!('missed' in line)) seen.push(line.seq)
      if (seen.length === 2) ending.abort()
    }
    expect(seen).toEqual([7, 8])
  })

  it('metrics come as Prometheus’ text where it looks for it, and as JSON', async () => {
    expect(await client.metricsText()).toBe(await node.metrics.text())
    expect(await client.metrics()).toEqual(await node.metrics.json())
    const type = await new Promise((resolve, reject) => {
      const call = request({ socketPath: server.socketPath, path: '/metrics', agent: false }, (response) => {
        response.resume()
        resolve(response.headers['content-type'])
      })
      call.on('error', reject)
      call.end()
    })
    expect(type).toBe('text/plain; version=0.0.4; charset=utf-8')
  })

  it('an upload carries its bytes and what they will be signed with', async () => {
    const bytes = new Uint8Array(300_000).map((_, index) => index % 251)
    const intent = {
      app: 'light-alarm',
      grants: ['sensor:light', 'pin:led'],
      triggers: [{ kind: 'sensor', sensor: 'light', everyMs: 100 }],
      memoryBytes: 1 << 20,
    }
    const report = await client.upload(bytes, intent)
    expect(report.sizeBytes).toBe(300_000)
    expect(node.uploads).toEqual([{ size: 300_000, intent }])
  })

  it('a record arrives byte for byte', async () => {
    await client.publish(new Uint8Array([1, 2, 3, 255]))
    expect([...(node.published[0] ?? [])]).toEqual([1, 2, 3, 255])
  })

  it('the network is switched, and stop is asked for once', async () => {
    await client.setNetwork(false)
    expect(node.network).toBe(false)
    await client.stop()
    await expect.poll(() => node.stopRequests).toBe(1)
  })

  it('an error keeps its code, kind, message and hint', async () => {
    node.failure = new SelvedgeError('ERR_RELEASE_SIGNATURE', 'remote', 'not signed', 'sign it')
    await expect(client.status()).rejects.toMatchObject({
      code: 'ERR_RELEASE_SIGNATURE',
      kind: 'remote',
      message: 'not signed',
      hint: 'sign it',
    })
  })

  it('an error of ours that nobody foresaw is called internal', async () => {
    node.failure = new TypeError('x is not a function')
    await expect(client.status()).rejects.toMatchObject({ code: 'ERR_INTERNAL', kind: 'system' })
  })
})

describe('bad requests', () => {
  beforeEach(() => serve(folder))

  it.each([
    ['GET', '/v1/nothing', '', 404, 'ERR_API_ROUTE'],
    ['DELETE', '/v1/status', '', 404, 'ERR_API_ROUTE'],
    ['GET', '/v1/publish-context', '', 400, 'ERR_API_REQUEST'],
    ['GET', '/v1/logs?after=-1', '', 400, 'ERR_API_REQUEST'],
    ['GET', `/v1/releases?app=${'a'.repeat(200)}`, '', 400, 'ERR_API_REQUEST'],
    ['POST', '/v1/network', '{"on":', 400, 'ERR_API_REQUEST'],
    ['POST', '/v1/network', '[]', 400, 'ERR_API_REQUEST'],
    ['POST', '/v1/network', '{"on":"yes"}', 400, 'ERR_API_REQUEST'],
    ['POST', '/v1/components?grants={}', 'x', 400, 'ERR_API_REQUEST'],
    ['POST', '/v1/components?grants=[1]', 'x', 400, 'ERR_API_REQUEST'],
    ['POST', '/v1/components?triggers=[{}]', 'x', 400, 'ERR_API_REQUEST'],
  ])('%s %s %s is refused', async (method, path, body, status, code) => {
    expect(await raw(method, path, body)).toEqual({ status, code })
    expect(node.network).toBeNull()
    expect(node.uploads).toEqual([])
  })

  it('a record over the limit is refused, whether its length is announced or not', async () => {
    const body = new Uint8Array(apiLimits.recordBytes + 1)
    await expect(client.publish(body)).rejects.toMatchObject({ code: 'ERR_API_BODY_TOO_LARGE' })
    const status = await new Promise<number>((resolve, reject) => {
      const call = request(
        { socketPath: server.socketPath, method: 'POST', path: '/v1/releases', agent: false },
        (response) => {
          response.resume()
          resolve(response.statusCode ?? 0)
        },
      )
      call.on('error', reject)
      call.write(Buffer.alloc(40_000))
      call.end(Buffer.alloc(40_000))
    })
    expect(status).toBe(413)
    expect(node.published).toEqual([])
  })

  it('a client that hangs up in the middle of a body harms nobody', async () => {
    const socket = connectSocket(server.socketPath)
    await new Promise<void>((resolve) => socket.once('connect', () => resolve()))
    socket.write('POST /v1/releases HTTP/1.1\r\nhost: node\r\ncontent-length: 100\r\n\r\nhalf')
    socket.destroy()
    expect((await client.status()).mesh.name).toBe('harbor')
    expect(node.published).toEqual([])
  })
})

describe('logs', () => {
  it('are read after a position, or from the newest', async () => {
    await serve(folder)
    for (const index of [1, 2, 3, 4, 5]) node.logs.add(index === 3 ? 'other' : 'light-alarm', `line ${index}`)
    expect(await texts({ app: 'light-alarm' })).toEqual(['line 1', 'line 2', 'line 4', 'line 5'])
    expect(await texts({ after: 3 })).toEqual(['line 4', 'line 5'])
    expect(await texts({ app: 'light-alarm', tail: 3 })).toEqual(['line 2', 'line 4', 'line 5'])
    expect(await texts({ tail: 0 })).toEqual([])
  })

  it('are followed line by line, until the client leaves', async () => {
    await serve(folder)
    node.logs.add('light-alarm', 'before')
    const ending = new AbortController()
    const seen: (LogLine | LogGap)[] = []
    const following = (async () => {
      for await (const line of client.followLogs({ app: 'light-alarm', tail: 1 }, ending.signal))
        seen.push(line)
    })()
    await expect.poll(() => seen.length).toBe(1)
    node.logs.add('other', 'not mine')
    node.logs.add('light-alarm', 'after')
    await expect.poll(() => seen).toMatchObject([{ message: 'before' }, { message: 'after' }])
    expect(node.logs.listeners).toBe(1)
    ending.abort()
    await following
    await expect.poll(() => node.logs.listeners).toBe(0)
  })

  it('a follower that reads too slowly is told how many lines it missed, and the node holds no queue for it', async () => {
    await serve(folder, new FakeNode(new FakeLogs(50)))
    const ending = new AbortController()
    const stream = client.followLogs({ after: 0 }, ending.signal)
    node.logs.add('a', 'first')
    expect((await stream.next()).value).toMatchObject({ message: 'first' })
    // More than the buffers of two sockets hold, while nobody reads.
    const written = 5_000
    for (let index = 0; index < written; index += 1) node.logs.add('a', 'x'.repeat(2_000))
    let lines = 1
    let missed = 0
    for await (const value of stream) {
      if ('missed' in value) missed += value.missed
      else lines += 1
      if (lines + missed === written + 1) break
    }
    expect(missed).toBeGreaterThan(0)
    expect(lines + missed).toBe(written + 1)
  })

  it('no more than a few clients may follow', async () => {
    await serve(folder)
    node.logs.add('a', 'first')
    const ending = new AbortController()
    setMaxListeners(apiLimits.connections, ending.signal)
    const streams = Array.from({ length: apiLimits.followers }, () => client.followLogs({}, ending.signal))
    await Promise.all(streams.map((stream) => stream.next()))
    await expect(client.followLogs({}, ending.signal).next()).rejects.toMatchObject({ code: 'ERR_API_BUSY' })
    ending.abort()
    await Promise.all(streams.map((stream) => stream.return(undefined)))
  })

  it('a stream ends when the daemon stops', async () => {
    await serve(folder)
    node.logs.add('a', 'first')
    const stream = client.followLogs({}, new AbortController().signal)
    await stream.next()
    await server.stop()
    expect((await stream.next()).done).toBe(true)
  })
})

describe('the socket', () => {
  it('has a short hashed name where the data folder’s path is too long', async () => {
    const data = join(folder, 'd'.repeat(60), 'e'.repeat(60))
    mkdirSync(data, { recursive: true })
    await serve(data)
    expect(server.socketPath.startsWith('/tmp/selvedge-')).toBe(true)
    expect(Buffer.byteLength(server.socketPath)).toBeLessThan(100)
    expect((await client.status()).mesh.name).toBe('harbor')
    await server.stop()
    expect(existsSync(server.socketPath)).toBe(false)
  })

  it('that a dead daemon left is replaced', async () => {
    await serve(folder)
    const successor = new ControlServer({ node, lock, clock: systemClock, log: silentLog })
    await successor.start()
    expect((await connect({ data: folder }).status()).mesh.name).toBe('harbor')
    await successor.stop()
  })

  it('without a daemon says so, and how to start one', async () => {
    await serve(folder)
    await server.stop()
    const error = await client.status().catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ code: 'ERR_NODE_NOT_RUNNING' })
    expect((error as SelvedgeError).message).toContain(server.socketPath)
    expect((error as SelvedgeError).hint).toContain(`selvedge up --data ${folder}`)
  })

  it('that accepts and never answers is given up on', async () => {
    await serve(folder)
    await server.stop()
    const silent = createServer((socket) => socket.resume().on('error', () => {}))
    await new Promise<void>((resolve) => silent.listen(server.socketPath, resolve))
    await expect(connect({ data: folder, answerMs: 30 }).status()).rejects.toMatchObject({
      code: 'ERR_API_TIMEOUT',
    })
    await new Promise((resolve) => silent.close(resolve))
  })

  it('stops and starts again', async () => {
    await serve(folder)
    await server.stop()
    await server.stop()
    await server.start()
    await server.start()
    expect((await client.status()).mesh.name).toBe('harbor')
  })
})
