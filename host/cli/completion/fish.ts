/** The script for fish: a condition in front of each thing that may come next. */
import { allOptions, type Command, type Completes } from '../command.ts'
import { groupOf } from '../help.ts'
import { firstWords, namesCommand, quoted } from './words.ts'

/** What the conditions ask, which fish's own helpers would answer by any word of the line. */
const helpers = `# Whether the line begins with these words, behind the program's name.
function __selvedge_at
  set -l typed (commandline -opc)
  set -e typed[1]
  for index in (seq (count $argv))
    test "$typed[$index]" = "$argv[$index]"; or return 1
  end
end
# Arguments that were typed already, without options: behind how many words, and the options that take a value.
function __selvedge_given
  set -l typed (commandline -opc)
  set -l skip 0
  for word in $typed[(math $argv[1] + 1)..-1]
    if test $skip -eq 1
      set skip 0
    else if string match -q -- '-*' $word
      contains -- $word $argv[2..-1]; and set skip 1
    else
      echo $word
    end
  end
end
`

export function fish(commands: readonly Command[]): string {
  const first = firstWords(commands).map(
    ({ name, summary }) => `complete -c selvedge -n 'not __selvedge_begun' -a ${name} -d ${quoted(summary)}`,
  )
  const groups = new Set<string>()
  const lines = commands.flatMap((command) => {
    const group = groupOf(command.name)
    const isFirst = group !== null && !groups.has(group)
    if (group !== null) groups.add(group)
    const offered = isFirst ? secondsOf(commands, group) : []
    return [...offered, `# ${command.name}`, ...linesOf(command)]
  })
  return `# fish completion for selvedge
${helpers}function __selvedge_begun
  set -l typed (commandline -opc)
  test (count $typed) -gt 1
end
complete -c selvedge -f
${[...first, ...lines].join('\n')}
`
}

function secondsOf(commands: readonly Command[], group: string): string[] {
  return commands
    .filter(({ name }) => groupOf(name) === group)
    .map(({ name, summary }) => {
      const condition = `__selvedge_at ${group}; and test (count (commandline -opc)) -eq 2`
      return `complete -c selvedge -n '${condition}' -a ${name.slice(group.length + 1)} -d ${quoted(summary)}`
    })
}

function linesOf(command: Command): string[] {
  const here = `__selvedge_at ${command.name}`
  const all = Object.entries(allOptions(command))
  const options = all.map(([name, { kind, short, help, completes }]) => {
    const takes = kind === 'flag' ? '' : ` -r${valueOf(completes)}`
    return `complete -c selvedge -n '${here}' -l ${name}${short === undefined ? '' : ` -s ${short}`}${takes} -d ${quoted(help)}`
  })
  const taking = all.flatMap(([name, { kind, short }]) =>
    kind === 'flag' ? [] : [`--${name}`, ...(short === undefined ? [] : [`-${short}`])],
  )
  const given = `__selvedge_given ${1 + command.name.split(' ').length} ${taking.join(' ')}`.trimEnd()
  const names = (command.arguments ?? []).flatMap(({ completes }, index, every) => {
    if (completes === undefined) return []
    // The last of them is offered for whatever follows: some commands take several.
    const isLast = index === every.length - 1 && index === 0
    const place = isLast ? here : `${here}; and test (count (${given})) -eq ${index}`
    return [`complete -c selvedge -n '${place}'${argumentOf(completes, given)}`]
  })
  return [...options, ...names]
}

function valueOf(completes: Completes | undefined): string {
  if (completes === undefined) return ' -f'
  return completes === 'file' || completes === 'folder' ? ' -F' : ` -f${argumentOf(completes, '')}`
}

function argumentOf(completes: Completes, given: string): string {
  if (completes === 'file' || completes === 'folder') return ' -F'
  // Fish writes command substitution without a dollar sign.
  const values =
    typeof completes === 'string' ? `(${namesCommand(completes, `(${given})[1]`)})` : completes.join(' ')
  return ` -a '${values}'`
}
