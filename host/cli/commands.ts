/**
 * Every command, in the order that help shows them. A new one is a file under `commands/` and a line here; one whose name
 * has two words belongs to the group that its first word names.
 */
import type { Command } from './command.ts'
import { apps } from './commands/apps.ts'
import { bindings } from './commands/bindings.ts'
import { build } from './commands/build.ts'
import { call } from './commands/call.ts'
import { completion } from './commands/completion.ts'
import { dataDelete, dataGet, dataList, dataRestore, dataSet, dataSnapshot } from './commands/data.ts'
import { doctor } from './commands/doctor.ts'
import { events } from './commands/events.ts'
import { explain } from './commands/explain.ts'
import { exportCommand } from './commands/export.ts'
import { importCommand } from './commands/import.ts'
import { interfaces } from './commands/interfaces.ts'
import { invite } from './commands/invite.ts'
import { keyDecrypt, keyEncrypt, keyExportPublic, keyList, keyNew } from './commands/key.ts'
import { listen } from './commands/listen.ts'
import { logs } from './commands/logs.ts'
import { metrics } from './commands/metrics.ts'
import { network } from './commands/network.ts'
import { publish } from './commands/publish.ts'
import { releases } from './commands/releases.ts'
import { run } from './commands/run.ts'
import { send } from './commands/send.ts'
import { sensors } from './commands/sensors.ts'
import { serve } from './commands/serve.ts'
import { serviceInstall, serviceStatus, serviceUninstall } from './commands/service.ts'
import { status } from './commands/status.ts'
import { stop } from './commands/stop.ts'
import { topics } from './commands/topics.ts'
import { trustHeartbeat } from './commands/trust-heartbeat.ts'
import { trustAddAdmin, trustAddRoot, trustRotateRoot, trustThreshold } from './commands/trust-keys.ts'
import { trustLog } from './commands/trust-log.ts'
import { trustAddPublisher } from './commands/trust-publisher.ts'
import { trustRemove } from './commands/trust-remove.ts'
import { trustRevoke } from './commands/trust-revoke.ts'
import { trustShow } from './commands/trust-show.ts'
import { trustSign } from './commands/trust-sign.ts'
import { up } from './commands/up.ts'
import { version } from './commands/version.ts'
import { why } from './commands/why.ts'

export const commands: readonly Command[] = [
  up,
  invite,
  build,
  bindings,
  run,
  serve,
  publish,
  status,
  why,
  apps,
  releases,
  exportCommand,
  importCommand,
  logs,
  metrics,
  call,
  events,
  dataList,
  dataGet,
  dataSet,
  dataDelete,
  dataSnapshot,
  dataRestore,
  topics,
  send,
  listen,
  sensors,
  doctor,
  network,
  serviceInstall,
  serviceUninstall,
  serviceStatus,
  trustShow,
  trustLog,
  trustAddPublisher,
  trustAddAdmin,
  trustAddRoot,
  trustRotateRoot,
  trustThreshold,
  trustRemove,
  trustRevoke,
  trustSign,
  trustHeartbeat,
  keyList,
  keyNew,
  keyEncrypt,
  keyDecrypt,
  keyExportPublic,
  interfaces,
  explain,
  stop,
  completion,
  version,
]

/** What the first words of such names stand for. */
export const commandGroups: Readonly<Record<string, string>> = {
  trust: 'whom the mesh believes: show, change, revoke, sign',
  data: 'what apps have stored: list, change, take a snapshot, put it back',
  service: 'a node that starts with its machine: install, uninstall, status',
  key: 'the keys in the key folder: list, make, encrypt',
}
