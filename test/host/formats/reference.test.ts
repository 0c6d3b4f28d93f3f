import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isReference, parseReference } from '../../../host/formats/index.ts'
import { readChallenges } from '../../../host/formats/registry/challenge.ts'
import { proxyFor } from '../../../host/formats/registry/proxy.ts'
import { referenceText } from '../../../host/formats/registry/reference.ts'

const digest = `sha256:${'0a'.repeat(32)}`

describe('a reference', () => {
  it.each([
    ['ghcr.io/org/app:1.2', { registry: 'ghcr.io', repository: 'org/app', tag: '1.2', digest: null }],
    ['localhost:5000/x', { registry: 'localhost:5000', repository: 'x', tag: null, digest: null }],
    [`localhost/x@${digest}`, { registry: 'localhost', repository: 'x', tag: null, digest }],
    [`oci://a.b/c:d@${digest}`, { registry: 'a.b', repository: 'c', tag: 'd', digest }],
    ['docker.io/hello', { registry: 'docker.io', repository: 'library/hello', tag: null, digest: null }],
    ['[::1]:5000/x', { registry: '[::1]:5000', repository: 'x', tag: null, digest: null }],
  ])('%s is understood', (text, parts) => expect(parseReference(text)).toEqual(parts))

  it.each([
    'app',
    'org/app:1',
    'ghcr.io/',
    'ghcr.io/Org/app',
    'ghcr.io/a:b:c',
    'ghcr.io/a@sha256:1',
    'ghcr.io/../x',
  ])('%s is none', (text) => expect(() => parseReference(text)).toThrow(/no reference into a registry/))

  it.each(['./ghcr.io/x', '../x/y', '/abs/path', 'components/light-alarm', 'app.wasm', '.'])(
    '%s is a path',
    (text) => expect(isReference(text)).toBe(false),
  )

  it('that is understood is written as it was read', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 60 }), (text) => {
        try {
          const parsed = parseReference(`ghcr.io/${text}`)
          expect(parseReference(referenceText(parsed))).toEqual(parsed)
        } catch (error) {
          expect(error).toMatchObject({ code: 'ERR_REGISTRY_REFERENCE' })
        }
      }),
    )
  })
})

describe('a challenge', () => {
  it('names where to ask for a token, quoted or not', () => {
    const header =
      'Bearer realm="https://auth.io/token?a=b,c",service=reg,scope="repository:a:pull,push", Basic realm="x"'
    expect(readChallenges(header)).toEqual([
      {
        scheme: 'bearer',
        parameters: { realm: 'https://auth.io/token?a=b,c', service: 'reg', scope: 'repository:a:pull,push' },
      },
      { scheme: 'basic', parameters: { realm: 'x' } },
    ])
  })

  it('of any text is read without an error', () => {
    fc.assert(fc.property(fc.string(), (text) => void readChallenges(`Bearer ${text}`)))
  })
})

describe('a proxy', () => {
  const of = (url: string, env: Record<string, string>) => proxyFor(new URL(url), env)?.host ?? null

  it('is taken from the variables that curl takes, and not for this machine', () => {
    const env = { HTTPS_PROXY: 'http://proxy:3128', NO_PROXY: 'ghcr.io, .corp:5000' }
    expect(of('https://quay.io/', env)).toBe('proxy:3128')
    expect(of('https://ghcr.io/', env)).toBeNull()
    expect(of('https://x.ghcr.io/', env)).toBeNull()
    expect(of('https://a.corp:5000/', env)).toBeNull()
    expect(of('https://a.corp:6000/', env)).toBe('proxy:3128')
    expect(of('http://localhost:5000/', { HTTP_PROXY: 'http://proxy:1' })).toBeNull()
    expect(of('https://quay.io/', { https_proxy: 'http://small:1', HTTPS_PROXY: 'http://large:1' })).toBe(
      'small:1',
    )
  })

  it('that is none is refused, without its password', () => {
    expect(() => of('https://quay.io/', { HTTPS_PROXY: 'socks5://ada:secret@proxy:1' })).toThrow(
      /^(?!.*secret).*proxy/,
    )
  })
})
