/**
 * The unit of a node, for `selvedge service install` and for the Debian package.
 *
 * What is closed is what a node never needs. What stays open is said with its reason, so that nobody closes it and
 * wonders. docs/install.md has what `systemd-analyze security` makes of it.
 */
import type { ServiceOrder } from './contract.ts'
import { mallocSettings } from './malloc-settings.ts'

/** The folders that systemd makes for the service's user, by the names of their directives. */
const stateRoot = '/var/lib/'

export interface UnitOptions {
  /** Lines of comment at its top. */
  readonly head: readonly string[]
  /** The file with further words for `up`, as `SELVEDGE_UP="--join TOKEN"`. */
  readonly environmentFile: string
}

export function systemdUnit(order: ServiceOrder, { head, environmentFile }: UnitOptions): string {
  const isSystem = order.scope === 'system'
  const args = [order.program, 'up', '--config', order.config]
  return [
    ...head.map((line) => `# ${line}`),
    '',
    '[Unit]',
    'Description=Selvedge node: WebAssembly components in a mesh of peers',
    '# No network is waited for: a node does its work without one.',
    ...(isSystem ? ['After=network.target'] : []),
    '# However often it ends, it is tried again: nobody may be there to do it.',
    'StartLimitIntervalSec=0',
    '',
    '[Service]',
    'Type=exec',
    ...(order.user === null ? [] : [`User=${order.user}`]),
    `Environment=${word(`SELVEDGE_DATA=${order.data}`)} ${word(`SELVEDGE_KEYS=${order.keys}`)} SELVEDGE_UP=`,
    '# glibc: one arena for all threads, and what is freed is given back.',
    `Environment=${mallocSettings}`,
    `EnvironmentFile=-${environmentFile.replaceAll('%', '%%')}`,
    `ExecStart=${[word(order.node), ...args.map(argument)].join(' ')} $SELVEDGE_UP`,
    '# `selvedge stop` ends it for good; what it ends of by itself does not.',
    'Restart=on-failure',
    'RestartSec=5',
    'RestartPreventExitStatus=2',
    'KillMode=mixed',
    'TimeoutStopSec=30',
    '# A sandbox that takes too much is ended alone; the node replaces it.',
    'OOMPolicy=continue',
    'LimitNOFILE=65536',
    'UMask=0077',
    ...(isSystem ? [...folders(order), '', ...hardening] : ['', ...personalHardening]),
    '',
    '[Install]',
    `WantedBy=${isSystem ? 'multi-user.target' : 'default.target'}`,
    '',
  ].join('\n')
}

function folders({ data }: ServiceOrder): string[] {
  const name = data.startsWith(stateRoot) ? data.slice(stateRoot.length) : ''
  const isState = name !== '' && !name.includes('/')
  return [
    ...(isState ? [`StateDirectory=${name}`, 'StateDirectoryMode=0700'] : [`ReadWritePaths=${word(data)}`]),
    'CacheDirectory=selvedge',
    'CacheDirectoryMode=0700',
    'Environment=XDG_CACHE_HOME=/var/cache/selvedge',
  ]
}

const hardening = [
  'NoNewPrivileges=yes',
  '# A port below 1024 needs a drop-in with both of these set to CAP_NET_BIND_SERVICE.',
  'CapabilityBoundingSet=',
  'AmbientCapabilities=',
  '# A folder that apps may write to ([folders] in node.toml) needs ReadWritePaths= in a drop-in, one below /home or',
  '# /root needs ProtectHome=no as well.',
  'ProtectSystem=strict',
  'ProtectHome=yes',
  'PrivateTmp=yes',
  'ProtectKernelModules=yes',
  'ProtectKernelLogs=yes',
  'ProtectControlGroups=yes',
  'ProtectHostname=yes',
  'ProtectClock=yes',
  'ProtectProc=invisible',
  'RestrictNamespaces=yes',
  'RestrictRealtime=yes',
  'RestrictSUIDSGID=yes',
  'LockPersonality=yes',
  'RemoveIPC=yes',
  'KeyringMode=private',
  'SystemCallArchitectures=native',
  'SystemCallFilter=@system-service',
  'SystemCallFilter=~@privileged @keyring',
  'SystemCallErrorNumber=EPERM',
  '# AF_NETLINK: how Node.js lists the addresses of this machine.',
  'RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK',
  '# The devices that drivers open, and no others.',
  'DevicePolicy=closed',
  ...['gpiochip', 'i2c', 'iio', 'ttyS', 'ttyAMA', 'ttyUSB', 'ttyACM'].map(
    (kind) => `DeviceAllow=char-${kind} rw`,
  ),
  '',
  '# Not closed, and why:',
  '# MemoryDenyWriteExecute=: V8 compiles WebAssembly and JavaScript to machine code while it runs.',
  '# PrivateDevices=: sensors and pins are devices; DevicePolicy= names them.',
  '# ProtectKernelTunables=: it makes /sys read-only, where pins of the sysfs driver are switched.',
  '# ProcSubset=pid: hides /proc/meminfo and /proc/stat, which the node and the `system` driver read.',
  '# PrivateUsers=: the groups that own devices would be nobody’s.',
  '# PrivateNetwork=, IPAddressDeny=: a node talks to its peers.',
]

/** What a person's own manager can do without rights of its own. */
const personalHardening = [
  'NoNewPrivileges=yes',
  'RestrictRealtime=yes',
  'RestrictSUIDSGID=yes',
  'LockPersonality=yes',
  'SystemCallArchitectures=native',
]

/** One behind the program of a command line, where systemd puts in variables; nowhere else does it. */
function argument(text: string): string {
  return word(text).replaceAll('$', '$$$$')
}

/** One word of a directive: systemd takes quotes, and gives `%` a meaning. */
function word(text: string): string {
  const plain = text.replace(/[\\"]/g, '\\$&').replaceAll('%', '%%')
  return /[\s'"\\;]/.test(text) ? `"${plain}"` : plain
}
