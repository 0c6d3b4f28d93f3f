import { describe, expect, it } from 'vitest'
import { parseNodeConfig } from '../../../host/config/index.ts'
import { PretendMachine } from './pretend-machine.ts'
import { sampleConfig, serviceManagers, type ServiceOrder } from '../../../host/service/index.ts'

const order: ServiceOrder = {
  scope: 'system',
  settings: '/etc',
  node: '/opt/my node/bin/node',
  program: '/opt/100%/selvedge.mjs',
  config: '/etc/selvedge/node.toml',
  data: '/var/lib/selvedge',
  keys: '/var/lib/selvedge/keys',
  user: 'selvedge',
  words: [],
}
const textOf = (name: string, changes: Partial<ServiceOrder> = {}): string =>
  serviceManagers.find((manager) => manager.name === name)?.files({ ...order, ...changes })[0]?.text ?? ''

describe('the unit for systemd', () => {
  it('names its program so that spaces and percent signs mean themselves', () => {
    expect(textOf('systemd')).toContain(
      'ExecStart="/opt/my node/bin/node" /opt/100%%/selvedge.mjs up --config',
    )
  })

  it('names folders with a dollar sign so that systemd takes it as one', () => {
    const text = textOf('systemd', { program: '/opt/a$b.mjs', data: '/srv/a$b', node: '/opt/n$1/node' })
    expect(text).toContain('ExecStart=/opt/n$1/node /opt/a$$b.mjs up --config')
    expect(text).toContain('Environment=SELVEDGE_DATA=/srv/a$b ')
    expect(text).toContain('ReadWritePaths=/srv/a$b\n')
  })

  it('lets V8 compile, and switches stay reachable in /sys', () => {
    const directives = textOf('systemd')
      .split('\n')
      .filter((line) => !line.startsWith('#'))
    for (const name of ['MemoryDenyWriteExecute', 'ProtectKernelTunables', 'PrivateDevices', 'ProcSubset'])
      expect(directives.filter((line) => line.startsWith(`${name}=`))).toEqual([])
    expect(directives).toContain('RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK')
    expect(directives).toContain('OOMPolicy=continue')
  })

  it('opens a data folder elsewhere', () => {
    const text = textOf('systemd', { data: '/srv/node' })
    expect(text).toContain('ReadWritePaths=/srv/node')
    expect(text).not.toContain('StateDirectory=')
  })

  it('of one person asks for nothing that takes root', () => {
    const text = textOf('systemd', { scope: 'user', user: null, settings: '/home/eve/.config' })
    for (const name of [
      'User=',
      'ProtectSystem=',
      'CapabilityBoundingSet=',
      'DeviceAllow=',
      'StateDirectory=',
    ])
      expect(text).not.toContain(`\n${name}`)
    expect(text).toContain('WantedBy=default.target')
  })
})

it.each(['systemd', 'openrc'])('has glibc keep little of what was freed, under %s', (name) => {
  expect(textOf(name)).toMatch(/^(Environment=|export )MALLOC_ARENA_MAX=1 MALLOC_TRIM_THRESHOLD_=131072$/m)
})

describe('the script for OpenRC', () => {
  it('quotes its program for the shell that reads it', () => {
    const text = textOf('openrc', { node: "/opt/eve's/node" })
    expect(text).toContain(`command='/opt/eve'\\''s/node'`)
    expect(text).toContain(
      `command_args="'/opt/100%/selvedge.mjs' 'up' '--config' '/etc/selvedge/node.toml' \${SELVEDGE_UP}"`,
    )
  })
})

describe('a node under OpenRC', () => {
  const supervisor = { '/run/openrc/options/selvedge/child_pid': '4711\n' }
  const stateWith = async (files: Record<string, string>): Promise<string | undefined> => {
    const machine = new PretendMachine({ files })
    machine.run = async (line) => ({
      status: 0,
      output: line[0] === 'rc-service' ? ' * status: started\n' : '',
    })
    return (await serviceManagers.find(({ name }) => name === 'openrc')?.stateOf(machine, 'system'))?.state
  }

  it('has failed where its supervisor runs and it has ended', async () => {
    expect(await stateWith({ ...supervisor, '/proc/4711': '' })).toBe('running')
    expect(await stateWith(supervisor)).toBe('failed')
  })
})

describe('the settings of a new service', () => {
  it('change nothing, and are right when their comment signs are taken away', () => {
    expect(parseNodeConfig(sampleConfig, 'node.toml')).toEqual(parseNodeConfig('', 'node.toml'))
    const lines = sampleConfig.split('\n').slice(2)
    const { name, groups, http, sensors } = parseNodeConfig(
      lines.map((line) => line.replace(/^# /, '')).join('\n'),
      'node.toml',
    )
    expect({ name, groups }).toEqual({ name: 'garage-1', groups: ['garage'] })
    expect(http.listen).toBe('127.0.0.1:8080')
    expect(Object.keys(sensors)).toEqual(['light'])
  })
})
