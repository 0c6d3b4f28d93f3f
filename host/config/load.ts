/** Reads the node's TOML. What it does not mention has the defaults of `node-config.ts`. */
import { readFile } from 'node:fs/promises'
import * as v from 'valibot'
import { messageOf, nearestName } from '../../core/index.ts'
import { deviceProblems, pinDrivers, sensorDrivers } from '../devices/index.ts'
import { checkToml, parseToml } from '../toml/index.ts'
import { locateFiles, locateFilesOf } from './server-files.ts'
import { locateFolders } from './folders.ts'
import { nodeConfigSchema, type NodeConfig } from './node-config.ts'
import { configProblems } from './problems.ts'

/**
 * @param path of the TOML file; undefined for a node with defaults alone
 * @param own folders that are the node's own: no app may be given one, nor what one lies in
 * @throws ERR_CONFIG_UNREADABLE, ERR_CONFIG_INVALID, ERR_DRIVER_UNKNOWN
 */
export async function loadNodeConfig(
  path: string | undefined,
  own: readonly string[] = [],
): Promise<NodeConfig> {
  if (path === undefined) return parseNodeConfig('', 'defaults')
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    throw configProblems.error('ERR_CONFIG_UNREADABLE', `cannot read ${path}: ${messageOf(cause)}`, { cause })
  })
  const config = parseNodeConfig(text, path)
  return {
    ...config,
    brokers: locateFilesOf(config.brokers, path),
    storage: located(config.storage, path),
    folders: await locateFolders(config.folders, path, own),
  }
}

/** Servers that stores are at have files too. */
function located(
  { keyvalue, blobstore, ...rest }: NodeConfig['storage'],
  path: string,
): NodeConfig['storage'] {
  const store = <Table extends { readonly options: Readonly<Record<string, unknown>> }>(
    table: Table,
  ): Table => ({
    ...table,
    options: locateFiles(table.options, path),
  })
  return { ...rest, keyvalue: store(keyvalue), blobstore: store(blobstore) }
}

/**
 * Looks at the text alone: whether its folders are there is asked by {@link loadNodeConfig}.
 * @param fileName as the person knows it, for messages
 * @throws ERR_CONFIG_INVALID naming file and field of everything wrong; ERR_DRIVER_UNKNOWN
 */
export function parseNodeConfig(text: string, fileName: string): NodeConfig {
  refuseUnknownDrivers(text, fileName)
  const { name, ...config } = parseToml(text, fileName, nodeConfigSchema, (message, hint) =>
    configProblems.error('ERR_CONFIG_INVALID', message, { hint }),
  )
  return { name: name ?? null, ...config }
}

const device = v.looseObject({ driver: v.string() })
const devicesOnly = v.looseObject({
  sensors: v.optional(v.record(v.string(), device), {}),
  pins: v.optional(v.record(v.string(), device), {}),
})

/** A driver that does not exist has a code of its own; everything else about the file is left to the schema. */
function refuseUnknownDrivers(text: string, fileName: string): void {
  const result = checkToml(text, devicesOnly)
  if (!('value' in result)) return
  const lists = { sensors: sensorDrivers, pins: pinDrivers }
  for (const table of ['sensors', 'pins'] as const) {
    const known = lists[table].map(({ kind }) => kind)
    for (const [name, { driver }] of Object.entries(result.value[table])) {
      if (known.includes(driver)) continue
      const nearest = nearestName(driver, known)
      const question = nearest === null ? '' : `; did you mean "${nearest}"?`
      throw deviceProblems.error(
        'ERR_DRIVER_UNKNOWN',
        `${fileName}: ${table}.${name}.driver: there is no ${table.slice(0, -1)} driver "${driver.slice(0, 60)}"${question}`,
        { hint: `write one of the drivers this node has: ${known.map((kind) => `"${kind}"`).join(', ')}` },
      )
    }
  }
}
