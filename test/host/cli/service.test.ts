import { describe, expect, it } from 'vitest'
import type { World } from '../../../host/cli/index.ts'
import { PretendMachine } from '../service/pretend-machine.ts'
import { run } from './fake-world.ts'

const unit = '/etc/systemd/system/selvedge.service'
// What everybody can read on the machine of this test.
const program = { node: '/bin/sh', program: '/bin/sh' }

function service(line: string, machine: PretendMachine, more: { env?: World['env'] } = {}) {
  return run(`service ${line}`, { machine, program, ...more })
}

describe('service install', () => {
  it('--dry-run names every file and every command, and changes nothing', async () => {
    const machine = new PretendMachine({ uid: 1000 })
    const before = machine.situation
    const { code, stdout } = await service('install --dry-run --join abc', machine)
    expect(code).toBe(0)
    expect(stdout).toContain(
      `would write ${unit}\nwould write /etc/default/selvedge\nwould run useradd --system`,
    )
    expect(stdout).toContain('would run systemctl restart selvedge.service')
    expect(stdout).not.toContain('abc')
    expect(machine.situation).toEqual(before)
  })

  it('--print prints the files of any manager, wherever it is run', async () => {
    const machine = new PretendMachine({ uid: 1000 })
    machine.exists = () => false
    for (const manager of ['systemd', 'openrc']) {
      const { code, stdout } = await service(`install --print --manager ${manager}`, machine)
      expect(code).toBe(0)
      await expect(stdout).toMatchFileSnapshot(`goldens/service-${manager}.txt`)
    }
    const { stdout } = await service('install --print --json --manager openrc', machine)
    const { schema, files } = JSON.parse(stdout) as { schema: string; files: { path: string }[] }
    expect(schema).toBe('selvedge.service-install/1')
    expect(files.map(({ path }) => path)).toEqual(['/etc/init.d/selvedge', '/etc/conf.d/selvedge'])
  })

  it('--user puts the unit where the person’s own manager looks', async () => {
    const machine = new PretendMachine({ uid: 1000 })
    const env = { HOME: '/home/eve', XDG_CONFIG_HOME: 'relative' }
    const { stdout } = await service('install --dry-run --user', machine, { env })
    expect(stdout).toContain('would write /home/eve/.config/systemd/user/selvedge.service\n')
    expect(stdout).toContain('would write /home/eve/.config/selvedge/selvedge.env\n')
    expect(stdout).toContain('would run systemctl --user restart selvedge.service\n')
  })

  it('is for root, and says so in a line', async () => {
    const { code, stderr } = await service('install', new PretendMachine({ uid: 1000 }))
    expect(code).toBe(1)
    expect(stderr).toContain(
      'error[ERR_SERVICE_ROOT]: only root can install a service of the machine\nhint: ',
    )
  })

  it('takes no token that would mean something in a file that a shell reads', async () => {
    const machine = new PretendMachine()
    const { code, stderr } = await service('install --join $(reboot)', machine)
    expect(code).toBe(2)
    expect(stderr).toContain('error[ERR_USAGE]')
    expect(machine.changes).toBe(0)
  })
})

describe('service status', () => {
  it('ends with 1 and says what to do where there is none', async () => {
    const { code, stdout, stderr } = await service('status', new PretendMachine())
    expect({ code, stdout, stderr }).toEqual({
      code: 1,
      stdout: 'no node is a service of systemd here\n',
      stderr: 'make it one with `selvedge service install`\n',
    })
  })

  it('tells who made the unit', async () => {
    const machine = new PretendMachine({ files: { '/usr/lib/systemd/system/selvedge.service': '' } })
    const { stdout } = await service('status', machine)
    expect(stdout).toBe(
      'stopped · does not start with the machine · systemd, /usr/lib/systemd/system/selvedge.service (by package)\n',
    )
    const { stdout: json } = await service('status --json', machine)
    expect(JSON.parse(json)).toMatchObject({
      schema: 'selvedge.service/1',
      madeBy: 'package',
      state: 'stopped',
    })
  })
})

it('service uninstall says what stays', async () => {
  const machine = new PretendMachine({
    files: { [unit]: '# Written by `selvedge service install`', '/var/lib/selvedge': '' },
  })
  const { code, stdout } = await service('uninstall', machine)
  expect(code).toBe(0)
  expect(stdout).toBe(
    `removed ${unit}\nran systemctl disable --now selvedge.service\nran systemctl daemon-reload\n` +
      'ran systemctl reset-failed selvedge.service\nstays /var/lib/selvedge\n',
  )
  expect(machine.situation.files.has(unit)).toBe(false)
  expect((await service('uninstall', machine)).stdout).toBe('no service of selvedge is installed here\n')
})
