/**
 * Servers of others that the TOML names: MQTT brokers, and those that apps' stores are at. Each is connected to, with the
 * certificates that its table names; nothing is said to it, so whether it lets this node in is for the daemon to find out.
 */
import { isIP } from 'node:net'
import { isSelvedgeError, messageOf, type Clock } from '../../../core/index.ts'
import { loadNodeConfig, type NodeConfig } from '../../config/index.ts'
import { asTlsPaths, probeTls, readTls, type TlsPaths } from '../../tls/index.ts'
import type { Check, Finding } from '../contract.ts'

/** A certificate that ends within this is worth knowing of. */
const soonMs = 14 * 86_400_000

interface Server {
  /** `broker home`. */
  readonly what: string
  readonly url: URL
  readonly paths: TlsPaths
  readonly hasPassword: boolean
}

const ports: Readonly<Record<string, number>> = {
  'mqtt:': 1883,
  'mqtts:': 8883,
  'ws:': 80,
  'wss:': 443,
  'redis:': 6379,
  'rediss:': 6379,
  'nats:': 4222,
  'tls:': 4222,
}
const secure: ReadonlySet<string> = new Set(['mqtts:', 'wss:', 'rediss:', 'tls:'])

function serversOf({ brokers, storage }: NodeConfig): Server[] {
  const ofBrokers = Object.entries(brokers).map(([name, table]) => serverOf(`broker ${name}`, table))
  const stores = { keyvalue: storage.keyvalue, blobstore: storage.blobstore }
  const ofStores = Object.entries(stores).flatMap(([name, { options }]) =>
    typeof options.url === 'string'
      ? [serverOf(`the server of [storage.${name}]`, { ...options, url: options.url })]
      : [],
  )
  return [...ofBrokers, ...ofStores]
}

function serverOf(
  what: string,
  table: TlsPaths & { readonly url: string; readonly 'password-file'?: unknown },
): Server {
  return {
    what,
    url: new URL(table.url),
    paths: asTlsPaths(table),
    hasPassword: table['password-file'] !== undefined,
  }
}

async function look(
  { what, url, paths, hasPassword }: Server,
  clock: Clock,
  signal: AbortSignal,
): Promise<Finding[]> {
  const host = url.hostname.replace(/^\[|\]$/g, '')
  const port = Number(url.port) || (ports[url.protocol] ?? 0)
  const isSecure = secure.has(url.protocol)
  try {
    const tls = isSecure ? await readTls(paths, clock) : null
    const { validToMs } = await probeTls(
      { host, port, tls, greetsFirst: url.protocol === 'tls:' },
      clock,
      signal,
    )
    const answers = `${what} answers at ${host}:${port}${isSecure ? ', and its certificate is accepted' : ''}`
    const notes: Finding[] = []
    if (validToMs !== null && validToMs - clock.now() < soonMs)
      notes.push({
        level: 'note',
        what: `the certificate of ${what} ends on ${new Date(validToMs).toISOString().slice(0, 10)}`,
        fix: 'have it renewed by whoever runs the server',
      })
    if (hasPassword && !isSecure && !isNear(host))
      notes.push({
        level: 'note',
        what: `the password for ${what} goes over the wire as it is`,
        fix: `use TLS: a url with ${url.protocol === 'nats:' ? 'tls' : url.protocol.replace(':', 's')}:// where the server has it`,
      })
    return [{ level: 'fine', what: answers }, ...notes]
  } catch (error) {
    if (signal.aborted) throw error
    const isFile = isSelvedgeError(error, 'ERR_TLS_FILE')
    return [
      {
        level: 'wrong',
        code: isFile ? 'ERR_TLS_FILE' : 'ERR_DOCTOR_SERVER',
        what: `${what}: ${messageOf(error)}`,
        fix: isFile ? error.hint : 'see the message; check the url in its table, and that the server runs',
      },
    ]
  }
}

/** A password does not leave this machine. */
function isNear(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'))
}

export const serversCheck: Check = {
  name: 'servers',
  summary: 'brokers and stores’ servers that the TOML names',
  async run({ config, data, keys, clock, signal }) {
    if (config === undefined) return [{ level: 'fine', what: 'no TOML is named: give it with --config' }]
    // What is wrong with the TOML is another check's finding.
    const loaded = await loadNodeConfig(config, [data, keys]).catch((error: unknown) => {
      if (isSelvedgeError(error)) return null
      throw error
    })
    const servers = loaded === null ? [] : serversOf(loaded)
    if (servers.length === 0) return [{ level: 'fine', what: 'the TOML names none' }]
    return (await Promise.all(servers.map((server) => look(server, clock, signal)))).flat()
  },
}
