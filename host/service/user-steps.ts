/** The user that a service runs as, with the groups that own devices, and its data folder. */
import { deviceGroups, type Step } from './contract.ts'
import type { Machine } from './machine.ts'

/** Steps that are missing on this machine; none where everything is there. */
export async function userSteps(machine: Machine, user: string, data: string): Promise<Step[]> {
  const groups = await groupsOf(machine)
  const present = deviceGroups.filter((name) => groups.has(name))
  const steps: Step[] = []
  const isThere = (await machine.run(['id', '-u', user])).status === 0
  if (!isThere) steps.push(...creation(machine, user, data, groups.has(user)))
  for (const group of present) {
    if (groups.get(group)?.includes(user) !== true) steps.push(membership(machine, user, group))
  }
  if (!machine.exists(data)) {
    steps.push({
      run: ['install', '-d', '-m', '0700', '-o', user, '-g', user, data],
      // Only where nothing has come into it: a node that was let into a mesh keeps its identity.
      undo: ['rmdir', '--ignore-fail-on-non-empty', data],
    })
  }
  return steps
}

function creation(machine: Machine, user: string, data: string, hasGroup: boolean): Step[] {
  const shell = machine.exists('/usr/sbin/nologin') ? '/usr/sbin/nologin' : '/sbin/nologin'
  // Data that stays behind keeps its owner.
  const undoUnless = data
  if (isBusybox(machine)) {
    const group: Step = { run: ['addgroup', '-S', user], undo: ['delgroup', user], undoUnless }
    const run = ['adduser', '-S', '-D', '-H', '-h', data, '-s', shell, '-G', user, user] as const
    return [...(hasGroup ? [] : [group]), { run, undo: ['deluser', user], undoUnless }]
  }
  const group = hasGroup ? (['--gid', user] as const) : (['--user-group'] as const)
  const about = ['--system', '--home-dir', data, '--no-create-home', '--shell', shell] as const
  return [{ run: ['useradd', ...about, ...group, user], undo: ['userdel', user], undoUnless }]
}

function membership(machine: Machine, user: string, group: string): Step {
  if (isBusybox(machine)) return { run: ['addgroup', user, group], undo: ['delgroup', user, group] }
  return { run: ['usermod', '--append', '--groups', group, user], undo: ['gpasswd', '--delete', user, group] }
}

/** Alpine has BusyBox's tools alone. */
function isBusybox(machine: Machine): boolean {
  return !machine.exists('/usr/sbin/useradd')
}

/** group(5): members by group. */
async function groupsOf(machine: Machine): Promise<ReadonlyMap<string, readonly string[]>> {
  const file = await machine.read('/etc/group')
  const lines = (file?.text ?? '').split('\n').map((line) => line.split(':'))
  return new Map(lines.map(([name = '', , , members = '']) => [name, members.split(',')]))
}
