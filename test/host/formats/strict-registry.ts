/**
 * A registry in memory that follows the distribution specification 1.1 to the letter, asks for a token, and sends blobs
 * by redirect: stricter than most, so that a client that is lax is found out.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { digestOf } from './images.ts'

export interface StrictRegistry {
  readonly host: string
  readonly manifests: Map<string, { readonly type: string; readonly bytes: Uint8Array }>
  readonly blobs: Map<string, Uint8Array>
  /** `METHOD path`, with what was wrong where something was. */
  readonly calls: string[]
  /** In place of the right answer to a path, where it returns true. */
  sabotage: (path: string, response: ServerResponse) => boolean
  stop(): Promise<void>
}

export interface StrictOptions {
  /** `user:password`; nobody is let in without. */
  readonly login?: string
}

const token = 'let-me-in'

export async function strictRegistry({ login }: StrictOptions = {}): Promise<StrictRegistry> {
  const manifests: StrictRegistry['manifests'] = new Map()
  const blobs: StrictRegistry['blobs'] = new Map()
  const uploads = new Set<string>()
  const calls: string[] = []
  const registry = {
    manifests,
    blobs,
    calls,
    sabotage: (): boolean => false,
  } as unknown as StrictRegistry & {
    host: string
  }

  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const url = new URL(request.url ?? '/', `http://${registry.host}`)
    const { pathname } = url
    calls.push(`${request.method} ${pathname}`)
    const body = await bodyOf(request)
    if (registry.sabotage(pathname, response)) return
    if (pathname === '/token') return giveToken(url, request, response)
    if (pathname.startsWith('/cdn/')) {
      // Somebody else's machine: it must not see who asks.
      if (request.headers.authorization !== undefined) return say(response, 400, 'a token came along')
      return send(response, 200, blobs.get(pathname.slice(5)) ?? new Uint8Array())
    }
    if (request.headers.authorization !== `Bearer ${token}`) {
      response.setHeader(
        'www-authenticate',
        `Bearer realm="http://${registry.host}/token",service="strict",scope="repository:org/app:pull"`,
      )
      return say(response, 401, 'who are you?')
    }
    const [, kind = '', name = ''] = /^\/v2\/org\/app\/(manifests|blobs)\/(.+)$/.exec(pathname) ?? []
    if (kind === 'manifests') return manifest(name, request, response, body)
    if (kind === 'blobs' && name.startsWith('uploads/')) return upload(url, name, request, response, body)
    if (kind === 'blobs') return blob(name, request, response)
    return say(response, 404, 'no such thing')
  }

  const giveToken = (url: URL, request: IncomingMessage, response: ServerResponse): void => {
    const wanted = login === undefined ? undefined : `Basic ${Buffer.from(login).toString('base64')}`
    if (url.searchParams.get('service') !== 'strict') return say(response, 400, 'which service?')
    if (!/^repository:org\/app:pull(,push)?$/.test(url.searchParams.get('scope') ?? ''))
      return say(response, 400, 'which scope?')
    if (request.headers.authorization !== wanted) return say(response, 401, 'wrong password')
    send(response, 200, new TextEncoder().encode(JSON.stringify({ token })))
  }

  const manifest = (
    name: string,
    request: IncomingMessage,
    response: ServerResponse,
    body: Uint8Array,
  ): void => {
    if (request.method === 'PUT') {
      const { config, layers } = JSON.parse(Buffer.from(body).toString()) as {
        config: { digest: string }
        layers: { digest: string }[]
      }
      const missing = [config, ...layers].find(({ digest }) => !blobs.has(digest))
      if (missing !== undefined) return say(response, 400, `blob unknown: ${missing.digest}`)
      const held = { type: request.headers['content-type'] ?? '', bytes: body }
      manifests.set(name, held)
      manifests.set(digestOf(body), held)
      return say(response, 201, '')
    }
    const held = manifests.get(name)
    if (held === undefined) return say(response, 404, 'manifest unknown')
    if (!(request.headers.accept ?? '').includes(held.type)) return say(response, 406, 'not acceptable')
    response.setHeader('content-type', held.type)
    send(response, 200, held.bytes)
  }

  const upload = (
    url: URL,
    name: string,
    request: IncomingMessage,
    response: ServerResponse,
    body: Uint8Array,
  ): void => {
    if (request.method === 'POST' && name === 'uploads/') {
      const id = `${uploads.size}`
      uploads.add(id)
      response.setHeader('location', `/v2/org/app/blobs/uploads/${id}?state=kept`)
      return say(response, 202, '')
    }
    const digest = url.searchParams.get('digest') ?? ''
    if (request.method !== 'PUT' || !uploads.delete(name.slice(8)))
      return say(response, 404, 'upload unknown')
    if (url.searchParams.get('state') !== 'kept') return say(response, 400, 'the location was changed')
    if (request.headers['content-type'] !== 'application/octet-stream')
      return say(response, 400, 'content type missing')
    if (digestOf(body) !== digest) return say(response, 400, 'digest invalid')
    blobs.set(digest, body)
    say(response, 201, '')
  }

  const blob = (name: string, request: IncomingMessage, response: ServerResponse): void => {
    if (!blobs.has(name)) return say(response, 404, 'blob unknown')
    if (request.method === 'HEAD') return say(response, 200, '')
    // Another name of this machine is another origin.
    const port = registry.host.split(':')[1]
    response.setHeader('location', `http://localhost:${port}/cdn/${name}`)
    say(response, 307, '')
  }

  const server: Server = createServer((request, response) => void answer(request, response))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  registry.host = `127.0.0.1:${(server.address() as AddressInfo).port}`
  registry.stop = async () => {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  }
  return registry
}

function say(response: ServerResponse, status: number, message: string): void {
  const body = message === '' ? '' : JSON.stringify({ errors: [{ code: 'X', message }] })
  response.writeHead(status, { 'content-length': Buffer.byteLength(body) })
  response.end(body)
}

function send(response: ServerResponse, status: number, bytes: Uint8Array): void {
  response.writeHead(status, { 'content-length': bytes.length })
  response.end(bytes)
}

async function bodyOf(request: IncomingMessage): Promise<Uint8Array> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return new Uint8Array(Buffer.concat(chunks))
}
