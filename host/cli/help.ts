/** Help texts, from the tables of the commands. */
import { allOptions, type Command } from './command.ts'
import { table } from './table.ts'
import { wrap } from './text.ts'

const width = 80

/** `selvedge help`: what there is, a line for each group. */
export function overview(commands: readonly Command[], groups: Readonly<Record<string, string>>): string {
  return [
    'selvedge: a WebAssembly-first edge runtime with a peer mesh\n\n',
    'usage: selvedge COMMAND [OPTIONS]\n\n',
    table(overviewRows(commands, groups)),
    '\nstart a node:        selvedge up\n',
    'see what it does:    selvedge status\n',
    'about one command:   selvedge COMMAND --help\n',
  ].join('')
}

function overviewRows(commands: readonly Command[], groups: Readonly<Record<string, string>>): string[][] {
  const rows = new Map(
    commands.map(({ name, summary }) => {
      const group = groupOf(name)
      return group === null ? [name, summary] : [group, groups[group] ?? '']
    }),
  )
  return [...rows].map(([name, summary]) => [`  ${name}`, summary])
}

/** The first of two words; null for a name of one. */
export function groupOf(name: string): string | null {
  const at = name.indexOf(' ')
  return at === -1 ? null : name.slice(0, at)
}

/** `selvedge trust --help`: the commands of a group. */
export function groupHelp(group: string, says: string, commands: readonly Command[]): string {
  const own = commands.filter(({ name }) => groupOf(name) === group)
  return [
    `${says}\n\n`,
    `usage: selvedge ${group} COMMAND [OPTIONS]\n\n`,
    twoColumns(own.map(({ name, summary }) => [`  ${name}`, summary])),
    `\nabout one of them:   selvedge ${group} COMMAND --help\n`,
  ].join('')
}

/** `selvedge COMMAND --help`. */
export function commandHelp(command: Command): string {
  const options = Object.entries(allOptions(command)).map(([name, { value, short, help, kind }]) => [
    `  ${short === undefined ? '' : `-${short}, `}--${name}${value === undefined ? '' : ` ${value}`}`,
    kind === 'list' ? `${help}; may be given several times` : help,
  ])
  return [
    `${command.summary}\n\n`,
    `usage: ${usageLine(command)}\n\n`,
    ...(command.details === undefined ? [] : [`${wrap(command.details, width).join('\n')}\n\n`]),
    `options:\n${twoColumns(options)}\n`,
    `examples:\n`,
    ...command.examples.map(({ line, says }) => `  selvedge ${line}\n      ${says}\n`),
  ].join('')
}

function usageLine(command: Command): string {
  const words = (command.arguments ?? []).map(({ name, required }) => (required ? name : `[${name}]`))
  const more = command.more === undefined ? [] : [`[${command.more}]`]
  if (command.rest === undefined) return ['selvedge', command.name, ...words, ...more, '[OPTIONS]'].join(' ')
  return ['selvedge', command.name, '[OPTIONS]', ...words, command.rest].join(' ')
}

/** As a table whose second column is wrapped where it would leave the screen. */
function twoColumns(rows: readonly (readonly string[])[]): string {
  const left = Math.min(30, Math.max(...rows.map(([name = '']) => name.length)))
  return rows
    .map(([name = '', text = '']) => {
      const [first = '', ...more] = wrap(text, width - left - 2)
      const head =
        name.length > left ? `${name}\n${' '.repeat(left + 2)}${first}` : `${name.padEnd(left + 2)}${first}`
      return [head, ...more.map((line) => `${' '.repeat(left + 2)}${line}`)].join('\n')
    })
    .map((line) => `${line}\n`)
    .join('')
}
