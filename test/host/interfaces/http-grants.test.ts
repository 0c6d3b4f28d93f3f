/** Grants of origins: how they are written, what they open, and what becomes of a request without one. */
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, it } from 'vitest'
import { httpPartName, type OutgoingCall } from '../../../host/guest/http/index.ts'
import { bindInterfaces, grantedNames, parseGrant } from '../../../host/interfaces/index.ts'
import { parseManifest, releaseDraft } from '../../../host/manifest/index.ts'
import { checkHandlers, planTriggers, requiredExports } from '../../../host/triggers/index.ts'
import { channelPair } from '../channel-pair.ts'
import { appContext } from './app-context.ts'

describe('a grant of an origin', () => {
  it('is written in one way, whatever the person wrote', () => {
    expect(parseGrant('http:https://API.example.com:443/')).toEqual({
      kind: 'http',
      name: 'https://api.example.com',
    })
    for (const text of [
      'http:example.com',
      'http:https://a/b',
      'http:ftp://a',
      'http:https://*.example.com',
      'http:',
    ]) {
      expect(() => parseGrant(text), text).toThrow(
        expect.objectContaining({ code: 'ERR_GRANT', hint: expect.stringContaining('http:https://') }),
      )
    }
  })

  it('of a signed record counts only in that form', () => {
    const grants = ['http:https://a', 'http:https://A', 'http:https://a:443', 'http:a', 'pin:led']
    expect(grantedNames(grants, 'http')).toEqual(['https://a'])
  })

  it('is a line of the manifest', () => {
    const manifest = parseManifest(
      '[app]\nname = "a"\nversion = "1.0.0"\n[grants]\nhttp = ["https://API.example.com"]\n[[triggers]]\nkind = "http"',
    )
    expect(releaseDraft(manifest)).toMatchObject({
      grants: ['http:https://api.example.com'],
      triggers: [{ kind: 'http' }],
    })
    expect(() =>
      parseManifest('[app]\nname = "a"\nversion = "1.0.0"\n[grants]\nhttp = ["api.example.com"]'),
    ).toThrow(/grants\.http\[0\].*is no origin/)
  })
})

const call: OutgoingCall = {
  method: 'GET',
  scheme: 'https',
  authority: 'other.example',
  path: '/',
  headers: [],
  body: null,
  trailers: null,
  connectTimeoutMs: null,
  firstByteTimeoutMs: null,
  betweenBytesTimeoutMs: null,
}

describe('a request without the grant', () => {
  it('is denied, and the log names the grant once', async () => {
    const lines: string[] = []
    const context = appContext({
      origins: new Set(['https://granted.example']),
      log: (level, scope, message) => void lines.push(`${level} ${scope}: ${message}`),
    })
    const bound = bindInterfaces(['http:https://granted.example'], context)
    const outgoing = bound.find(({ id }) => id.startsWith('wasi:http/outgoing-handler@'))
    const request = outgoing?.functions['request']
    if (request?.mode !== 'channel') throw new Error('it is no channel')
    expect(outgoing?.part).toBe(httpPartName)
    for (let at = 0; at < 2; at += 1) {
      const { guest, host } = channelPair()
      await request.run([call], host)
      expect(guest.receive()).toEqual({ t: 'error', code: { tag: 'HTTP-request-denied' } })
    }
    expect(lines).toEqual([
      'warn http: a request to https://other.example was denied: the release lacks the grant http:https://other.example',
    ])
  })
})

describe('a request that nobody answers', () => {
  it('ends before the time of the app that sent it, so that it can say so', async () => {
    const server = createServer(() => {}).listen(0, '127.0.0.1')
    await once(server, 'listening')
    try {
      const { port } = server.address() as AddressInfo
      const authority = `127.0.0.1:${port}`
      const bound = bindInterfaces(
        [`http:http://${authority}`],
        appContext({ origins: new Set([`http://${authority}`]) }),
      )
      const request = bound.find(({ id }) => id.startsWith('wasi:http/outgoing-handler@'))?.functions[
        'request'
      ]
      if (request?.mode !== 'channel') throw new Error('it is no channel')
      const { guest, host } = channelPair()
      await request.run([{ ...call, scheme: 'http', authority, firstByteTimeoutMs: 600_000 }], host, {
        leftMs: 300,
      })
      expect(guest.receive()).toEqual({ t: 'error', code: { tag: 'connection-read-timeout' } })
    } finally {
      server.closeAllConnections()
      server.close()
    }
  })
})

describe('an http trigger', () => {
  const [planned] = planTriggers([{ kind: 'http' }], [])

  it('is served by either handler, of any patch', () => {
    expect(requiredExports([planned!])).toEqual([])
    for (const id of [
      'wasi:http/incoming-handler@0.2.0',
      'wasi:http/incoming-handler@0.2.12',
      'selvedge:edge/http-handler@0.1.0',
    ]) {
      checkHandlers([planned!], [id])
    }
    for (const exports of [
      [],
      ['wasi:http/incoming-handler@0.3.0'],
      ['selvedge:edge/sensor-handler@0.1.0'],
    ]) {
      expect(() => checkHandlers([planned!], exports)).toThrow(
        expect.objectContaining({
          code: 'ERR_TRIGGER_HANDLER',
          message: expect.stringContaining('http-handler@0.1.0'),
        }),
      )
    }
  })

  it('has no options yet', () => {
    expect(() => planTriggers([{ kind: 'http', path: '/x' }], [])).toThrow(/triggers\[0\]\.path/)
  })
})
