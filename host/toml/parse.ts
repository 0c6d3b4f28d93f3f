/**
 * Reads a TOML file that a person wrote, against a schema, and says everything that is wrong with it at once.
 *
 * The schema (valibot) is the one place for shapes and defaults. A message given to a valibot check is shown as
 * the problem, so write it as one: `v.check(isPort, 'is no port number')`; an optional remedy follows `; `.
 */
import { parse, TomlError } from 'smol-toml'
import { safeParse, type BaseIssue, type GenericSchema, type InferOutput } from 'valibot'
import { nearestName, type SelvedgeError } from '../../core/index.ts'
import {
  describeFindings,
  describeRemedies,
  formatPath,
  formatValue,
  listNames,
  type TomlFinding,
} from './finding.ts'
import { tomlProblems } from './problems.ts'
import { findUnknownKeys } from './unknown-keys.ts'

/** Characters in a file; ours have a few thousand at most. */
export const maxTomlLength = 262_144
/** Findings shown at once: a person corrects the first few and tries again. */
const maxFindings = 20

/** Makes the error of a caller that has its own code for a bad file. */
export type TomlRefusal = (message: string, hint: string) => SelvedgeError

export type TomlResult<T> = { readonly value: T } | { readonly findings: readonly TomlFinding[] }

/**
 * @param fileName as the person knows it; every message starts with it
 * @param refuse makes the error; ERR_TOML where it is left out
 * @returns the document as the schema describes it, defaults filled in
 * @throws ERR_TOML (or what `refuse` makes) naming file, field, value and remedy of every finding
 */
export function parseToml<const Schema extends GenericSchema>(
  text: string,
  fileName: string,
  schema: Schema,
  refuse: TomlRefusal = (message, hint) => tomlProblems.error('ERR_TOML', message, { hint }),
): InferOutput<Schema> {
  const result = checkToml(text, schema)
  if ('value' in result) return result.value
  const findings = result.findings.slice(0, maxFindings)
  throw refuse(describeFindings(fileName, findings), describeRemedies(findings))
}

/** As {@link parseToml}, with the findings as data. */
export function checkToml<const Schema extends GenericSchema>(
  text: string,
  schema: Schema,
): TomlResult<InferOutput<Schema>> {
  if (text.length > maxTomlLength) {
    return whole(`has ${text.length} characters, more than ${maxTomlLength}`, 'is this the right file?')
  }
  let document: unknown
  try {
    // A key "__proto__" would change what the checks below look at. Nothing a schema of ours describes is
    // nested deeper than a few levels, and the checks recurse.
    document = parse(text, { unsafeKeyBehaviour: 'throw', maxDepth: 16 })
  } catch (error) {
    if (error instanceof TomlError) return whole(describeSyntax(error), 'correct the marked line')
    throw error
  }
  const result = safeParse(schema, document)
  const unknown = findUnknownKeys(schema, document)
  if (result.success && unknown.length === 0) return { value: result.output }
  const misspelt = new Set(unknown.map((key) => key.meant))
  const rest = (result.issues ?? [])
    .filter((issue) => !isUnknownKey(issue) && !(isMissing(issue) && misspelt.has(fieldOf(issue))))
    .map((issue) => describeIssue(issue, document))
  return { findings: [...unknown, ...rest] }
}

function whole(problem: string, remedy: string): { findings: TomlFinding[] } {
  return { findings: [{ field: '', problem, remedy }] }
}

/** smol-toml's message is three parts: a fixed sentence, what is wrong, and the lines around it. */
function describeSyntax(error: TomlError): string {
  const what = (error.message.split('\n')[0] ?? '').replace('Invalid TOML document: ', '')
  return `line ${error.line}, column ${error.column}: ${what}\n${error.codeblock.trimEnd()}`
}

function isUnknownKey(issue: BaseIssue<unknown>): boolean {
  return issue.type === 'strict_object' && issue.expected === 'never'
}

function isMissing(issue: BaseIssue<unknown>): boolean {
  return issue.received === 'undefined'
}

function fieldOf(issue: BaseIssue<unknown>): string {
  return formatPath(
    (issue.path ?? []).map((item) => (typeof item.key === 'number' ? item.key : String(item.key))),
  )
}

/** What the person wrote there: a check after another sees what that one made of it. */
function writtenAt(document: unknown, path: BaseIssue<unknown>['path']): unknown {
  let at = document
  for (const { key } of path ?? []) {
    if (typeof at !== 'object' || at === null) return undefined
    at = (at as Record<PropertyKey, unknown>)[key as PropertyKey]
  }
  return at
}

function describeIssue(issue: BaseIssue<unknown>, document: unknown): TomlFinding {
  const field = fieldOf(issue)
  if (isMissing(issue)) return { field, problem: 'is missing', remedy: `add ${field.split('.').pop()} = …` }
  // A check of a whole table that was forwarded to one of its fields has the table as its input.
  const written = writtenAt(document, issue.path)
  const value = formatValue(written ?? issue.path?.at(-1)?.value ?? issue.input)
  // valibot's own texts all start with "Invalid"; anything else was written for this field.
  if (!issue.message.startsWith('Invalid ')) {
    const [problem, ...remedy] = issue.message.split('; ')
    return { field, problem: `${value} ${problem}`, remedy: remedy.join('; ') || 'write a value that fits' }
  }
  const choices = [...(issue.expected ?? '').matchAll(/"([^"]*)"/g)].map((match) => match[1] ?? '')
  if (choices.length > 0) {
    const nearest = typeof issue.input === 'string' ? nearestName(issue.input, choices) : null
    const question = nearest === null ? '' : `; did you mean ${JSON.stringify(nearest)}?`
    return { field, problem: `${value} is not known${question}`, remedy: `write ${listNames(choices)}` }
  }
  const expected = wordFor(issue.expected ?? issue.type)
  return { field, problem: `expected ${expected}, found ${value}`, remedy: `write ${expected}` }
}

/** valibot's names for what it expects, in TOML's words. */
function wordFor(expected: string): string {
  const words: Readonly<Record<string, string>> = {
    string: 'a text in quotes',
    number: 'a number',
    boolean: 'true or false',
    Array: 'a list in brackets',
    Object: 'a table',
    integer: 'a whole number',
  }
  return expected
    .replace(/^\(|\)$/g, '')
    .split(' | ')
    .map((part) => words[part] ?? part)
    .join(' or ')
}
