/** From what was typed to options and arguments, or to an error that names the nearest thing that exists. */
import { parseArgs } from 'node:util'
import { nearestName } from '../../core/index.ts'
import { allOptions, type AnyValues, type Command, type OptionTable } from './command.ts'
import { cliProblems } from './problems.ts'

export interface ParsedArguments {
  readonly options: AnyValues
  readonly args: readonly string[]
}

/**
 * @param typed what follows the command's name
 * @throws ERR_UNKNOWN_OPTION, ERR_USAGE
 */
export function parseArguments(command: Command, typed: readonly string[]): ParsedArguments {
  const table = allOptions(command)
  const { own, rest } = splitRest(command, typed)
  const { tokens } = parse(table, command.more === undefined ? own : own.map(markNumber))
  const options = emptyValues(table)
  const args: string[] = []
  for (const token of tokens) {
    if (token.kind === 'positional') args.push(token.value.replace(numberMark, ''))
    if (token.kind === 'option') {
      const { name, rawName, value, inlineValue } = token
      take(command, options, table, { name, rawName, value, inline: inlineValue === true })
    }
  }
  if (options.help !== true) checkCount(command, args)
  return { options, args: [...args, ...rest] }
}

/** What belongs to the command, its first argument included, and what to the program that this names. */
function splitRest(
  command: Command,
  typed: readonly string[],
): { readonly own: readonly string[]; readonly rest: readonly string[] } {
  if (command.rest === undefined) return { own: typed, rest: [] }
  const first = parse(allOptions(command), typed).tokens.find(({ kind }) => kind === 'positional')
  const end = first === undefined ? typed.length : first.index + 1
  return { own: typed.slice(0, end), rest: typed.slice(end) }
}

/** Not strict: its errors cannot name the nearest option, so each token is judged here. */
function parse(table: OptionTable, typed: readonly string[]) {
  return parseArgs({
    args: [...typed],
    options: Object.fromEntries(Object.entries(table).map(([name, spec]) => [name, parserOption(spec)])),
    strict: false,
    allowPositionals: true,
    tokens: true,
  })
}

/** Keeps a negative number from being taken for an option. */
const numberMark = '\u0000'

function markNumber(text: string): string {
  return /^-(\d|inf$)/.test(text) ? numberMark + text : text
}

type Values = Record<string, boolean | string | readonly string[] | undefined>

interface Typed {
  readonly name: string
  readonly rawName: string
  readonly value: string | undefined
  readonly inline: boolean
}

function take(command: Command, options: Values, table: OptionTable, typed: Typed): void {
  const { name, rawName, value, inline } = typed
  const spec = Object.hasOwn(table, name) ? table[name] : undefined
  if (spec === undefined) throw unknownOption(command, table, rawName)
  if (spec.kind === 'flag') {
    if (value !== undefined) throw usage(command, `${rawName} takes no value`)
    options[name] = true
    return
  }
  if (value === undefined || (!inline && value.startsWith('-') && value.length > 1)) {
    throw usage(command, `${rawName} needs a value: ${rawName} ${spec.value ?? 'VALUE'}`)
  }
  if (value === '') throw usage(command, `${rawName} has an empty value`)
  const before = options[name]
  if (spec.kind === 'list') options[name] = [...(Array.isArray(before) ? before : []), value]
  else if (before !== undefined) throw usage(command, `${rawName} is given twice`)
  else options[name] = value
}

function unknownOption(command: Command, table: OptionTable, rawName: string): Error {
  const known = Object.keys(table).map((name) => `--${name}`)
  const meant = nearestName(rawName, known)
  const message = `\`selvedge ${command.name}\` has no option ${rawName}`
  return cliProblems.error('ERR_UNKNOWN_OPTION', message, {
    hint:
      meant === null
        ? `see its options with \`selvedge ${command.name} --help\``
        : `did you mean ${meant}? See \`selvedge ${command.name} --help\``,
  })
}

function checkCount(command: Command, args: readonly string[]): void {
  const specs = command.arguments ?? []
  const missing = specs.find((spec, index) => spec.required && args[index] === undefined)
  if (missing !== undefined) throw usage(command, `${missing.name} is missing`)
  const extra = args[specs.length]
  if (extra !== undefined && command.more === undefined)
    throw usage(command, `there is one argument too many: ${extra}`)
}

/** A wrong use of one command; the hint leads to its help. */
export function usage(command: { readonly name: string }, message: string): Error {
  return cliProblems.error('ERR_USAGE', message, { hint: `see \`selvedge ${command.name} --help\`` })
}

function emptyValues(table: OptionTable): Values {
  const empty = { flag: false, text: undefined, list: [] }
  return Object.fromEntries(Object.entries(table).map(([name, { kind }]) => [name, empty[kind]]))
}

function parserOption({ kind, short }: OptionTable[string]): {
  type: 'boolean' | 'string'
  short?: string
  multiple: boolean
} {
  return {
    type: kind === 'flag' ? 'boolean' : 'string',
    multiple: kind === 'list',
    ...(short === undefined ? {} : { short }),
  }
}
