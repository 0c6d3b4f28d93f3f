/**
 * One thing wrong with a TOML file, in words a person can act on: where, what, and the remedy.
 */
export interface TomlFinding {
  /** Dotted path as TOML writes it, `triggers[0].every`; empty for the file as a whole. */
  readonly field: string
  /** What is wrong, with the offending value. */
  readonly problem: string
  /** What to write instead. */
  readonly remedy: string
}

export type TomlPath = readonly (string | number)[]

/** @returns `triggers[0].every`; keys that are not bare words are quoted as TOML wants them. */
export function formatPath(path: TomlPath): string {
  let text = ''
  for (const key of path) {
    if (typeof key === 'number') text += `[${key}]`
    else text += (text === '' ? '' : '.') + (/^[A-Za-z0-9_-]+$/.test(key) ? key : JSON.stringify(key))
  }
  return text
}

/** A value as TOML writes it, cut at 60 characters so that one bad value cannot flood the screen. */
export function formatValue(value: unknown): string {
  const text = value instanceof Date ? value.toISOString() : (JSON.stringify(value) ?? String(value))
  return text.length > 60 ? `${text.slice(0, 57)}…` : text
}

/** `a`, `b` or `c`, in quotes. */
export function listNames(names: readonly string[]): string {
  const quoted = names.map((name) => JSON.stringify(name))
  const last = quoted.pop()
  return quoted.length === 0 ? (last ?? 'none') : `${quoted.join(', ')} or ${last}`
}

/** Several findings as one message: one line for one, an indented list for more. */
export function describeFindings(fileName: string, findings: readonly TomlFinding[]): string {
  const lines = findings.map(({ field, problem }) => (field === '' ? problem : `${field}: ${problem}`))
  return lines.length === 1
    ? `${fileName}: ${lines[0]}`
    : `${fileName} has ${lines.length} problems:\n${lines.map((line) => `  ${line}`).join('\n')}`
}

/** The remedies in the order of the findings, without repetitions. */
export function describeRemedies(findings: readonly TomlFinding[]): string {
  const named = findings.map(({ field, remedy }) => (field === '' ? remedy : `${field}: ${remedy}`))
  return findings.length === 1 ? (findings[0]?.remedy ?? '') : [...new Set(named)].join('; ')
}
