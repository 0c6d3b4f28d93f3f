/** What was found, as a table on the terminal, as lines of JSON, and as the report that is committed. */
import { cpus, release } from 'node:os'
import { finish } from '../foreign/index.ts'
import { faultLine } from './fault-line.ts'
import type { StepDone } from './mesh/mixed-mesh.ts'
import type { PreviousProgram } from './previous.ts'
import { faultsOf, type Row } from './row.ts'

export interface Found {
  readonly rows: readonly Row[]
  readonly previous: PreviousProgram | string
  /** Files of tests. */
  readonly fileCount: number
  /** Of the mesh. */
  readonly steps: readonly StepDone[]
  readonly seconds: number
  /** Whether that was soon enough; null for a part of the proof. */
  readonly goal: string | null
}

const heads = [
  'host',
  'Node.js',
  'start',
  'memory',
  'transpile',
  'invocation',
  'call',
  'tests',
  'result',
] as const

/** Columns that line up, for people. */
export function tableOf({ rows }: Found): string[] {
  const cells = [[...heads], ...rows.map(cellsOf)]
  const widths = heads.map((_, column) => Math.max(...cells.map((line) => (line[column] ?? '').length)))
  return cells.map((line) =>
    line
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  )
}

export function jsonOf(row: Row): object {
  const { host, version, emptyMs, tests, testsMs, figures, seat } = row
  const faults = faultsOf(row)
  return {
    schema: 'selvedge.hosts/1',
    host: host.name,
    architecture: host.architecture,
    node: version,
    emptyMs,
    startMs: seat?.startMs ?? null,
    restartMs: seat?.restartMs ?? null,
    pssMb: seat?.pssMb ?? null,
    figures,
    crossCallMs: seat?.callMs ?? null,
    testsMs,
    tests: tests && {
      passed: tests.passed,
      skipped: tests.skipped,
      explained: Object.fromEntries(tests.explained),
      unexplained: tests.unexplained,
    },
    pass: faults.length === 0,
    faults,
  }
}

export async function reportText(root: string, found: Found): Promise<string> {
  const { rows, previous, fileCount, steps, seconds, goal } = found
  const git = await finish('git', ['-C', root, 'rev-parse', '--short', 'HEAD'], 10_000)
  const machine = `${cpus().length} × ${cpus()[0]?.model ?? 'unknown CPU'}, Linux ${plainRelease()}, Node ${process.version}`
  const before =
    typeof previous === 'string'
      ? `none: ${previous}`
      : `commit ${previous.commit.slice(0, 12)}, on the machine itself`
  return [
    '# What runs where: the report of `npm run hosts`',
    '',
    'Written by the run; [hosts.md](hosts.md) says how to read it and what each tier can do.',
    '',
    `| ${heads.join(' | ')} |`,
    `|${' --- |'.repeat(heads.length)}`,
    ...rows.map((row) => `| ${cellsOf(row).join(' | ')} |`),
    '',
    `${fileCount} files of tests; ${seconds.toFixed(0)} s in all${goal === null ? '' : ` (${goal})`}; ${machine}; commit ${git.stdout.trim() || 'unknown'}. The version before: ${before}.`,
    ...meshLines(steps),
    ...rows.flatMap((row) => sectionOf(row, root)),
    '',
  ].join('\n')
}

/** What the mixed mesh was put through, and how many came through it. */
function meshLines(steps: readonly StepDone[]): string[] {
  if (steps.length === 0) return []
  return [
    '',
    '## The mixed mesh',
    '',
    '| step | nodes | time |',
    '| --- | --- | --- |',
    ...steps.map(({ title, ms: took, sound, of }) => `| ${title} | ${sound} of ${of} | ${ms(took)} |`),
  ]
}

function sectionOf(row: Row, root: string): string[] {
  const { host, version, emptyMs, figures, seat, tests, testsMs } = row
  const lines: string[] = []
  if (emptyMs !== null) lines.push(`\`node -e 0\`: ${ms(emptyMs)}`)
  if (figures !== null)
    lines.push(
      `light-alarm: transpiled in ${ms(figures.transpileMs)}, from the cache ${ms(figures.fromCacheMs)}, started with its ` +
        `first event in ${ms(figures.firstCallMs)}, a warm event ${ms(figures.callMs)}`,
    )
  if (seat !== null && seat.startMs !== null)
    lines.push(
      `in the mesh: ready ${ms(seat.startMs)} after its start, with its invite` +
        (seat.restartMs === null ? '' : `; killed, events again ${ms(seat.restartMs)} after the next start`),
    )
  if (seat !== null && seat.lacks !== null)
    lines.push(`in the mesh: light-alarm-ts is not for it (${seat.lacks})`)
  if (tests !== null && testsMs !== null) {
    lines.push(`tests: ${tests.passed} passed, ${tests.skipped} skipped as on this machine, ${ms(testsMs)}`)
    for (const [why, count] of tests.explained)
      lines.push(`${count} ${count === 1 ? 'test goes' : 'tests go'} another way: ${why}`)
  }
  const faults = faultsOf(row).map((fault) => `**failed**: ${faultLine(fault, root)}`)
  return [
    '',
    `## ${host.name}`,
    '',
    `${host.note}; Node.js ${version ?? 'unknown'}.`,
    '',
    ...[...lines, ...faults].map((line) => `- ${line}`),
  ]
}

/** Of the kernel: what behind the number names who built it is nobody's concern. */
function plainRelease(): string {
  return /^\d+(\.\d+)*/.exec(release())?.[0] ?? 'unknown'
}

function cellsOf(row: Row): string[] {
  const { host, version, figures, seat, tests } = row
  const faults = faultsOf(row)
  const explained = [...(tests?.explained.values() ?? [])].reduce((sum, count) => sum + count, 0)
  return [
    host.name,
    version ?? '–',
    ms(seat?.startMs),
    seat?.pssMb === null || seat?.pssMb === undefined ? '–' : `${seat.pssMb.toFixed(0)} MB`,
    figures === null ? '–' : `${ms(figures.transpileMs)}, ${ms(figures.fromCacheMs)}`,
    ms(figures?.callMs),
    ms(seat?.callMs),
    tests === null ? '–' : `${tests.passed}${explained === 0 ? '' : ` + ${explained} explained`}`,
    faults.length === 0 ? 'pass' : faults.length === 1 ? 'failed' : `failed: ${faults.length}`,
  ]
}

function ms(value: number | null | undefined): string {
  if (value === null || value === undefined) return '–'
  if (value >= 1_000) return `${(value / 1_000).toFixed(1)} s`
  return value >= 10 ? `${value.toFixed(0)} ms` : `${value.toFixed(2)} ms`
}
