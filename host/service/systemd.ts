/** systemd, of the machine or of one person. */
import { join } from 'node:path'
import {
  ownMark,
  serviceName,
  type CommandLine,
  type ServiceManager,
  type ServiceScope,
  type ServiceState,
} from './contract.ts'
import type { Machine } from './machine.ts'
import { systemdUnit } from './systemd-unit.ts'
import { wordsFile } from './words-file.ts'

const unit = `${serviceName}.service`

export const systemd: ServiceManager = {
  name: 'systemd',
  // sd_booted(3).
  isHere: (machine) => machine.exists('/run/systemd/system'),
  unfit: () => null,
  files(order) {
    const isSystem = order.scope === 'system'
    const environmentFile = join(order.settings, isSystem ? 'default/selvedge' : 'selvedge/selvedge.env')
    const path = join(order.settings, 'systemd', order.scope, unit)
    const head = [
      `Written by \`${ownMark}\`; \`selvedge service uninstall\` takes it away.`,
      `Changes belong into a drop-in: systemctl ${isSystem ? '' : '--user '}edit ${serviceName}`,
    ]
    return [
      { path, mode: 0o644, text: systemdUnit(order, { head, environmentFile }) },
      wordsFile(environmentFile, order.words),
    ]
  },
  packaged: (scope) =>
    (scope === 'system' ? ['/usr/lib/systemd/system', '/lib/systemd/system'] : ['/usr/lib/systemd/user']).map(
      (folder) => `${folder}/${unit}`,
    ),
  // ProtectHome= and PrivateTmp= of the unit.
  hidden: (scope) => (scope === 'system' ? ['/home', '/root', '/run/user', '/tmp', '/var/tmp'] : []),
  start: (scope, { isEnabled, isRunning }) => [
    { run: systemctl(scope, 'daemon-reload') },
    {
      run: systemctl(scope, 'enable', unit),
      ...(isEnabled ? {} : { undo: systemctl(scope, 'disable', unit) }),
    },
    {
      run: systemctl(scope, 'restart', unit),
      ...(isRunning ? {} : { undo: systemctl(scope, 'stop', unit) }),
    },
  ],
  stop: (scope) => [systemctl(scope, 'disable', '--now', unit)],
  forget: (scope) => [systemctl(scope, 'daemon-reload'), systemctl(scope, 'reset-failed', unit)],
  stateOf,
  logCommand: (scope) => {
    const option = scope === 'system' ? '--unit' : '--user-unit'
    return ['journalctl', option, serviceName, '--lines', '20', '--output', 'cat']
  },
}

function systemctl(scope: ServiceScope, ...args: string[]): CommandLine {
  return scope === 'system' ? ['systemctl', ...args] : ['systemctl', '--user', ...args]
}

async function stateOf(machine: Machine, scope: ServiceScope): Promise<ServiceState> {
  const wanted = 'ActiveState,UnitFileState,NRestarts'
  const { output } = await machine.run(systemctl(scope, 'show', unit, `--property=${wanted}`))
  const facts = new Map(output.split('\n').map((line) => line.split('=', 2) as [string, string]))
  const active = facts.get('ActiveState') ?? ''
  const restarts = Number(facts.get('NRestarts'))
  return {
    isEnabled: facts.get('UnitFileState') === 'enabled',
    state: states[active] ?? 'stopped',
    restarts: Number.isInteger(restarts) ? restarts : null,
  }
}

const states: Readonly<Record<string, ServiceState['state']>> = {
  active: 'running',
  reloading: 'running',
  activating: 'starting',
  failed: 'failed',
}
