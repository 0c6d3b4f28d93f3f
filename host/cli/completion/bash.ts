/** The script for bash. */
import { allOptions, type Command, type Completes } from '../command.ts'
import { firstWords, groupsOf, namesCommand, secondWords } from './words.ts'

/** In the words of bash's own builtins: bash-completion need not be there. */
export function bash(commands: readonly Command[]): string {
  const generate = { file: '-f', folder: '-d' }
  const reply = (completes: Completes | undefined, flags: string): string => {
    if (completes === undefined) return `COMPREPLY=($(compgen -W "${flags}" -- "$word"))`
    if (typeof completes === 'string' && completes !== 'file' && completes !== 'folder')
      return `COMPREPLY=($(compgen -W "$(${namesCommand(completes, '"${given[0]}"')}) ${flags}" -- "$word"))`
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
