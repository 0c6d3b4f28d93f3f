/**
 * Completion scripts, from the same tables as parsing and help. Only names of nodes, apps and groups are asked for, from the
 * daemon and through the program itself, which gives up soon.
 */
import { allOptions, type Command, type Completes, type LiveNames } from './command.ts'

import { groupOf } from './help.ts'

export type Shell = 'bash' | 'zsh' | 'fish'

export const completionScripts: Readonly<Record<Shell, (commands: readonly Command[]) => string>> = {
  bash,
  zsh,
  fish,
}

export function isShell(text: string): text is Shell {
  return Object.hasOwn(completionScripts, text)
}

/** What stands first on a line: commands, and the groups of those with two words. */
function firstWords(commands: readonly Command[]): { name: string; summary: string }[] {
  const groups = new Set<string>()
  return commands.flatMap(({ name, summary }) => {
    const group = groupOf(name)
    if (group === null) return [{ name, summary }]
    if (groups.has(group)) return []
    groups.add(group)
    return [{ name: group, summary: secondWords(commands, group).join(', ') }]
  })
}

function groupsOf(commands: readonly Command[]): string[] {
  return [...new Set(commands.flatMap(({ name }) => groupOf(name) ?? []))]
}

function secondWords(commands: readonly Command[], group: string): string[] {
  return commands.flatMap(({ name }) => (groupOf(name) === group ? [name.slice(group.length + 1)] : []))
}

function namesCommand(kind: LiveNames): string {
  return `$(selvedge completion names ${kind} 2>/dev/null)`
}

function bash(commands: readonly Command[]): string {
  const generate = { file: '-f', folder: '-d' }
  const reply = (completes: Completes | undefined, flags: string): string => {
    if (completes === undefined) return `COMPREPLY=($(compgen -W "${flags}" -- "$word"))`
    if (typeof completes === 'string' && completes !== 'file' && completes !== 'folder')
      return `COMPREPLY=($(compgen -W "${namesCommand(completes)} ${flags}" -- "$word"))`
    if (typeof completes === 'string')
      return `COMPREPLY=($(compgen ${generate[completes]} -W "${flags}" -- "$word"))`
    return `COMPREPLY=($(compgen -W "${[...completes, flags].join(' ')}" -- "$word"))`
  }
  const cases = commands.map((command) => {
    const options = Object.entries(allOptions(command))
    const values = options
      .filter(([, { kind }]) => kind !== 'flag')
      .map(([name, { short, completes }]) => {
        const names = short === undefined ? `--${name}` : `--${name}|-${short}`
        return `        ${names}) ${completes === undefined ? 'COMPREPLY=()' : reply(completes, '')}; return ;;`
      })
    const flags = options.map(([name]) => `--${name}`).join(' ')
    return [
      `    '${command.name}')`,
      ...(values.length === 0 ? [] : ['      case "$before" in', ...values, '      esac']),
      `      ${reply(command.arguments?.[0]?.completes, flags)} ;;`,
    ].join('\n')
  })
  const groups = groupsOf(commands).map(
    (group) => `    ${group})
      if [ "$COMP_CWORD" -eq 2 ]; then
        COMPREPLY=($(compgen -W "${secondWords(commands, group).join(' ')} --help" -- "$word"))
        return
      fi
      name="$name \${COMP_WORDS[2]}" ;;`,
  )
  return `# bash completion for selvedge
_selvedge() {
  local word="\${COMP_WORDS[COMP_CWORD]}" before="\${COMP_WORDS[COMP_CWORD-1]}" name="\${COMP_WORDS[1]}"
  if [ "$COMP_CWORD" -eq 1 ]; then
    COMPREPLY=($(compgen -W "${firstWords(commands)
      .map(({ name }) => name)
      .join(' ')} help --help --version" -- "$word"))
    return
  fi
  case "$name" in
${groups.join('\n')}
  esac
  case "$name" in
${cases.join('\n')}
  esac
}
complete -o filenames -F _selvedge selvedge
`
}

function zsh(commands: readonly Command[]): string {
  const cases = commands.map(
    (command) => `    '${command.name}') _arguments ${zshSpecs(command).join(' \\\n      ')} ;;`,
  )
  const groups = groupsOf(commands).map(
    (group) => `    ${group})
      if (( CURRENT == 2 )); then
        _values command ${secondWords(commands, group).join(' ')}
        return
      fi
      name="$name \${words[2]}"
      shift words
      (( CURRENT-- )) ;;`,
  )
  const names = firstWords(commands).map(
    ({ name, summary }) => `    ${zshQuote(`${name}:${zshText(summary)}`)}`,
  )
  return `#compdef selvedge
_selvedge() {
  if (( CURRENT == 2 )); then
    local -a names=(
${names.join('\n')}
    )
    _describe command names
    return
  fi
  local name="\${words[2]}"
  shift words
  (( CURRENT-- ))
  case "$name" in
${groups.join('\n')}
  esac
  case "$name" in
${cases.join('\n')}
  esac
}
_selvedge "$@"
`
}

function zshSpecs(command: Command): string[] {
  const options = Object.entries(allOptions(command)).map(([name, { kind, value, help, completes }]) => {
    const rest = kind === 'flag' ? '' : `:${value ?? 'value'}:${zshAction(completes)}`
    return zshQuote(`${kind === 'list' ? '*' : ''}--${name}[${zshText(help)}]${rest}`)
  })
  const names = (command.arguments ?? []).map((argument) =>
    zshQuote(`${argument.required ? '' : ':'}:${zshText(argument.name)}:${zshAction(argument.completes)}`),
  )
  return [...options, ...names]
}

function zshAction(completes: Completes | undefined): string {
  if (completes === undefined) return ''
  if (completes === 'file') return '_files'
  if (completes === 'folder') return '_files -/'
  return `(${typeof completes === 'string' ? namesCommand(completes) : completes.join(' ')})`
}

function fish(commands: readonly Command[]): string {
  const lines = commands.flatMap((command) => {
    const group = groupOf(command.name)
    const word = group === null ? command.name : command.name.slice(group.length + 1)
    const inGroup = group === null ? '' : `__fish_seen_subcommand_from ${group}; and `
    const here = `complete -c selvedge -n '${inGroup}__fish_seen_subcommand_from ${word}'`
    const offered =
      group === null
        ? []
        : [
            `# ${command.name}`,
            `complete -c selvedge -n '__fish_seen_subcommand_from ${group}; and not __fish_seen_subcommand_from ${secondWords(commands, group).join(' ')}' -a ${word} -d ${shellQuote(command.summary)}`,
          ]
    const options = Object.entries(allOptions(command)).map(([name, { kind, short, help, completes }]) => {
      const takes = kind === 'flag' ? '' : ` -r${fishAction(completes)}`
      return `${here} -l ${name}${short === undefined ? '' : ` -s ${short}`}${takes} -d ${shellQuote(help)}`
    })
    const first = command.arguments?.[0]?.completes
    return [...offered, ...options, ...(first === undefined ? [] : [`${here}${fishValues(first)}`])]
  })
  const first = firstWords(commands).map(
    ({ name, summary }) =>
      `complete -c selvedge -n __fish_use_subcommand -a ${name} -d ${shellQuote(summary)}`,
  )
  return `# fish completion for selvedge\ncomplete -c selvedge -f\n${[...first, ...lines].join('\n')}\n`
}

function fishAction(completes: Completes | undefined): string {
  if (completes === undefined) return ' -f'
  return completes === 'file' || completes === 'folder' ? ' -F' : ` -f${fishValues(completes)}`
}

function fishValues(completes: Completes): string {
  if (completes === 'file' || completes === 'folder') return ' -F'
  // Fish writes command substitution without a dollar sign.
  return ` -a '${typeof completes === 'string' ? namesCommand(completes).slice(1) : completes.join(' ')}'`
}

function shellQuote(text: string): string {
  return `'${text.replaceAll("'", '’')}'`
}

function zshQuote(text: string): string {
  return shellQuote(text)
}

/** Colons and brackets have a meaning in zsh's specifications. */
function zshText(text: string): string {
  return text.replace(/[[\]:\\]/g, '\\$&')
}
