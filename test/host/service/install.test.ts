import { describe, expect, it } from 'vitest'
import { systemClock } from '../../../core/index.ts'
import {
  chooseManager,
  installService,
  planOf,
  readStanding,
  uninstallService,
  type ServiceOrder,
} from '../../../host/service/index.ts'
import { PretendMachine, type PretendOptions } from './pretend-machine.ts'

const order: ServiceOrder = {
  scope: 'system',
  settings: '/etc',
  // What everybody can read on the machine of this test.
  node: '/bin/sh',
  program: '/bin/sh',
  config: '/etc/selvedge/node.toml',
  data: '/var/lib/selvedge',
  keys: '/var/lib/selvedge/keys',
  user: 'selvedge',
  words: ['--join', 'abc-123'],
}
const unit = '/etc/systemd/system/selvedge.service'
const watch = {
  clock: systemClock,
  signal: new AbortController().signal,
  answers: async () => true,
}

async function install(machine: PretendMachine, changes: Partial<ServiceOrder> = {}, watching = watch) {
  const manager = chooseManager(machine, undefined)
  return installService(machine, await planOf(machine, manager, { ...order, ...changes }), watching)
}

async function thrown(work: Promise<unknown>): Promise<{ code?: string; message: string; hint?: string }> {
  return work.then(
    () => {
      throw new Error('nothing was refused')
    },
    (error: { code?: string; message: string }) => error,
  )
}

describe('a service that is installed', () => {
  it('has a unit, a user that may use the board’s devices, settings to begin with, and runs', async () => {
    const machine = new PretendMachine()
    expect(await install(machine)).toEqual({ answers: true })
    const { files, users, isEnabled, isRunning } = machine.situation
    expect({ users: [...users], isEnabled, isRunning }).toEqual({
      users: ['selvedge'],
      isEnabled: true,
      isRunning: true,
    })
    expect(files.get(unit)).toContain(
      'ExecStart=/bin/sh /bin/sh up --config /etc/selvedge/node.toml $SELVEDGE_UP',
    )
    expect(files.get('/etc/default/selvedge')).toContain('SELVEDGE_UP="--join abc-123"')
    expect(files.get('/etc/selvedge/node.toml')).toContain('# name =')
    expect(machine.asked).toContain('usermod --append --groups gpio selvedge')
  })

  it('keeps the settings that are there', async () => {
    const machine = new PretendMachine({ files: { '/etc/selvedge/node.toml': 'name = "mine"' } })
    await install(machine)
    expect(machine.situation.files.get('/etc/selvedge/node.toml')).toBe('name = "mine"')
  })

  it('is started anew when it is installed again, and keeps what was put into its file of words', async () => {
    const machine = new PretendMachine()
    await install(machine)
    await install(machine, { words: [] })
    const { files, isRunning } = machine.situation
    expect(isRunning).toBe(true)
    expect(files.get('/etc/default/selvedge')).toContain('SELVEDGE_UP="--join abc-123"')
    await install(machine, { words: ['--join', 'def'] })
    expect(machine.situation.files.get('/etc/default/selvedge')).toContain('SELVEDGE_UP="--join def"')
    expect(machine.asked.filter((line) => line.startsWith('useradd'))).toHaveLength(1)
  })

  it('joins with a new invite beside the words that a person gave', async () => {
    const words = '/etc/default/selvedge'
    const head = '# Written by `selvedge service install`.\n'
    const after = async (text: string): Promise<string | undefined> => {
      const machine = new PretendMachine({ files: { [words]: `${head}${text}` } })
      await install(machine)
      return machine.situation.files.get(words)
    }
    const theirs = 'A=1\nSELVEDGE_UP="--group lobby --join old --metrics 9464"\n# mine\n'
    expect(await after(theirs)).toBe(
      `${head}A=1\nSELVEDGE_UP="--group lobby --metrics 9464 --join abc-123"\n# mine\n`,
    )
    expect(await after('SELVEDGE_UP=--join=old')).toBe(`${head}SELVEDGE_UP="--join abc-123"`)
    expect(await after('A=1')).toBe(`${head}A=1\nSELVEDGE_UP="--join abc-123"\n`)
    for (const text of ['SELVEDGE_UP="$MORE"', 'SELVEDGE_UP=a\nSELVEDGE_UP=b', 'SELVEDGE_UP="a \\\nb"'])
      expect((await thrown(after(text))).code).toBe('ERR_SERVICE_WORD')
  })

  it('goes with an uninstallation; data and settings stay', async () => {
    const machine = new PretendMachine()
    await install(machine)
    const manager = chooseManager(machine, undefined)
    const { removed } = await uninstallService(machine, manager, order, false)
    expect(removed).toEqual([unit, '/etc/default/selvedge'])
    const { files, folders, isEnabled, isRunning } = machine.situation
    expect([isEnabled, isRunning, files.has(unit)]).toEqual([false, false, false])
    expect(files.has('/etc/selvedge/node.toml')).toBe(true)
    expect(folders.has('/var/lib/selvedge')).toBe(true)
    expect((await readStanding(machine, manager, order)).madeBy).toBe(null)
    expect(await uninstallService(machine, manager, order, false)).toEqual({ removed: [], commands: [] })
  })
})

describe('an installation that fails', () => {
  const total = async (options: PretendOptions): Promise<number> => {
    const machine = new PretendMachine(options)
    await install(machine)
    return machine.changes
  }

  it('at any one thing leaves everything as it was', async () => {
    const changes = await total({})
    expect(changes).toBeGreaterThan(7)
    for (let failsAt = 1; failsAt <= changes; failsAt += 1) {
      const machine = new PretendMachine({ failsAt })
      const before = machine.situation
      const { code } = await thrown(install(machine))
      expect(code).toMatch(/^ERR_SERVICE_(COMMAND|FILE)$/)
      expect({ failsAt, ...machine.situation }).toEqual({ failsAt, ...before })
    }
  })

  it('over one that runs leaves that one running, with its files', async () => {
    const first = new PretendMachine()
    await install(first)
    const made = first.changes
    await install(first, { words: [] })
    for (let failsAt = made + 1; failsAt <= first.changes; failsAt += 1) {
      const machine = new PretendMachine({ failsAt })
      await install(machine)
      const before = machine.situation
      await thrown(install(machine, { words: [] }))
      expect({ failsAt, ...machine.situation }).toEqual({ failsAt, ...before })
    }
  })

  it('over one that was stopped and starts with the machine leaves it so', async () => {
    const prepared = async (failsAt: number): Promise<PretendMachine> => {
      const machine = new PretendMachine({ failsAt })
      await install(machine)
      await machine.run(['systemctl', 'stop', 'selvedge.service'])
      return machine
    }
    const first = await prepared(0)
    const made = first.changes
    await install(first)
    for (let failsAt = made + 1; failsAt <= first.changes; failsAt += 1) {
      const machine = await prepared(failsAt)
      const before = machine.situation
      expect(before).toMatchObject({ isEnabled: true, isRunning: false })
      await thrown(install(machine))
      expect({ failsAt, ...machine.situation }).toEqual({ failsAt, ...before })
    }
  })

  it('because the node does not stay up says what it said, and is taken back', async () => {
    const machine = new PretendMachine({ ends: true })
    const before = machine.situation
    const error = await thrown(install(machine, {}, { ...watch, answers: async () => false }))
    expect(error.code).toBe('ERR_SERVICE_DOWN')
    expect(error.message).toContain('error[ERR_CONFIG_INVALID]: no such key')
    expect(machine.situation).toEqual(before)
  })

  it('because somebody pressed Ctrl-C is taken back', async () => {
    const ending = new AbortController()
    const machine = new PretendMachine()
    const before = machine.situation
    const answers = async (): Promise<boolean> => {
      ending.abort(new Error('interrupted'))
      return false
    }
    expect((await thrown(install(machine, {}, { ...watch, signal: ending.signal, answers }))).message).toBe(
      'interrupted',
    )
    expect(machine.situation).toEqual(before)
  })

  it('keeps the data of a node that had begun, and its owner', async () => {
    const machine = new PretendMachine({ ends: true })
    const run = machine.run.bind(machine)
    // As rmdir does with a folder that is not empty.
    machine.run = async (line) =>
      line[0] === 'rmdir' && line.includes(order.data) ? { status: 0, output: '' } : run(line)
    await thrown(install(machine, {}, { ...watch, answers: async () => false }))
    expect([...machine.situation.users]).toEqual(['selvedge'])
  })
})

describe('what is refused before anything is changed', () => {
  const refused = async (options: PretendOptions, changes: Partial<ServiceOrder> = {}): Promise<string> => {
    const machine = new PretendMachine(options)
    const before = machine.situation
    const { code, hint } = await thrown(install(machine, changes))
    expect(hint).toMatch(/\S/)
    expect(machine.situation).toEqual(before)
    return code ?? ''
  }

  it('a service of the machine by somebody who is not root', async () => {
    expect(await refused({ uid: 1000 })).toBe('ERR_SERVICE_ROOT')
  })

  it('a unit that somebody else wrote, or a package brought', async () => {
    expect(await refused({ files: { [unit]: '[Service]\nExecStart=/bin/true' } })).toBe('ERR_SERVICE_FOREIGN')
    expect(await refused({ files: { '/usr/lib/systemd/system/selvedge.service': '' } })).toBe(
      'ERR_SERVICE_FOREIGN',
    )
  })

  it('a program that the service’s user could not read', async () => {
    expect(await refused({}, { program: '/nowhere/selvedge.mjs' })).toBe('ERR_SERVICE_UNREADABLE')
  })

  it('what systemd hides from a service', async () => {
    for (const changes of [
      { node: '/home/eve/.nvm/bin/node' },
      { program: '/root/selvedge.mjs' },
      { config: '/home/eve/node.toml' },
      { data: '/var/tmp/node' },
    ])
      expect(await refused({}, changes)).toBe('ERR_SERVICE_UNREADABLE')
    expect(await refused({}, { data: '/srv/a\nb' })).toBe('ERR_SERVICE_WORD')
  })

  it('what only root may read', async () => {
    const files = { [unit]: '# Written by `selvedge service install`', '/etc/default/selvedge': '' }
    const machine = new PretendMachine({ uid: 1000, files, closed: '/etc/default/selvedge' })
    const manager = chooseManager(machine, undefined)
    const { code, message } = await thrown(planOf(machine, manager, order))
    expect([code, message]).toEqual(['ERR_SERVICE_ROOT', 'only root can read /etc/default/selvedge'])
    for (const isDry of [true, false])
      expect((await thrown(uninstallService(machine, manager, order, isDry))).code).toBe('ERR_SERVICE_ROOT')
  })

  it('a service of one person where the manager has none', async () => {
    const machine = new PretendMachine()
    const error = await thrown(
      planOf(machine, chooseManager(machine, 'openrc'), { ...order, scope: 'user', user: null }),
    )
    expect(error.code).toBe('ERR_SERVICE_MANAGER')
  })

  it('a machine without a manager that is known', () => {
    const machine = new PretendMachine()
    machine.exists = () => false
    expect(() => chooseManager(machine, undefined)).toThrow(/neither systemd nor openrc/)
    expect(() => chooseManager(machine, 'launchd')).toThrow(/no service manager launchd/)
  })

  it('an uninstallation of what somebody else wrote', async () => {
    const machine = new PretendMachine({ files: { [unit]: '[Service]' } })
    const error = await thrown(uninstallService(machine, chooseManager(machine, undefined), order, false))
    expect(error.code).toBe('ERR_SERVICE_FOREIGN')
    expect(machine.situation.files.has(unit)).toBe(true)
  })
})
