/** The script for zsh: its own `_arguments` parses the line, from specifications of options and arguments. */
import { allOptions, type Command, type Completes } from '../command.ts'
import { firstWords, groupsOf, namesCommand, quoted, secondWords } from './words.ts'

export function zsh(commands: readonly Command[]): string {
  const cases = commands.map(
    (command) => `    '${command.name}') _arguments ${specsOf(command).join(' \\\n      ')} ;;`,
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
    ({ name, summary }) => `    ${quoted(`${name}:${summary.replace(/[:\\]/g, '\\$&')}`)}`,
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
# Loaded by compinit it completes at once; sourced, as from ~/.zshrc, it waits to be asked.
if [ "\${funcstack[1]}" = _selvedge ]; then
  _selvedge "$@"
else
  compdef _selvedge selvedge
fi
`
}

function specsOf(command: Command): string[] {
  const options = Object.entries(allOptions(command)).flatMap(
    ([name, { kind, short, value, help, completes }]) => {
      const rest = kind === 'flag' ? '' : `:${value ?? 'value'}:${actionOf(completes)}`
      const often = kind === 'list' ? '*' : ''
      const spec = (option: string): string => quoted(`${often}${option}[${escaped(help)}]${rest}`)
      // A long option takes its value behind an equals sign as well.
      const long = spec(kind === 'flag' ? `--${name}` : `--${name}=`)
      return short === undefined ? [long] : [long, spec(`-${short}`)]
    },
  )
  const names = (command.arguments ?? []).map((argument) =>
    quoted(`${argument.required ? '' : ':'}:${escaped(argument.name)}:${actionOf(argument.completes)}`),
  )
  return [...options, ...names]
}

function actionOf(completes: Completes | undefined): string {
  if (completes === undefined) return ''
  if (completes === 'file') return '_files'
  if (completes === 'folder') return '_files -/'
  return `(${typeof completes === 'string' ? `$(${namesCommand(completes, '"${line[1]}"')})` : completes.join(' ')})`
}

/** Colons and brackets have a meaning in specifications. */
function escaped(text: string): string {
  return text.replace(/[[\]:\\]/g, '\\$&')
}
