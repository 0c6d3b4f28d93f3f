import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { systemClock } from '../../../core/index.ts'
import { createRegistry, parseReference, readArtifact } from '../../../host/formats/index.ts'
import { component, digestOf, imageWith } from './images.ts'
import { strictRegistry } from './strict-registry.ts'

const pull = (reference: string, env: Record<string, string>) => {
  const { signal } = new AbortController()
  const registry = createRegistry({
    clock: systemClock,
    env,
    signal,
    plainHttp: reference.startsWith('plain.test'),
  })
  return readArtifact(registry.image(parseReference(reference)), null)
}

describe('a proxy for plain HTTP', () => {
  it('is asked for the whole address, so that it knows where to go', async () => {
    // The strict registry understands whole addresses, and so can stand in for a proxy in front of itself.
    const registry = await strictRegistry()
    try {
      const image = imageWith([{ mediaType: 'application/wasm', bytes: component }])
      const type = 'application/vnd.oci.image.manifest.v1+json'
      for (const blob of image.blobs) registry.blobs.set(digestOf(blob), blob)
      registry.manifests.set('1', { type, bytes: image.manifest })
      const env = { HTTP_PROXY: `http://${registry.host}` }
      expect((await pull('plain.test/org/app:1', env)).component).toEqual(component)
    } finally {
      await registry.stop()
    }
  })
})

describe('a proxy for HTTPS', () => {
  let proxy: Server
  let address: string
  let asked: { target: string | undefined; authorization: string | undefined }[]
  let answer: (socket: Duplex) => void

  beforeEach(async () => {
    asked = []
    proxy = createServer()
    proxy.on('connect', (request: IncomingMessage, socket: Duplex) => {
      socket.on('error', () => {})
      asked.push({ target: request.url, authorization: request.headers['proxy-authorization'] })
      answer(socket)
    })
    await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve))
    address = `127.0.0.1:${(proxy.address() as AddressInfo).port}`
  })
  afterEach(async () => {
    proxy.closeAllConnections()
    await new Promise((resolve) => proxy.close(resolve))
  })

  it('is asked for a tunnel, with its own login, and its refusal is told', async () => {
    answer = (socket) => socket.end('HTTP/1.1 403 Forbidden\r\n\r\n')
    const env = { HTTPS_PROXY: `http://ada:se%20cret@${address}` }
    await expect(pull('registry.test/org/app:1', env)).rejects.toMatchObject({
      code: 'ERR_REGISTRY_UNREACHABLE',
      message: expect.stringContaining(`through the proxy ${address}: it answers 403`) as string,
    })
    const authorization = `Basic ${Buffer.from('ada:se cret').toString('base64')}`
    expect(asked).toEqual([{ target: 'registry.test:443', authorization }])
  })

  it('carries nothing before the registry has proved itself', async () => {
    const heard: Buffer[] = []
    answer = (socket) => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n')
      socket.on('data', (bytes: Buffer) => {
        heard.push(bytes)
        socket.end('HTTP/1.1 200 OK\r\n\r\n')
      })
    }
    await expect(pull('registry.test/org/app:1', { HTTPS_PROXY: `http://${address}` })).rejects.toMatchObject(
      {
        code: 'ERR_REGISTRY_UNREACHABLE',
      },
    )
    // A TLS handshake, and no request in the clear.
    expect(heard[0]?.[0]).toBe(0x16)
    expect(Buffer.concat(heard).toString('latin1')).not.toContain('manifests')
  })
})
