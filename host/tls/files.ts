/**
 * The files of a TLS connection, read anew for each, so that a certificate can be renewed while the node runs. What is wrong
 * with them is found here, with the file's name, and not as a failure of the connection that says nothing.
 */
import { createPrivateKey, X509Certificate, type KeyObject } from 'node:crypto'
import { open } from 'node:fs/promises'
import { messageOf, type Clock } from '../../core/index.ts'
import type { TlsPaths } from './fields.ts'
import { tlsProblems } from './problems.ts'

/** As `node:tls` takes them; null where the table names none. */
export interface TlsFiles {
  readonly ca: string | null
  readonly cert: string | null
  readonly key: string | null
}

/** A chain of certificates has a few thousand characters, a distribution's whole list some 220,000. */
const maxFileBytes = 512 * 1024
const certificatePattern = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g

/** @param clock whose time of day the node’s own certificate is held against @throws ERR_TLS_FILE naming the file */
export async function readTls(paths: TlsPaths, clock: Pick<Clock, 'now'>): Promise<TlsFiles> {
  const { ca, certificate, key } = paths
  if ((certificate === undefined) !== (key === undefined)) {
    const [has, lacks] = certificate === undefined ? ['key', 'certificate'] : ['certificate', 'key']
    throw wrong(`a ${has} is named and no ${lacks}; write both or none`)
  }
  const [trusted, own, secret] = await Promise.all([
    ca === undefined ? null : readPem('ca', ca),
    certificate === undefined ? null : readPem('certificate', certificate),
    key === undefined ? null : readPem('key', key),
  ])
  if (trusted !== null) certificatesIn('ca', ca ?? '', trusted)
  if (own !== null && secret !== null) {
    const [first] = certificatesIn('certificate', certificate ?? '', own)
    requireCurrent(certificate ?? '', first, clock.now())
    if (first?.checkPrivateKey(keyIn(key ?? '', secret)) !== true)
      throw wrong(`the key ${key} does not belong to the certificate ${certificate}`)
  }
  return { ca: trusted, cert: own, key: secret }
}

async function readPem(field: string, path: string): Promise<string> {
  try {
    const file = await open(path, 'r')
    try {
      const { size } = await file.stat()
      if (size > maxFileBytes) throw new Error(`it has ${size} bytes, and ${maxFileBytes} are taken`)
      return await file.readFile('utf8')
    } finally {
      await file.close()
    }
  } catch (cause) {
    throw wrong(`${field} = ${JSON.stringify(path)}: ${whyUnread(cause)}`, cause)
  }
}

const unread: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  EACCES: 'this node’s user may not read it',
  EISDIR: 'it is a folder',
}

function whyUnread(cause: unknown): string {
  return unread[String((cause as { code?: unknown }).code)] ?? messageOf(cause)
}

/** At least one. @throws ERR_TLS_FILE */
function certificatesIn(field: string, path: string, pem: string): X509Certificate[] {
  const texts = pem.match(certificatePattern) ?? []
  if (texts.length === 0) throw wrong(`${field} = ${JSON.stringify(path)}: it has no certificate in PEM`)
  try {
    return texts.map((text) => new X509Certificate(text))
  } catch (cause) {
    throw wrong(`${field} = ${JSON.stringify(path)}: a certificate in it cannot be read`, cause)
  }
}

function requireCurrent(path: string, certificate: X509Certificate | undefined, wallMs: number): void {
  if (certificate === undefined) return
  const { validTo, validFrom } = certificate
  if (wallMs > Date.parse(validTo))
    throw wrong(`certificate = ${JSON.stringify(path)}: it ended on ${validTo}; renew it`)
  if (wallMs < Date.parse(validFrom))
    throw wrong(`certificate = ${JSON.stringify(path)}: it begins on ${validFrom}; is this clock right?`)
}

function keyIn(path: string, pem: string): KeyObject {
  if (/ENCRYPTED/.test(pem))
    throw wrong(`key = ${JSON.stringify(path)}: it has a passphrase, and a node has nobody to ask for it`)
  try {
    return createPrivateKey(pem)
  } catch (cause) {
    throw wrong(`key = ${JSON.stringify(path)}: it has no private key in PEM`, cause)
  }
}

function wrong(message: string, cause?: unknown): Error {
  return tlsProblems.error('ERR_TLS_FILE', message, { cause })
}
