import { connect, type ControlClient, type StatusReport } from '../../api/index.ts'
import { usage } from '../arguments.ts'
import { defineCommand, liveNames, type LiveNames } from '../command.ts'
import { completionScripts, isShell } from '../completion/scripts.ts'
import { plain } from '../text.ts'

/** Somebody is typing: later than this nobody waits for names. */
const patienceMs = 150

export const completion = defineCommand({
  name: 'completion',
  summary: 'print a completion script for a shell',
  details:
    'The scripts complete commands and options by themselves, and names of nodes, apps, groups and functions by asking ' +
    'the node of $SELVEDGE_DATA with `selvedge completion names KIND` (' +
    `${liveNames.join(', ')} of an APP), which says nothing where it gets no answer at once.`,
  arguments: [
    { name: 'bash|zsh|fish|names', required: true, completes: ['bash', 'zsh', 'fish'] },
    { name: 'KIND', required: false, completes: liveNames },
    { name: 'APP', required: false, completes: 'app' },
  ],
  options: {},
  json: null,
  usesNode: false,
  examples: [
    { line: 'completion bash > ~/.local/share/bash-completion/completions/selvedge', says: 'for bash' },
    { line: 'completion zsh > "${fpath[1]}/_selvedge"', says: 'for zsh' },
    { line: 'completion fish > ~/.config/fish/completions/selvedge.fish', says: 'for fish' },
  ],
  async run({ world, args, data, commands }) {
    const [shell = '', kind, app] = args
    if (shell === 'names') {
      const wanted = liveNames.find((known) => known === kind)
      if (wanted === undefined)
        throw usage({ name: 'completion' }, `names are of one of ${liveNames.join(', ')}`)
      const client = connect({ data, answerMs: patienceMs })
      // Nobody who is typing wants to hear why there are none.
      const asked = wanted === 'function' ? functionsOf(client, app) : client.status().then(namesOf(wanted))
      const names = await asked.catch(() => [])
      world.stdout.write(names.map((name) => `${plain(name)}\n`).join(''))
      return 0
    }
    if (!isShell(shell))
      throw usage({ name: 'completion' }, `there is no completion for ${shell}, only for bash, zsh and fish`)
    if (kind !== undefined) throw usage({ name: 'completion' }, `there is one argument too many: ${kind}`)
    world.stdout.write(completionScripts[shell](commands))
    return 0
  },
})

/** In their short form, which is what is typed; where the app answers HTTP, how it is asked. */
async function functionsOf(
  { call }: Pick<ControlClient, 'call'>,
  app: string | undefined,
): Promise<readonly string[]> {
  if (app === undefined) return []
  const report = await call({ kind: 'list', app }, AbortSignal.timeout(patienceMs))
  if (report.kind !== 'list') return []
  const names = report.functions.map(({ short }) => short).filter((name) => typable.test(name))
  return report.http ? [...names, 'GET'] : names
}

/** What could not be typed without quotes is left out: a peer's name is completed into somebody's shell. */
const typable = /^[A-Za-z0-9][A-Za-z0-9._-]*$/

function namesOf(kind: Exclude<LiveNames, 'function'>): (report: StatusReport) => readonly string[] {
  return ({ nodes }) => {
    const names = {
      node: nodes.map(({ name }) => name),
      app: nodes.flatMap(({ apps }) => apps.map(({ app }) => app)),
      group: nodes.flatMap(({ groups }) => groups),
    }
    const wanted = kind === 'subject' ? [...names.node, ...names.app] : names[kind]
    return [...new Set(wanted)].filter((name) => typable.test(name)).sort()
  }
}
