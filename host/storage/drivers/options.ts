/** Options that several drivers have. */
import * as v from 'valibot'
import type { Clock } from '../../../core/index.ts'
import { readFile } from 'node:fs/promises'
import { asTlsPaths, readTls, tlsFields, type TlsFiles, type TlsPaths } from '../../tls/index.ts'

export const durabilityField = v.optional(
  v.picklist(['full', 'normal'], 'is no durability; write "full" or "normal"'),
  'full',
)

/** Without user and password: those have fields of their own, as a TOML file is shown around. */
export function serverUrl(protocols: readonly string[], form: string) {
  const isUrl = (text: string): boolean => {
    try {
      const { protocol, hostname } = new URL(text)
      return protocols.includes(protocol) && hostname !== ''
    } catch {
      return false
    }
  }
  return v.pipe(
    v.string(),
    v.maxLength(512, `is too long; write "${form}"`),
    v.check(isUrl, `is no address of such a server; write "${form}"`),
    v.check(
      (text) => !/^[a-z]+:\/\/[^/]*@/.test(text),
      'has a user or a password in it; write username = "…" and password-file = "…" instead',
    ),
  )
}

const secretFileField = v.optional(
  v.pipe(
    v.string(),
    v.minLength(1, 'is empty; name a file'),
    v.maxLength(4_095, 'is too long; use a shorter path'),
  ),
)

/** Who the node is to a server, and by which certificates both are known. */
export const serverFields = {
  username: v.optional(v.pipe(v.string(), v.minLength(1), v.maxLength(1_024))),
  /** Its first line is the password; read anew for each connection. */
  'password-file': secretFileField,
  ...tlsFields,
}

/** What is read anew for each connection. */
export interface ServerSecrets {
  password(): Promise<string | null>
  /** null where the url is none of TLS. @throws ERR_TLS_FILE */
  tls(): Promise<TlsFiles | null>
}

export function secretsOf(
  table: TlsPaths & { readonly url: string; readonly 'password-file'?: string | undefined },
  clock: Clock,
): ServerSecrets {
  const { url, 'password-file': file } = table
  const isSecure = /^(rediss|tls):/.test(url)
  return {
    password: async () =>
      file === undefined ? null : (await readFile(file, 'utf8')).split(/\r?\n/)[0] || null,
    tls: async () => (isSecure ? readTls(asTlsPaths(table), clock) : null),
  }
}
