/**
 * The node's TOML: what its owner decides about this device. A table of it is one file in `tables/` with its defaults,
 * and one line here.
 *
 * The command line may override name, groups and the mesh's settings; that is done where both are known.
 */
import * as v from 'valibot'
import type { DevicesConfig } from '../devices/index.ts'
import { name, named, setting } from './fields.ts'
import { bridgeTables } from './tables/bridges.ts'
import { brokerTable } from './tables/brokers.ts'
import { busTable } from './tables/buses.ts'
import { componentsTable } from './tables/components.ts'
import { deployTable } from './tables/deploy.ts'
import { pinTable, sensorTable } from './tables/devices.ts'
import { engineTable } from './tables/engine.ts'
import { folderTable } from './tables/folders.ts'
import { httpTable } from './tables/http.ts'
import { limitsTable } from './tables/limits.ts'
import { logsTable } from './tables/logs.ts'
import { meshTable } from './tables/mesh.ts'
import { messagesTable } from './tables/messages.ts'
import { metricsTable } from './tables/metrics.ts'
import { storageTable } from './tables/storage.ts'

export const nodeConfigSchema = v.strictObject({
  /** What people call this node; the machine's host name where it is left out. */
  name: v.optional(name),
  /** Service groups it belongs to. An invite may name others: the certificate decides. */
  groups: v.optional(v.pipe(v.array(name), v.maxLength(16, 'has too many groups; at most 16 fit')), []),
  mesh: v.optional(meshTable, {}),
  http: v.optional(httpTable, {}),
  deploy: v.optional(deployTable, {}),
  metrics: v.optional(metricsTable, {}),
  brokers: named(brokerTable),
  bridges: bridgeTables,
  sensors: named(sensorTable),
  pins: named(pinTable),
  buses: named(busTable),
  folders: named(folderTable),
  storage: v.optional(storageTable, {}),
  messages: v.optional(messagesTable, {}),
  components: v.optional(componentsTable, {}),
  /** What this node's owner sets for an app, over the release's own settings. */
  apps: named(v.strictObject({ config: named(setting) })),
  engine: v.optional(engineTable, {}),
  limits: v.optional(limitsTable, {}),
  logs: v.optional(logsTable, {}),
})

type Parsed = v.InferOutput<typeof nodeConfigSchema>

export interface NodeConfig extends DevicesConfig, Readonly<Omit<Parsed, 'name' | 'sensors' | 'pins'>> {
  /** null where the person left it to the machine. */
  readonly name: string | null
}
