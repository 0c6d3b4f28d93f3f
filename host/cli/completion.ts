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

/** @param before how the shell writes the argument in front of the one that is completed */
function namesCommand(kind: LiveNames, before = ''): string {
  return `$(selvedge completion names ${kind}${kind === 'function' ? ` ${before}` : ''} 2>/dev/null)`
}

function bash(commands: readonly Command[]): string {
  const generate = { file: '-f', folder: '-d' }
  const reply = (completes: Completes | undefined, flags: string): string => {
    if (completes === undefined) return `COMPREPLY=($(compgen -W "${flags}" -- "$word"))`
    if (typeof completes === 'string' && completes !== 'file' && completes !== 'folder')
      return `COMPREPLY=($(compgen -W "${namesCommand(completes, '"${given[0]}"')} ${flags}" -- "$word"))`
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
    const [first, ...others] = command.arguments ?? []
    const further = others.flatMap(({ completes }, index) =>
      completes === undefined ? [] : [`        ${index + 1}) ${reply(completes, flags)}; return ;;`],
    )
    const taking = options.flatMap(([name, { kind, short }]) =>
      kind === 'flag' ? [] : [`--${name}`, ...(short === undefined ? [] : [`-${short}`])],
    )
    const count = [
      `      _selvedge_given ${command.name.split(' ').length + 1} ${taking.join(' ')}`,
      '      case "${#given[@]}" in',
      '        0) ;;',
      ...further,
      `        *) ${reply(undefined, flags)}; return ;;`,
      '      esac',
    ]
    return [
      `    '${command.name}')`,
      ...(values.length === 0 ? [] : ['      case "$before" in', ...values, '      esac']),
      ...(further.length === 0 ? [] : count),
      `      ${reply(first?.completes, flags)} ;;`,
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
# Arguments that were typed already, without options: where the first may be, and the options that take a value.
_selvedge_given() {
  local at taking=" \${*:2} "
  given=()
  for ((at = $1; at < COMP_CWORD; at++)); do
    case "\${COMP_WORDS[at]}" in
      -*) [[ "$taking" == *" \${COMP_WORDS[at]} "* ]] && ((at++)) ;;
      *) given+=("\${COMP_WORDS[at]}") ;;
    esac
  done
}
_selvedge() {
  local -a given=()
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
  return `(${typeof completes === 'string' ? namesCommand(completes, '"${words[2]}"') : completes.join(' ')})`
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
    // Words before the cursor: the program's name, the command's, then arguments.
    const before = 1 + command.name.split(' ').length
    const names = (command.arguments ?? []).flatMap(({ completes }, index, all) => {
      if (completes === undefined) return []
      const isOnly = all.filter((one) => one.completes !== undefined).length === 1
      const place = isOnly
        ? here
        : `${here.slice(0, -1)}; and test (count (commandline -opc)) -eq ${before + index}'`
      return [`${place}${fishValues(completes)}`]
    })
    return [...offered, ...options, ...names]
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
  const values =
    typeof completes === 'string'
      ? namesCommand(completes, '(commandline -opc)[3]').slice(1)
      : completes.join(' ')
  return ` -a '${values}'`
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
