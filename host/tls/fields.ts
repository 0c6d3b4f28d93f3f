/** How a table of the node's TOML says which certificates are trusted, and which are the node's own. */
import * as v from 'valibot'

const pathField = v.optional(
  v.pipe(
    v.string(),
    v.minLength(1, 'is empty; name a PEM file'),
    v.maxLength(4_095, 'is too long; use a shorter path'),
  ),
)

/** Entries for a table. Checking of certificates cannot be switched off: a server's own one is named as `ca`. */
export const tlsFields = {
  /** PEM file with the certificates to trust, in place of those that the program trusts. */
  ca: pathField,
  /** PEM files with this node's own certificate, and what leads from it to one that the server trusts, and its key. */
  certificate: pathField,
  key: pathField,
}

export const tlsPathNames = ['ca', 'certificate', 'key'] as const

/** The paths of a table; undefined where it names none of that kind. */
export interface TlsPaths {
  readonly ca?: string | undefined
  readonly certificate?: string | undefined
  readonly key?: string | undefined
}

/** @returns only the paths of a table with other things in it */
export function asTlsPaths({ ca, certificate, key }: TlsPaths): TlsPaths {
  return {
    ...(ca !== undefined && { ca }),
    ...(certificate !== undefined && { certificate }),
    ...(key !== undefined && { key }),
  }
}

const secureUrl = /^(mqtts|wss|rediss|tls):/

/**
 * Files for TLS where there is none would be of no use, and their owner would take the connection for a safe one.
 * @returns what is wrong with a table's files, for its owner; null where nothing is
 */
export function tlsTableIssue(url: string, paths: TlsPaths): string | null {
  const named = tlsPathNames.find((name) => paths[name] !== undefined)
  if (named !== undefined && !secureUrl.test(url)) {
    const secure = url.startsWith('nats:') ? 'tls' : url.replace(/:.*$/s, 's')
    return `names a ${named} for a connection without TLS; write url = "${secure}://…", or remove it`
  }
  if ((paths.certificate === undefined) === (paths.key === undefined)) return null
  return 'names one of certificate and key; write both or none'
}
