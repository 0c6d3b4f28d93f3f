/**
 * What an app has for whoever calls it: its functions with what their WIT says of them, what they take and give, and a line
 * that can be typed as it stands. Pure: from what the node told.
 */
import { nearestName } from '../../core/index.ts'
import type { CallReport, FunctionReport } from '../api/index.ts'
import { cliProblems } from './problems.ts'
import { shellWord } from './shell-word.ts'
import { hanging, plain, wrap } from './text.ts'

export type FunctionList = Extract<CallReport, { kind: 'list' }>

/** Named in a hint. */
const maxNamed = 8

/**
 * @param wanted name of the one function that is asked about; undefined for all
 * @throws ERR_NO_FUNCTIONS, ERR_UNKNOWN_FUNCTION
 */
export function wantedFunctions(
  app: string,
  { functions, http }: FunctionList,
  wanted: string | undefined,
): readonly FunctionReport[] {
  if (functions.length === 0 && (!http || wanted !== undefined)) {
    const instead = http ? 'it answers requests: ' : ''
    throw cliProblems.error('ERR_NO_FUNCTIONS', `${plain(app)} exports no function that can be called`, {
      ...(http && { hint: `${instead}selvedge call ${plain(app)} GET /` }),
    })
  }
  if (wanted === undefined) return functions
  const found = functions.filter((one) => namesOf(one).includes(wanted))
  if (found.length > 0) return found
  const nearest = nearestName(wanted, functions.flatMap(namesOf))
  const has = functions.slice(0, maxNamed).map(({ short }) => plain(short))
  throw cliProblems.error('ERR_UNKNOWN_FUNCTION', `${plain(app)} exports no function ${plain(wanted)}`, {
    hint:
      nearest === null
        ? `it exports ${has.join(', ')}${functions.length > maxNamed ? ', …' : ''}`
        : `did you mean ${plain(nearest)}?`,
  })
}

function namesOf({ target, name, short }: FunctionReport): string[] {
  return [short, name, target, name.replace(/^.*\./, '')]
}

/** The line that calls it, as a shell takes it; null where an argument cannot be written by hand. */
export function exampleLine(app: string, { short, sample }: FunctionReport): string | null {
  return sample === null ? null : ['selvedge call', ...[app, short, ...sample].map(shellWord)].join(' ')
}

/** For `call --help APP`. */
export function callHelpText(
  app: string,
  functions: readonly FunctionReport[],
  { http }: Pick<FunctionList, 'http'>,
  width: number,
): string {
  const lines: string[] = []
  let last: string | null = null
  for (const called of functions) {
    if (called.interface !== last) lines.push(...headOf(called, width))
    last = called.interface
    lines.push(...functionLines(app, called, width), '')
  }
  if (http) lines.push('requests over HTTP', `      selvedge call ${shellWord(app)} GET /`, '')
  lines.push('how values are written, and all options: selvedge call --help')
  return lines.map((line) => `${line.trimEnd()}\n`).join('')
}

function headOf({ interface: id, about }: FunctionReport, width: number): string[] {
  const name = id === '' ? 'functions of its world' : plain(id)
  return [name, ...(about === undefined ? [] : docLines(about, 2, width)), '']
}

function functionLines(app: string, called: FunctionReport, width: number): string[] {
  const { short, wit, types, docs } = called
  const line = exampleLine(app, called)
  return [
    ...hanging('  ', `${plain(short)}: ${plain(wit)}`, width).map((text, at) =>
      at === 0 ? text : `    ${text}`,
    ),
    ...(docs === undefined ? [] : docLines(docs, 6, width)),
    ...types.flatMap((type) => hanging('      ', plain(type), width)),
    line === null ? '      takes a resource, which cannot be written by hand' : `      ${plain(line)}`,
  ]
}

const maxDocLines = 40

/** Its own lines, wrapped where they are longer than the screen; no more than a screen of them. */
function docLines(docs: string, indent: number, width: number): string[] {
  return docs
    .split('\n')
    .slice(0, maxDocLines)
    .flatMap((line) => wrap(plain(line.trim()), Math.max(20, width - indent)))
    .map((line) => `${' '.repeat(indent)}${line}`)
}
