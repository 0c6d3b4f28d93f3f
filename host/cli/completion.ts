/** Completion scripts, from the same tables as parsing and help. They complete names without asking a daemon. */
import { allOptions, type ArgumentSpec, type Command, type OptionSpec } from './command.ts'

export type Shell = 'bash' | 'zsh' | 'fish'

export const completionScripts: Readonly<Record<Shell, (commands: readonly Command[]) => string>> = {
  bash,
  zsh,
  fish,
}

export function isShell(text: string): text is Shell {
  return Object.hasOwn(completionScripts, text)
}

type Completes = OptionSpec['completes'] | ArgumentSpec['completes']

function bash(commands: readonly Command[]): string {
  const generate: Readonly<Record<string, string>> = { file: '-f', folder: '-d' }
  const reply = (completes: Completes, flags: string): string => {
    if (completes === undefined) return `COMPREPLY=($(compgen -W "${flags}" -- "$word"))`
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
      `    ${command.name})`,
      ...(values.length === 0 ? [] : ['      case "$before" in', ...values, '      esac']),
      `      ${reply(command.arguments?.[0]?.completes, flags)} ;;`,
    ].join('\n')
  })
  return `# bash completion for selvedge
_selvedge() {
  local word="\${COMP_WORDS[COMP_CWORD]}" before="\${COMP_WORDS[COMP_CWORD-1]}"
  if [ "$COMP_CWORD" -eq 1 ]; then
    COMPREPLY=($(compgen -W "${commands.map(({ name }) => name).join(' ')} help --help --version" -- "$word"))
    return
  fi
  case "\${COMP_WORDS[1]}" in
${cases.join('\n')}
  esac
}
complete -o filenames -F _selvedge selvedge
`
}

function zsh(commands: readonly Command[]): string {
  const cases = commands.map(
    (command) => `    ${command.name}) _arguments ${zshSpecs(command).join(' \\\n      ')} ;;`,
  )
  const names = commands.map(({ name, summary }) => `    ${zshQuote(`${name}:${zshText(summary)}`)}`)
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

function zshAction(completes: Completes): string {
  if (completes === undefined) return ''
  if (completes === 'file') return '_files'
  return completes === 'folder' ? '_files -/' : `(${completes.join(' ')})`
}

function fish(commands: readonly Command[]): string {
  const lines = commands.flatMap((command) => {
    const here = `complete -c selvedge -n '__fish_seen_subcommand_from ${command.name}'`
    const options = Object.entries(allOptions(command)).map(([name, { kind, short, help, completes }]) => {
      const takes = kind === 'flag' ? '' : ` -r${fishAction(completes)}`
      return `${here} -l ${name}${short === undefined ? '' : ` -s ${short}`}${takes} -d ${shellQuote(help)}`
    })
    const first = command.arguments?.[0]?.completes
    return [
      `complete -c selvedge -n __fish_use_subcommand -a ${command.name} -d ${shellQuote(command.summary)}`,
      ...options,
      ...(first === undefined
        ? []
        : [`${here}${first === 'file' || first === 'folder' ? ' -F' : ` -a '${first.join(' ')}'`}`]),
    ]
  })
  return `# fish completion for selvedge\ncomplete -c selvedge -f\n${lines.join('\n')}\n`
}

function fishAction(completes: Completes): string {
  if (completes === undefined) return ' -f'
  return typeof completes === 'string' ? ' -F' : ` -f -a '${completes.join(' ')}'`
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
