/** The files of a TLS connection: what is wrong with one is told with its name, and not by a connection that fails. */
import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { systemClock } from '../../../core/index.ts'
import { readTls, tlsTableIssue, tlsWords, type TlsPaths } from '../../../host/tls/index.ts'
import { hasOpenssl, makeCertificates, type Certificates } from '../../contract/servers/certificates.ts'

it.skipIf(hasOpenssl)('leaves the files of TLS untested here: install openssl', () => {})

describe.skipIf(!hasOpenssl)('the files of a TLS connection', () => {
  let made: Certificates
  beforeAll(async () => void (made = await makeCertificates()))
  afterAll(() => made?.remove())

  const why = (paths: TlsPaths, nowMs = Date.now()): Promise<string> =>
    readTls(paths, { now: () => nowMs }).then(
      () => 'read',
      (error: unknown) => `${(error as { code: string }).code}: ${(error as Error).message}`,
    )
  const file = (name: string, text: string): string => {
    const path = join(made.folder, name)
    writeFileSync(path, text)
    return path
  }

  it('are read as they are, or not at all where none is named', async () => {
    const { ca, client } = made
    expect(await readTls({}, systemClock)).toEqual({ ca: null, cert: null, key: null })
    expect(await readTls({ ca, ...client }, systemClock)).toEqual({
      ca: readFileSync(ca, 'utf8'),
      cert: readFileSync(client.certificate, 'utf8'),
      key: readFileSync(client.key, 'utf8'),
    })
  })

  it('are named where they cannot be used, with why', async () => {
    const { ca, client, stranger, expired, folder } = made
    const encrypted = join(folder, 'encrypted.key')
    execFileSync('openssl', ['ec', '-aes128', '-passout', 'pass:x', '-in', client.key, '-out', encrypted], {
      stdio: 'ignore',
    })
    const cases: [TlsPaths, RegExp][] = [
      [{ ca: join(folder, 'none.pem') }, /^ERR_TLS_FILE: ca = ".*none\.pem": there is no such file$/],
      [{ ca: folder }, /^ERR_TLS_FILE: ca = ".*": it is a folder$/],
      [{ ca: client.key }, /^ERR_TLS_FILE: ca = ".*": it has no certificate in PEM$/],
      [{ ca: file('large.pem', 'x'.repeat(600_000)) }, /it has 600000 bytes/],
      [
        { ca: file('torn.pem', '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n') },
        /torn\.pem": a certificate in it cannot be read$/,
      ],
      [{ certificate: client.certificate }, /a certificate is named and no key/],
      [{ key: client.key }, /a key is named and no certificate/],
      [
        { certificate: client.certificate, key: stranger.key },
        /the key .* does not belong to the certificate/,
      ],
      [{ certificate: client.certificate, key: ca }, /key = ".*ca\.pem": it has no private key in PEM$/],
      [{ certificate: client.certificate, key: encrypted }, /it has a passphrase/],
      [expired, /certificate = ".*expired\.pem": it ended on .*; renew it$/],
    ]
    for (const [paths, says] of cases) expect(await why(paths)).toMatch(says)
    expect(await why(client, Date.UTC(1970, 1, 1))).toMatch(/it begins on .*; is this clock right\?$/)
  })
})

describe('a table with files for TLS', () => {
  it('is refused where its url is none of TLS, and where it names half of a pair', () => {
    expect(tlsTableIssue('mqtts://b', { ca: 'a' })).toBeNull()
    expect(tlsTableIssue('mqtt://b', {})).toBeNull()
    expect(tlsTableIssue('mqtt://b', { ca: 'a' })).toMatch(/names a ca .* write url = "mqtts:\/\/…"/)
    expect(tlsTableIssue('nats://b', { ca: 'a' })).toMatch(/write url = "tls:\/\/…"/)
    expect(tlsTableIssue('rediss://b', { key: 'a' })).toMatch(/one of certificate and key/)
  })
})

describe('a failure of TLS', () => {
  it('is told by its code, also where another error is around it', () => {
    expect(tlsWords({ code: 'CERT_HAS_EXPIRED' }, 'b')).toMatch(/has ended/)
    expect(tlsWords(new Error('x', { cause: { code: 'DEPTH_ZERO_SELF_SIGNED_CERT' } }), 'b')).toMatch(
      /name .* ca/,
    )
    expect(tlsWords({ code: 'ERR_SSL_SOMETHING_NEW', message: 'new' }, 'b')).toBe('TLS failed: new')
    expect(tlsWords({ code: 'ECONNREFUSED' }, 'b')).toBeNull()
    expect(tlsWords(null, 'b')).toBeNull()
    const other = { code: 'ERR_TLS_CERT_ALTNAME_INVALID', cert: { subjectaltname: 'DNS:a.example' } }
    expect(tlsWords(other, 'b')).toBe('its certificate is for DNS:a.example, and not for b')
  })
})
