/** Every command, in the order that help shows them. A new one is a file under `commands/` and a line here. */
import type { Command } from './command.ts'
import { apps } from './commands/apps.ts'
import { bindings } from './commands/bindings.ts'
import { build } from './commands/build.ts'
import { completion } from './commands/completion.ts'
import { explain } from './commands/explain.ts'
import { interfaces } from './commands/interfaces.ts'
import { invite } from './commands/invite.ts'
import { logs } from './commands/logs.ts'
import { metrics } from './commands/metrics.ts'
import { network } from './commands/network.ts'
import { publish } from './commands/publish.ts'
import { releases } from './commands/releases.ts'
import { run } from './commands/run.ts'
import { sensors } from './commands/sensors.ts'
import { serve } from './commands/serve.ts'
import { status } from './commands/status.ts'
import { stop } from './commands/stop.ts'
import { up } from './commands/up.ts'
import { version } from './commands/version.ts'

export const commands: readonly Command[] = [
  up,
  invite,
  build,
  bindings,
  run,
  serve,
  publish,
  status,
  apps,
  releases,
  logs,
  metrics,
  sensors,
  network,
  interfaces,
  explain,
  stop,
  completion,
  version,
]
