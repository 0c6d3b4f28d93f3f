/** A request's whole way: client, server, sandbox, a real guest's handler, and back. */
import { request as httpRequest, type IncomingMessage } from 'node:http'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { silentLog, systemClock } from '../../../core/index.ts'
import type { Engine, Sandbox } from '../../../host/engine/index.ts'
import { componentIngress, HttpServer, type Ingress } from '../../../host/http/index.ts'
import { bindInterfaces, grantedInterfaces, interfaceOffers } from '../../../host/interfaces/index.ts'
import type { GuestName } from '../../guests/index.ts'
import { makeEngine, requestFor } from '../engine/kit.ts'
import { appContext } from '../interfaces/app-context.ts'

const engine: Engine = makeEngine()
const sandboxes: Sandbox[] = []
const apps = new Map<string, Ingress>()
const server = new HttpServer({
  host: '127.0.0.1',
  port: 0,
  hosts: new Map(),
  ingressOf: (app) => apps.get(app) ?? null,
  textOf: (code) => code,
  clock: systemClock,
  log: silentLog,
  limits: { stopMs: 100 },
})

async function start(name: GuestName, deadlineMs = 5_000): Promise<void> {
  const prepared = await engine.prepare(
    await requestFor(name, {
      granted: grantedInterfaces([]),
      offered: interfaceOffers,
      requiredExports: ['wasi:http/incoming-handler@0.2.12'],
    }),
  )
  const imports = bindInterfaces([], appContext())
  const sandbox = await engine.start({
    app: name,
    prepared,
    imports,
    deadlineMs,
    memoryBytes: 4 * 1024 * 1024,
  })
  sandboxes.push(sandbox)
  apps.set(name, componentIngress(name, sandbox))
}

interface Answer {
  readonly status: number
  readonly headers: IncomingMessage['headers']
  readonly body: Buffer
}

function ask(path: string, body?: Uint8Array, method = body === undefined ? 'GET' : 'POST'): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const req = httpRequest({ port: server.address!.port, path, method, agent: false }, (res) => {
      const pieces: Buffer[] = []
      res.on('data', (piece: Buffer) => pieces.push(piece))
      res.on('error', reject)
      res.on('end', () =>
        resolve({ status: res.statusCode ?? 0, headers: res.headers, body: Buffer.concat(pieces) }),
      )
    })
    req.on('error', reject)
    req.end(body)
  })
}

beforeAll(async () => {
  await Promise.all([server.start(), start('hello-http'), start('relay-http')])
})

afterAll(async () => {
  await server.stop()
  await Promise.all(sandboxes.map((sandbox) => sandbox.stop()))
  await engine.stop()
})

describe('a guest behind wasi:http', () => {
  it('answers', async () => {
    const { status, headers, body } = await ask('/hello-http/')
    expect(status).toBe(200)
    expect(headers['content-type']).toBe('text/plain')
    expect(headers['content-length']).toBe('13')
    expect(String(body)).toBe('hello, world\n')
  })

  it('answers request after request', async () => {
    for (let at = 0; at < 20; at += 1) {
      const answers = await Promise.all(Array.from({ length: 10 }, () => ask('/hello-http/x')))
      expect(answers.every(({ status }) => status === 200)).toBe(true)
    }
  })

  it('gets a small body and gives it back', async () => {
    const { status, body } = await ask('/relay-http/', Buffer.from('hello'))
    expect(status).toBe(200)
    expect(String(body)).toBe('hello')
  })

  it('relays a body that is larger than every buffer on the way', async () => {
    const sent = Buffer.alloc(3 * 1024 * 1024)
    for (let at = 0; at < sent.length; at += 1) sent[at] = (at * 31) % 251
    const { status, body } = await ask('/relay-http/', sent)
    expect(status).toBe(200)
    expect(body.equals(sent)).toBe(true)
  })

  it('relays a stream piece by piece, before its end is sent', async () => {
    const req = httpRequest({
      port: server.address!.port,
      path: '/relay-http/',
      method: 'POST',
      agent: false,
    })
    req.write('first')
    const res = await new Promise<IncomingMessage>((resolve, reject) => {
      req.on('response', resolve).on('error', reject)
    })
    const pieces = res[Symbol.asyncIterator]()
    expect(String((await pieces.next()).value)).toBe('first')
    req.write('second')
    expect(String((await pieces.next()).value)).toBe('second')
    req.end()
    expect((await pieces.next()).done).toBe(true)
  })

  it('is free for the next client when one goes away in the middle', async () => {
    for (let at = 0; at < 3; at += 1) {
      const req = httpRequest({
        port: server.address!.port,
        path: '/relay-http/',
        method: 'POST',
        agent: false,
      })
      req.on('error', () => {})
      req.write('first')
      const res = await new Promise<IncomingMessage>((resolve) => req.on('response', resolve))
      res.on('error', () => {})
      await new Promise((resolve) => res.once('data', resolve))
      req.destroy()
    }
    expect(String((await ask('/relay-http/', Buffer.from('hello'))).body)).toBe('hello')
  })
})
