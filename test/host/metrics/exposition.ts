/**
 * A reader of Prometheus' text format 0.0.4 that takes nothing else, after
 * https://prometheus.io/docs/instrumenting/exposition_formats/ : what `promtool check metrics` would refuse, it
 * refuses.
 */
export interface Series {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

export interface Exposition {
  readonly types: ReadonlyMap<string, string>
  readonly helps: ReadonlyMap<string, string>
  readonly series: readonly Series[]
  /** @returns the value of the one series with this name and these labels, and no others */
  value(name: string, labels?: Readonly<Record<string, string>>): number | undefined
}

const metricName = '[a-zA-Z_:][a-zA-Z0-9_:]*'
const label = '[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\\\\n]|\\\\["\\\\n])*"'
const number = '[+-]?(?:\\d+(?:\\.\\d+)?(?:e[+-]?\\d+)?|Inf)|NaN'
const sampleLine = new RegExp(`^(${metricName})(?:\\{(${label}(?:,${label})*)?\\})? (${number})$`)
const metaLine = new RegExp(`^# (HELP|TYPE) (${metricName}) (.+)$`)

/** @throws where the text is not of the format, a series is there twice, or one stands apart from its metric */
export function readExposition(text: string): Exposition {
  if (!text.endsWith('\n')) throw new Error('the last line has no end')
  const types = new Map<string, string>()
  const helps = new Map<string, string>()
  const series: Series[] = []
  const seen = new Set<string>()
  let current = ''
  for (const line of text.slice(0, -1).split('\n')) {
    if (line === '') continue
    const meta = metaLine.exec(line)
    if (meta !== null) {
      const [, kind = '', name = '', rest = ''] = meta
      const table = kind === 'HELP' ? helps : types
      if (table.has(name)) throw new Error(`a second ${kind} of ${name}`)
      table.set(name, rest)
      current = name
      continue
    }
    const match = sampleLine.exec(line)
    if (match === null) throw new Error(`no line of the format: ${line}`)
    const [, name = '', labels = '', value = ''] = match
    const isOf = types.get(current) === 'histogram' ? name.replace(/_(?:bucket|sum|count)$/, '') : name
    if (isOf !== current) throw new Error(`${name} stands with ${current}`)
    const read = { name, labels: labelsOf(labels), value: numberOf(value) }
    const key = keyOf(name, read.labels)
    if (seen.has(key)) throw new Error(`${key} is there twice`)
    seen.add(key)
    series.push(read)
  }
  return {
    types,
    helps,
    series,
    value: (name, labels = {}) =>
      series.find((one) => keyOf(one.name, one.labels) === keyOf(name, labels))?.value,
  }
}

function labelsOf(text: string): Record<string, string> {
  const found = text.matchAll(/([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\.)*)"/g)
  return Object.fromEntries(
    [...found].map(([, name = '', value = '']) => [
      name,
      value.replace(/\\(.)/g, (_, character: string) => (character === 'n' ? '\n' : character)),
    ]),
  )
}

function numberOf(text: string): number {
  return Number(text.replace('Inf', 'Infinity'))
}

function keyOf(name: string, labels: Readonly<Record<string, string>>): string {
  const sorted = Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1))
  return `${name}${JSON.stringify(sorted)}`
}
