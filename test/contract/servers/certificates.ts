/** Certificates for tests of TLS, made by openssl: a CA, what it signed and what nobody should accept. */
import { execFileSync } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { hasProgram } from './server-process.ts'

/** Paths of PEM files. */
export interface Pair {
  readonly certificate: string
  readonly key: string
}

export interface Certificates {
  readonly folder: string
  /** Trusted by who names it. */
  readonly ca: string
  /** Of the same name, and of another key. */
  readonly otherCa: string
  /** For localhost and 127.0.0.1. */
  readonly server: Pair
  readonly expired: Pair
  /** For 127.0.0.1, and no name. */
  readonly address: Pair
  /** For another name. */
  readonly elsewhere: Pair
  readonly client: Pair
  /** Signed by the other CA. */
  readonly stranger: Pair
  remove(): Promise<void>
}

export const hasOpenssl = hasProgram('openssl')

const ec = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
const near = 'subjectAltName=DNS:localhost,IP:127.0.0.1'

export async function makeCertificates(): Promise<Certificates> {
  const folder = await mkdtemp(join(tmpdir(), 'selvedge-tls-'))
  const openssl = (...args: string[]): void =>
    void execFileSync('openssl', args, { cwd: folder, stdio: ['ignore', 'ignore', 'pipe'] })
  const at = (name: string): Pair => ({
    certificate: join(folder, `${name}.pem`),
    key: join(folder, `${name}.key`),
  })
  const authority = (name: string): string => {
    openssl(
      'req',
      '-x509',
      ...ec,
      '-keyout',
      `${name}.key`,
      '-out',
      `${name}.pem`,
      '-subj',
      '/CN=tests',
      '-days',
      '2',
    )
    return at(name).certificate
  }
  const signed = (name: string, by: string, names: string, days = '2'): Pair => {
    openssl(
      'req',
      ...ec,
      '-keyout',
      `${name}.key`,
      '-out',
      `${name}.csr`,
      '-subj',
      `/CN=${name}`,
      '-addext',
      names,
    )
    const signing = ['-CA', `${by}.pem`, '-CAkey', `${by}.key`, '-CAcreateserial', '-copy_extensions', 'copy']
    openssl('x509', '-req', '-in', `${name}.csr`, '-out', `${name}.pem`, '-days', days, ...signing)
    return at(name)
  }
  return {
    folder,
    ca: authority('ca'),
    otherCa: authority('other'),
    server: signed('server', 'ca', near),
    expired: signed('expired', 'ca', near, '-1'),
    address: signed('address', 'ca', 'subjectAltName=IP:127.0.0.1'),
    elsewhere: signed('elsewhere', 'ca', 'subjectAltName=DNS:broker.example'),
    client: signed('client', 'ca', 'subjectAltName=DNS:node'),
    stranger: signed('stranger', 'other', 'subjectAltName=DNS:node'),
    remove: () => rm(folder, { recursive: true, force: true }),
  }
}
