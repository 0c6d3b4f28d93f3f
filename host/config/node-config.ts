/**
 * The node's TOML: what its owner decides about this device. One schema, with every default in it.
 *
 * The command line may override name, groups and the mesh's settings; that is done where both are known.
 */
import * as v from 'valibot'
import { gatewayLimits } from '../../mesh/index.ts'
import {
  pinDrivers,
  sensorDrivers,
  type DeviceConfig,
  type DeviceDriver,
  type DevicesConfig,
} from '../devices/index.ts'
import { usualStorage } from '../storage/index.ts'
import { sizeField } from '../toml/index.ts'
import type { FoldersConfig } from './folders.ts'

/** Entries in each table of names; more than any board has connectors. */
const maxNames = 64
/** Each is a socket that listens. */
const maxPorts = 16
const nameRule = 'is no usable name; write up to 63 lower-case letters, digits and hyphens, a letter first'
const name = v.pipe(v.string(), v.regex(/^[a-z][a-z0-9-]{0,62}$/, nameRule))

const setting = v.pipe(v.string(), v.maxLength(4_096, 'is too long; a setting has at most 4096 characters'))

const httpAddressRule = 'is no address; write "127.0.0.1:8080" or "[::]:8080"'
const metricsAddressRule = 'is no address; write "127.0.0.1:9464", or "9464" for this machine alone'
const portRule = 'is no port; write "8081" or "0.0.0.0:8081"'
const hostRule = 'is no host name; write it in lower case and without a port'

/** A path as the system takes it: Linux allows 4095 bytes. */
const folderPath = v.pipe(
  v.string(),
  v.minLength(1, 'is empty; name a folder'),
  v.maxLength(4_095, 'is too long; use a shorter path'),
  v.check((path) => !path.includes('\0'), 'is no path; write one without a zero character'),
)

/** A whole number between bounds, with a default. */
function bounded(fallback: number, min: number, max: number) {
  const isWithin = (value: number): boolean => Number.isInteger(value) && value >= min && value <= max
  const problem = `is out of range; write a whole number from ${min} to ${max}`
  return v.optional(v.pipe(v.number(), v.check(isWithin, problem)), fallback)
}

/** As a person writes a size; bytes where it is left out. */
function size(fallbackBytes: number) {
  return v.optional(sizeField('0 B', '8192 GiB'), `${fallbackBytes} B`)
}

/** Files, keys, objects; more than that no disk of a small device holds. */
const mostItems = 1_000_000_000

/** A table of at most {@link maxNames} entries by name. */
function named<Item>(item: v.GenericSchema<unknown, Item>) {
  return v.optional(
    v.pipe(
      v.record(name, item),
      v.check(
        (table: Record<string, Item>) => Object.keys(table).length <= maxNames,
        `has too many entries; at most ${maxNames} fit`,
      ),
    ),
    {},
  )
}

/** A device's table: `driver`, and beside it the options of that driver. */
function deviceOf(drivers: readonly DeviceDriver<unknown, unknown>[]) {
  const options = drivers.map(({ kind, options: { entries } }) =>
    v.strictObject({ ...entries, driver: v.literal(kind) }),
  )
  return v.pipe(
    v.variant('driver', options),
    v.transform((table): DeviceConfig => {
      const { driver, ...rest } = table as { driver: string } & Record<string, unknown>
      return { driver, options: rest }
    }),
  )
}

export const nodeConfigSchema = v.strictObject({
  /** What people call this node; the machine's host name where it is left out. */
  name: v.optional(name),
  /** Service groups it belongs to. An invite may name others: the certificate decides. */
  groups: v.optional(v.pipe(v.array(name), v.maxLength(16, 'has too many groups; at most 16 fit')), []),
  mesh: v.optional(
    v.strictObject({
      /** Multiaddresses to listen on; port 0 is any free one. */
      listen: v.optional(
        v.pipe(
          v.array(v.pipe(v.string(), v.startsWith('/', 'is no multiaddress; write "/ip4/0.0.0.0/tcp/0"'))),
          v.maxLength(16, 'has too many addresses; at most 16 fit'),
        ),
        ['/ip4/0.0.0.0/tcp/0'],
      ),
      /** Look for members of the mesh on the local network. */
      mdns: v.optional(v.boolean(), true),
      /** Whether others can connect to this node: "yes", "no", or "auto" to find out by asking them. */
      reachable: v.optional(
        v.picklist(['auto', 'yes', 'no'], 'says nothing; write "auto", "yes" or "no"'),
        'auto',
      ),
      /** Lead nodes to each other that cannot connect; by the node's role where it is left out. */
      gateway: v.optional(v.boolean()),
      /** Most that it carries for them in a second. */
      relay: size(gatewayLimits.bytesPerSecond),
    }),
    {},
  ),
  /** HTTP requests to apps; without an address there are none. */
  http: v.optional(
    v.strictObject({
      listen: v.optional(
        v.pipe(
          v.string(),
          v.check((text) => parseHttpAddress(text) !== null, httpAddressRule),
        ),
      ),
      /** Apps by host names of their own: `"shop.example" = "hello"`. */
      hosts: v.optional(
        v.pipe(
          v.record(v.pipe(v.string(), v.regex(/^[a-z0-9][a-z0-9.-]{0,252}$/, hostRule)), name),
          v.check(
            (table) => Object.keys(table).length <= maxNames,
            `has too many entries; at most ${maxNames} fit`,
          ),
        ),
        {},
      ),
      /** Ports that are one app's own, where it sees every path: `8081 = "hello"`. */
      ports: v.optional(
        v.pipe(
          v.record(
            v.pipe(
              v.string(),
              v.check((text) => parsePortAddress(text) !== null, portRule),
            ),
            name,
          ),
          v.check(
            (table) => Object.keys(table).length <= maxPorts,
            `has too many entries; at most ${maxPorts} fit`,
          ),
        ),
        {},
      ),
    }),
    {},
  ),
  /** Where build jobs publish with deploy keys; nowhere without an address. */
  deploy: v.optional(
    v.strictObject({
      listen: v.optional(
        v.pipe(
          v.string(),
          v.check((text) => parseHttpAddress(text) !== null, httpAddressRule),
        ),
      ),
    }),
    {},
  ),
  /** Metrics over TCP; without an address they are read with `selvedge metrics` alone. */
  metrics: v.optional(
    v.strictObject({
      listen: v.optional(
        v.pipe(
          v.string(),
          v.check((text) => parseMetricsAddress(text) !== null, metricsAddressRule),
        ),
      ),
      /** Names under which Prometheus asks, beside addresses, localhost and those that end in .local. */
      hosts: v.optional(
        v.pipe(
          v.array(v.pipe(v.string(), v.regex(/^[a-z0-9][a-z0-9.-]{0,252}$/, hostRule))),
          v.maxLength(maxNames, `has too many names; at most ${maxNames} fit`),
        ),
        [],
      ),
    }),
    {},
  ),
  sensors: named(deviceOf(sensorDrivers)),
  pins: named(deviceOf(pinDrivers)),
  /** Folders that apps may be granted by these names; see `folders.ts`. */
  folders: named(
    v.strictObject({
      path: folderPath,
      access: v.optional(
        v.picklist(['read', 'read-write'], 'is no access; write "read" or "read-write"'),
        'read',
      ),
      /** Most that may be in it while apps write to it, whoever put it there; an app may ask for less. */
      size: size(2 ** 30),
      /** The same in files, folders and links. */
      files: bounded(100_000, 0, mostItems),
    }),
  ),
  /** Most that one app may store, whatever it asks for. */
  storage: v.optional(
    v.strictObject({
      keyvalue: v.optional(
        v.strictObject({
          size: size(usualStorage.keyValue.bytes),
          keys: bounded(usualStorage.keyValue.items, 0, mostItems),
        }),
        {},
      ),
      blobstore: v.optional(
        v.strictObject({
          size: size(usualStorage.blobs.bytes),
          objects: bounded(usualStorage.blobs.items, 0, mostItems),
        }),
        {},
      ),
    }),
    {},
  ),
  /** Components of releases, on this disk and on the wires. */
  components: v.optional(
    v.strictObject({
      /** Most that they take of the disk; half of its file system where it is left out. */
      size: v.optional(sizeField('1 MiB', '8192 GiB')),
      /** Most that is sent to others, and fetched, in a second; as fast as the wires where it is left out. */
      upload: v.optional(sizeField('1 KiB', '8192 GiB')),
      download: v.optional(sizeField('1 KiB', '8192 GiB')),
    }),
    {},
  ),
  /** What this node's owner sets for an app, over the release's own settings. */
  apps: named(v.strictObject({ config: named(setting) })),
  limits: v.optional(
    v.strictObject({
      /** Events that wait for one app; the oldest is dropped beyond. 256 is 51 s of a 200 ms sensor. */
      queuedEvents: bounded(256, 1, 65_536),
      /** Lines of the apps' logs kept in memory, all apps together; about 2 MB when they are 200 characters long. */
      logLines: bounded(10_000, 100, 1_000_000),
      /** Lines one app may log in a second; a loop that logs must not push every other app's lines out. */
      logLinesPerSecond: bounded(500, 1, 100_000),
    }),
    {},
  ),
})

/** Where HTTP is listened for. */
export interface HttpAddress {
  readonly host: string
  /** 0 is any free one. */
  readonly port: number
}

/** Reads `HOST:PORT`, an IPv6 address in brackets. @returns null for what is none */
export function parseHttpAddress(text: string): HttpAddress | null {
  const match = /^(?:\[([0-9A-Fa-f:.]{2,45})\]|([A-Za-z0-9][A-Za-z0-9.-]{0,252})):(\d{1,5})$/.exec(text)
  const port = Number(match?.[3])
  if (match === null || port > 65_535) return null
  return { host: match[1] ?? match[2] ?? '', port }
}

/** As {@link parseHttpAddress}; a port alone is one of this machine alone. @returns null for what is none */
export function parseMetricsAddress(text: string): HttpAddress | null {
  return parseHttpAddress(/^\d{1,5}$/.test(text) ? `127.0.0.1:${text}` : text)
}

/**
 * As {@link parseHttpAddress}; a port alone is one of `host`. @returns null for what is none
 * @param host this machine alone where it is not said
 */
export function parsePortAddress(text: string, host = '127.0.0.1'): HttpAddress | null {
  if (!/^\d{1,5}$/.test(text)) return parseHttpAddress(text)
  return Number(text) > 65_535 ? null : { host, port: Number(text) }
}

type Parsed = v.InferOutput<typeof nodeConfigSchema>

export interface NodeConfig extends DevicesConfig {
  /** null where the person left it to the machine. */
  readonly name: string | null
  readonly groups: readonly string[]
  readonly mesh: Readonly<Parsed['mesh']>
  readonly http: Readonly<Parsed['http']>
  readonly deploy: Readonly<Parsed['deploy']>
  readonly metrics: Readonly<Parsed['metrics']>
  readonly folders: FoldersConfig
  readonly storage: Readonly<Parsed['storage']>
  readonly components: Readonly<Parsed['components']>
  readonly apps: Readonly<Record<string, { readonly config: Readonly<Record<string, string>> }>>
  readonly limits: Readonly<Parsed['limits']>
}
