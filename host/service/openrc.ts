/** OpenRC, as on Alpine and Gentoo. Its own supervisor starts a node again that ended. */
import {
  ownMark,
  serviceName,
  type ServiceManager,
  type ServiceOrder,
  type ServiceState,
} from './contract.ts'
import type { Machine } from './machine.ts'
import { mallocSettings } from './malloc-settings.ts'
import { wordsFile } from './words-file.ts'

export const openrc: ServiceManager = {
  name: 'openrc',
  isHere: (machine) => machine.exists('/run/openrc'),
  unfit: (scope) =>
    scope === 'user' ? 'OpenRC starts services with the machine, and none of one person' : null,
  files: (order) => [
    { path: `/etc/init.d/${serviceName}`, mode: 0o755, text: script(order) },
    wordsFile(`/etc/conf.d/${serviceName}`, order.words),
  ],
  packaged: () => [],
  hidden: () => [],
  start: (_scope, { isEnabled, isRunning }) => [
    {
      run: ['rc-update', 'add', serviceName, 'default'],
      ...(isEnabled ? {} : { undo: ['rc-update', 'del', serviceName, 'default'] as const }),
    },
    {
      run: ['rc-service', serviceName, isRunning ? 'restart' : 'start'],
      ...(isRunning ? {} : { undo: ['rc-service', serviceName, 'stop'] as const }),
    },
  ],
  stop: () => [
    ['rc-service', '--ifstarted', serviceName, 'stop'],
    ['rc-update', 'del', serviceName, 'default'],
  ],
  forget: () => [],
  stateOf,
  logCommand: () => ['tail', '-n', '20', logFile],
}

const cacheFolder = `/var/cache/${serviceName}`
const logFile = `/var/log/${serviceName}.log`

/** openrc-run(8), supervise-daemon(8). */
function script(order: ServiceOrder): string {
  const user = order.user ?? 'root'
  const args = [order.program, 'up', '--config', order.config].map(quoted).join(' ')
  return `#!/sbin/openrc-run
# Written by \`${ownMark}\`; \`selvedge service uninstall\` takes it away.
description="Selvedge node: WebAssembly components in a mesh of peers"
supervisor=supervise-daemon
command=${quoted(order.node)}
command_args="${escaped(args)} \${SELVEDGE_UP}"
command_user="${user}:${user}"
# However often it ends, it is tried again: nobody may be there to do it.
respawn_delay=5
respawn_max=0
retry="TERM/30/KILL/5"
umask=0077
# Nothing shortens it: logrotate does, with copytruncate.
output_log=${logFile}
error_log=${logFile}
export SELVEDGE_DATA=${quoted(order.data)}
export SELVEDGE_KEYS=${quoted(order.keys)}
export XDG_CACHE_HOME=${cacheFolder}
# glibc: one arena for all threads, and what is freed is given back.
export ${mallocSettings}

depend() {
  # No network is waited for: a node does its work without one.
  after net firewall
}

start_pre() {
  checkpath --directory --mode 0700 --owner "${user}:${user}" ${quoted(order.data)} || return 1
  checkpath --directory --mode 0700 --owner "${user}:${user}" ${cacheFolder} || return 1
  checkpath --file --mode 0640 --owner "${user}:${user}" ${logFile}
}
`
}

async function stateOf(machine: Machine): Promise<ServiceState> {
  const { output } = await machine.run(['rc-service', serviceName, 'status'])
  const enabled = await machine.run(['rc-update', 'show', 'default'])
  const word = /status: (\w+)/.exec(output)?.[1] ?? ''
  // supervise-daemon counts as started while it waits to start again what has ended; this is what it keeps for itself.
  const child = (await machine.read(`/run/openrc/options/${serviceName}/child_pid`))?.text.trim()
  const isGone = child !== undefined && !machine.exists(`/proc/${child}`)
  const state = states[word] ?? 'stopped'
  return {
    isEnabled: new RegExp(`^\\s*${serviceName}\\s`, 'm').test(enabled.output),
    state: state === 'running' && isGone ? 'failed' : state,
    restarts: null,
  }
}

const states: Readonly<Record<string, ServiceState['state']>> = {
  started: 'running',
  starting: 'starting',
  crashed: 'failed',
}

/** For the shell that reads the script. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`
}

/** What stands between double quotes there, and is read by a shell once more. */
function escaped(text: string): string {
  return text.replace(/[\\"$`]/g, '\\$&')
}
