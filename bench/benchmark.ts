/**
 * The shape of a benchmark: one folder asks a few questions, each with a rival measured in turn in the same run.
 */

/** One goal and one rival; with `--json` a line of it each. */
export interface Finding {
  readonly bench: string
  readonly question: string
  readonly metric: string
  /** Median over `samples`; null where skipped. */
  readonly value: number | null
  readonly unit: string
  readonly samples: number
  readonly rival: string
  readonly rivalValue: number | null
  /** Whether `op goalValue` judges the value itself or value / rivalValue. */
  readonly goalOf: 'value' | 'ratio'
  readonly op: '<=' | '>='
  readonly goalValue: number
  /** Why there is no figure. */
  readonly skipped?: string
}

export interface BenchContext {
  /** The checkout; its `dist/` is built. */
  readonly root: string
  /** Says what is going on; people see it on stderr. */
  say(text: string): void
  /** The one question that is asked; null for all. */
  readonly question: string | null
  /** A folder whose node_modules holds rivals; null for the one that each benchmark knows. */
  readonly rivals: string | null
  /** As long as it takes, where a short run stands for a long one otherwise. */
  readonly full: boolean
}

export interface Benchmark {
  readonly name: string
  run(context: BenchContext): Promise<Finding[]>
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = Math.floor(sorted.length / 2)
  const upper = sorted[middle] ?? Number.NaN
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2
}

/** True when the goal is met; false also for a figure that is missing without a reason. */
export function meetsGoal(finding: Finding): boolean {
  if (finding.skipped !== undefined) return true
  const { value, rivalValue } = finding
  if (value === null || (finding.goalOf === 'ratio' && !rivalValue)) return false
  const judged = finding.goalOf === 'value' ? value : value / (rivalValue as number)
  return finding.op === '<=' ? judged <= finding.goalValue : judged >= finding.goalValue
}

/** A Markdown table, as each folder's README keeps it. */
export function formatTable(findings: readonly Finding[]): string {
  const rows = findings.map((finding) => {
    const { value, rivalValue, unit } = finding
    const ratio = value !== null && rivalValue ? (value / rivalValue).toFixed(2) : '–'
    const goal = `${finding.goalOf === 'ratio' ? 'ratio ' : ''}${finding.op === '<=' ? '≤' : '≥'} ${finding.goalValue}${finding.goalOf === 'value' ? ` ${unit}` : ''}`
    const verdict =
      finding.skipped === undefined
        ? meetsGoal(finding)
          ? 'met'
          : '**missed**'
        : `skipped: ${finding.skipped}`
    return `| ${[finding.question, withUnit(value, unit), `${finding.rival}: ${withUnit(rivalValue, unit)}`, ratio, goal, verdict].join(' | ')} |`
  })
  return [
    '| question | value | rival | ratio | goal | |',
    '| --- | --- | --- | --- | --- | --- |',
    ...rows,
  ].join('\n')
}

function withUnit(value: number | null, unit: string): string {
  return value === null ? '–' : `${Number(value.toPrecision(4))} ${unit}`
}
