import { isAbsolute, join, resolve } from 'node:path'
import { connect } from '../../api/index.ts'
import type { Machine, ServiceOrder, ServicePlan } from '../../service/index.ts'
import { usage } from '../arguments.ts'
import { defineCommand, type CommandContext } from '../command.ts'
import { printJson, say } from '../print.ts'
import { plain } from '../text.ts'

const managers = ['systemd', 'openrc'] as const
const where = {
  user: { kind: 'flag', help: 'a service of your own, not of the machine' },
  manager: {
    kind: 'text',
    value: 'NAME',
    help: 'systemd or openrc (default: what runs this machine)',
    completes: managers,
  },
  data: {
    kind: 'text',
    value: 'DIR',
    help: 'the node’s data folder (default: /var/lib/selvedge)',
    completes: 'folder',
  },
} as const

type Where = { readonly user: boolean; readonly manager: string | undefined }

export const serviceInstall = defineCommand({
  name: 'service install',
  summary: 'make a node a service that starts with the machine',
  details:
    'Writes a unit for systemd, or a script for OpenRC, makes a user `selvedge` that owns the data folder and may use the ' +
    'board’s devices, starts the node and waits until it answers. What fails is taken back as a whole. ' +
    'Run it again after an upgrade, or with other options.',
  options: {
    ...where,
    config: {
      kind: 'text',
      value: 'FILE',
      help: 'the node’s TOML (default: /etc/selvedge/node.toml); written with comments where it is missing',
      completes: 'file',
    },
    join: { kind: 'text', value: 'TOKEN', help: 'join a mesh with an invite; without one it makes its own' },
    'dry-run': { kind: 'flag', help: 'say which files would be written and what would be run' },
    print: { kind: 'flag', help: 'print the files, and change nothing' },
  },
  json: 'selvedge.service-install/1',
  usesNode: false,
  endsItself: true,
  examples: [
    { line: 'service install', says: 'as root: a node of this machine, its data in /var/lib/selvedge' },
    { line: 'service install --join TOKEN', says: 'that joins with an invite' },
    {
      line: 'service install --print --manager openrc',
      says: 'to read, or for an image that is built elsewhere',
    },
  ],
  async run(context) {
    const { world, options } = context
    const service = await import('../../service/index.ts')
    const { machine, manager, order } = await subject(context, options, options.join)
    if (options.print) {
      const files = manager.files(order).map(({ path, text, mode }) => ({ path, text, mode }))
      if (context.json) printJson(context, 'selvedge.service-install/1', { files })
      else for (const { path, text } of files) world.stdout.write(`# ${path}\n${text}\n`)
      return 0
    }
    if (!options['dry-run']) service.refuseWithoutRights(machine, order.scope, 'install')
    const plan = await service.planOf(machine, manager, order)
    const facts = factsOf(plan)
    if (options['dry-run']) {
      if (context.json) printJson(context, 'selvedge.service-install/1', { ...facts, done: false })
      else world.stdout.write(planText(facts, 'would write', 'would run'))
      return 0
    }
    say(context, `starting the node as a service of ${manager.name} …`)
    const client = connect({ data: order.data })
    const { answers } = await service.installService(machine, plan, {
      clock: world.clock,
      signal: world.signal,
      answers: () =>
        client.status().then(
          () => true,
          () => false,
        ),
    })
    if (context.json) printJson(context, 'selvedge.service-install/1', { ...facts, done: true, answers })
    else world.stdout.write(`${planText(facts, 'wrote', 'ran')}${nextSteps(plan, answers)}`)
    return 0
  },
})

export const serviceUninstall = defineCommand({
  name: 'service uninstall',
  summary: 'stop the service and take it away; data and settings stay',
  options: { ...where, 'dry-run': { kind: 'flag', help: 'say what would be taken away' } },
  json: 'selvedge.service-uninstall/1',
  usesNode: false,
  endsItself: true,
  examples: [
    { line: 'service uninstall', says: 'as root; `service install` makes it again, with the same data' },
  ],
  async run(context) {
    const { world, options } = context
    const { uninstallService } = await import('../../service/index.ts')
    const { machine, manager, order } = await subject(context, options, undefined)
    const isDry = options['dry-run']
    const { removed, commands } = await uninstallService(machine, manager, order, isDry)
    const kept = [order.data, order.config].filter((path) => machine.exists(path))
    if (context.json) {
      printJson(context, 'selvedge.service-uninstall/1', { removed, commands, kept, done: !isDry })
    } else if (removed.length === 0) world.stdout.write('no service of selvedge is installed here\n')
    else {
      const [took, ran] = isDry ? ['would remove', 'would run'] : ['removed', 'ran']
      world.stdout.write(lines(took, removed) + lines(ran, commands) + lines('stays', kept))
    }
    return 0
  },
})

export const serviceStatus = defineCommand({
  name: 'service status',
  summary: 'tell whether a node is a service here, and whether it runs',
  details: 'Exit 0 where it runs, 1 where it does not.',
  options: where,
  json: 'selvedge.service/1',
  usesNode: false,
  examples: [{ line: 'service status', says: 'of the machine' }],
  async run(context) {
    const { world, options } = context
    const { readStanding } = await import('../../service/index.ts')
    const { machine, manager, order } = await subject(context, options, undefined)
    const standing = await readStanding(machine, manager, order)
    if (context.json) printJson(context, 'selvedge.service/1', { ...standing, data: order.data })
    else if (standing.file === null) {
      world.stdout.write(`no node is a service of ${manager.name} here\n`)
      say(context, 'make it one with `selvedge service install`')
    } else {
      const { state, isEnabled, file, log, madeBy } = standing
      const starts = isEnabled ? 'starts with the machine' : 'does not start with the machine'
      world.stdout.write(`${state} · ${starts} · ${manager.name}, ${plain(file)} (by ${madeBy})\n`)
      if (state !== 'running') say(context, `what it said: ${log}`)
    }
    return standing.state === 'running' ? 0 : 1
  },
})

interface Subject {
  readonly machine: Machine
  readonly manager: ServicePlan['manager']
  readonly order: ServiceOrder
}

async function subject(
  context: CommandContext<Where>,
  { user, manager }: Where,
  token: string | undefined,
): Promise<Subject> {
  const { world } = context
  const service = await import('../../service/index.ts')
  const machine = world.machine ?? service.systemMachine()
  const order = orderOf(context, user, service.serviceUser, token)
  return { machine, manager: service.chooseManager(machine, manager), order }
}

/** What tokens and addresses are written with. */
const harmless = /^[\w.:~+/=@-]+$/

function orderOf(
  context: CommandContext,
  isPersonal: boolean,
  serviceUser: string,
  token: string | undefined,
): ServiceOrder {
  const { world, options, data } = context
  if (token !== undefined && !harmless.test(token))
    throw usage({ name: 'service install' }, 'a token has letters, digits and dashes')
  // What a person typed; the default data folder is that person’s.
  const typedData = typeof options.data === 'string' ? data : undefined
  const { XDG_CONFIG_HOME: base = '', HOME: home = '/' } = world.env
  const settings = isPersonal ? (isAbsolute(base) ? base : join(home, '.config')) : '/etc'
  const config =
    typeof options.config === 'string'
      ? resolve(world.cwd, options.config)
      : join(settings, 'selvedge/node.toml')
  const folder = typedData ?? (isPersonal ? world.folders.data : '/var/lib/selvedge')
  return {
    scope: isPersonal ? 'user' : 'system',
    settings,
    ...world.program,
    config,
    data: folder,
    keys: isPersonal ? world.folders.keys : join(folder, 'keys'),
    user: isPersonal ? null : serviceUser,
    words: token === undefined ? [] : ['--join', token],
  }
}

interface PlanFacts {
  readonly manager: string
  readonly files: readonly string[]
  readonly commands: readonly string[]
  readonly data: string
}

function factsOf({ manager, order, files, settings, before, after }: ServicePlan): PlanFacts {
  return {
    manager: manager.name,
    files: [...settings, ...files].map(({ path }) => path),
    commands: [...before, ...after].map(({ run }) => run.join(' ')),
    data: order.data,
  }
}

function planText({ files, commands }: PlanFacts, wrote: string, ran: string): string {
  return lines(wrote, files) + lines(ran, commands)
}

function nextSteps({ manager, order }: ServicePlan, answers: boolean): string {
  const { scope, data, config } = order
  const log = manager.logCommand(scope).join(' ')
  return [
    answers ? 'the node runs' : `the node runs and does not answer yet; what it says: ${log}`,
    `see it:      selvedge status --data ${data}`,
    `change it:   ${config}, then selvedge service install`,
    ...(scope === 'user' ? ['it ends when you log out, unless: loginctl enable-linger'] : []),
    '',
  ].join('\n')
}

function lines(says: string, what: readonly string[]): string {
  return what.map((text) => `${says} ${plain(text)}\n`).join('')
}
