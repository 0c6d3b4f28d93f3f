/** Publishing over TCP: a real listener before a node that does nothing, and clients that sign rightly or not. */
import { mkdtemp, rm } from 'node:fs/promises'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { digestOf, keyPairFromSeed, silentLog, systemClock, systemRandom } from '../../../core/index.ts'
import {
  acquireDataLock,
  connectToDeploy,
  ControlServer,
  DeployServer,
  routes,
  type ControlClient,
  type DataLock,
} from '../../../host/api/index.ts'
import { signDeployRequest } from '../../../host/api/deploy-request.ts'
import { FakeNode } from './fake-node.ts'

const mesh = digestOf(Buffer.from('harbor'))
const publisher = keyPairFromSeed(new Uint8Array(32).fill(1))
const stranger = keyPairFromSeed(new Uint8Array(32).fill(2))
const failing = (code: string) => expect.objectContaining({ code }) as Error
const nothing = digestOf(new Uint8Array())

let folder: string
let lock: DataLock
let node: FakeNode
let control: ControlServer
let server: DeployServer
let isTrusted: boolean
let refusals: { code: string; message: string; from: string }[]

function deployServer(port = 0): DeployServer {
  return new DeployServer({
    control,
    mesh,
    mayPublish: (key) => isTrusted && Buffer.compare(key, publisher.publicKey) === 0,
    refused: ({ code, message }, from) => refusals.push({ code, message, from }),
    host: '127.0.0.1',
    port,
    random: systemRandom,
    clock: systemClock,
    log: silentLog,
  })
}

beforeEach(async () => {
  isTrusted = true
  refusals = []
  folder = await mkdtemp(join(tmpdir(), 'selvedge-deploy-'))
  lock = await acquireDataLock(folder)
  node = new FakeNode()
  control = new ControlServer({ node, lock, clock: systemClock, log: silentLog })
  server = deployServer()
  await server.start()
})

afterEach(async () => {
  await server.stop()
  await lock.release()
  await rm(folder, { recursive: true, force: true })
})

const url = (): string => `http://127.0.0.1:${server.address?.port}`
const client = (key = publisher, of = mesh): Promise<ControlClient> =>
  connectToDeploy({ url: url(), key, mesh: of })

/** One request as it stands. */
function raw(
  route: string,
  headers: Record<string, string>,
  body = new Uint8Array(),
): Promise<{ status: number; text: string }> {
  const [method, path] = route.split(' ')
  return new Promise((resolve, reject) => {
    const sent = request(`${url()}${path}`, { method, headers, agent: false }, (response) => {
      let text = ''
      response.on('data', (chunk: Buffer) => (text += chunk.toString()))
      response.on('end', () => resolve({ status: response.statusCode ?? 0, text }))
    })
    sent.on('error', reject)
    sent.end(body)
  })
}

async function nonce(): Promise<string> {
  return (JSON.parse((await raw(routes.deploy, {})).text) as { nonce: string }).nonce
}

describe('a build job', () => {
  it('sees what runs, uploads and publishes with nothing but its key', async () => {
    const job = await client()
    expect((await job.status()).mesh).toEqual(node.report.mesh)
    const component = new Uint8Array(200_000).fill(7)
    const intent = { app: 'blink', grants: ['pin:led'], triggers: [], memoryBytes: null }
    expect((await job.upload(component, intent)).digest).toBe(digestOf(component))
    expect(node.uploads).toEqual([{ size: component.length, intent }])
    const record = Uint8Array.of(1, 2, 3)
    await job.publish(record)
    expect(node.published.map((bytes) => digestOf(bytes))).toEqual([digestOf(record)])
  })

  it('is told that its key is of another mesh before anything is signed with it', async () => {
    const job = await client(publisher, digestOf(Buffer.from('elsewhere')))
    await expect(job.status()).rejects.toThrow(failing('ERR_DEPLOY_KEY'))
  })

  it('whose key was revoked a moment ago is refused', async () => {
    const job = await client()
    await job.status()
    isTrusted = false
    await expect(job.publish(Uint8Array.of(1))).rejects.toThrow(failing('ERR_DEPLOY_KEY'))
    expect(node.published).toEqual([])
  })

  it('can do nothing but publish', async () => {
    const job = await client()
    for (const call of [
      () => job.stop(),
      () => job.setNetwork(false),
      () => job.changeTrust(Uint8Array.of(1)),
      () => job.inviteContext(),
      () => job.logs(),
    ]) {
      await expect(call()).rejects.toThrow(failing('ERR_API_ROUTE'))
    }
    expect(node.signed).toEqual([])
  })

  it('speaks to no other machine without TLS, and says how it could', async () => {
    for (const wrong of [
      'http://edge.example:7440',
      'http://192.0.2.1',
      'ftp://127.0.0.1',
      'http://user:word@127.0.0.1',
      'edge.example',
    ]) {
      await expect(connectToDeploy({ url: wrong, key: publisher, mesh })).rejects.toThrow(
        failing('ERR_NODE_URL'),
      )
    }
  })

  it('goes on after the node was started again, which knows nothing of what was signed before', async () => {
    const job = await client()
    await job.status()
    const { port = 0 } = server.address ?? {}
    await server.stop()
    await expect(job.status()).rejects.toThrow(failing('ERR_NODE_UNREACHABLE'))
    server = deployServer(port)
    await server.start()
    expect((await job.status()).mesh).toEqual(node.report.mesh)
    await job.publish(Uint8Array.of(1))
    expect(node.published).toHaveLength(1)
  })

  it('that is refused for its key does not ask again and again', async () => {
    const job = await client(stranger)
    await expect(job.status()).rejects.toThrow(failing('ERR_DEPLOY_KEY'))
    expect(refusals).toHaveLength(1)
    expect(refusals[0]).toMatchObject({ code: 'ERR_DEPLOY_KEY', from: '127.0.0.1' })
    expect(refusals[0]?.message).toContain('may publish nothing in this mesh')
  })

  it('is told where nobody listens', async () => {
    const job = await client()
    await server.stop()
    await expect(job.status()).rejects.toThrow(failing('ERR_NODE_UNREACHABLE'))
  })
})

describe('whoever else reaches the address', () => {
  it('learns the mesh and nothing more', async () => {
    const greeting = await raw(routes.deploy, {})
    expect(JSON.parse(greeting.text)).toEqual({
      mesh,
      nonce: expect.stringMatching(/^[0-9a-f]{64}$/) as string,
    })
    for (const headers of [
      {},
      { authorization: 'Bearer x' },
      { authorization: `Selvedge-Deploy ${'a'.repeat(300)}` },
    ]) {
      const { status, text } = await raw(routes.status, headers as Record<string, string>)
      expect({ status, code: (JSON.parse(text) as { error: { code: string } }).error.code }).toEqual({
        status: 403,
        code: 'ERR_DEPLOY_KEY',
      })
    }
  })

  it('is refused with a key that may publish nothing', async () => {
    await expect((await client(stranger)).publish(Uint8Array.of(1))).rejects.toThrow(
      failing('ERR_DEPLOY_KEY'),
    )
    expect(node.published).toEqual([])
  })

  it('is refused before it has sent the body it announces', async () => {
    const headers = { 'content-length': String(60 * 1024 * 1024) }
    const answered = new Promise<number>((resolve, reject) => {
      const sent = request(
        `${url()}/v1/components`,
        { method: 'POST', headers, agent: false },
        (response) => {
          resolve(response.statusCode ?? 0)
          sent.destroy()
        },
      )
      sent.on('error', reject)
      sent.flushHeaders()
    })
    expect(await answered).toBe(403)
  })

  it('cannot use what was signed for another request', async () => {
    const record = Uint8Array.of(1, 2, 3)
    const greeting = { mesh, nonce: await nonce() }
    const [method = '', path = ''] = routes.publish.split(' ')
    const signed = { ...greeting, method, path, body: digestOf(record) }
    const authorization = signDeployRequest(signed, publisher)
    const statusOf = async (route: string, proof: string, body = record): Promise<number> =>
      (await raw(route, { authorization: proof }, body)).status
    expect(await statusOf(routes.publish, authorization, Uint8Array.of(9))).toBe(400)
    expect(await statusOf(`${routes.publish}?app=x`, authorization)).toBe(403)
    expect(await statusOf(routes.upload, authorization)).toBe(403)
    for (const other of [
      { ...signed, mesh: digestOf(Buffer.from('elsewhere')) },
      { ...signed, nonce: 'ab'.repeat(32) },
      { ...signed, method: 'GET' },
    ]) {
      expect(await statusOf(routes.publish, signDeployRequest(other, publisher))).toBe(403)
    }
    expect(
      await statusOf(
        routes.publish,
        authorization.replace(/key=\w{64}/, `key=${Buffer.from(stranger.publicKey).toString('hex')}`),
      ),
    ).toBe(403)
    expect(node.published).toEqual([])
    expect(await statusOf(routes.publish, authorization)).toBe(200)
    // And not once the node has started anew.
    await server.stop()
    server = deployServer()
    await server.start()
    expect(await statusOf(routes.publish, authorization)).toBe(403)
    const status = { ...greeting, nonce: await nonce(), method: 'GET', path: '/v1/status', body: nothing }
    expect(await statusOf(routes.status, signDeployRequest(status, publisher), new Uint8Array())).toBe(200)
  })
})
