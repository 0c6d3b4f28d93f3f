/** Runs the bundled suite on one host, file by file, and goes on behind a file that ends or holds up its process. */
import { spawn, type ChildProcess } from 'node:child_process'
import type { Readable } from 'node:stream'
import type { SuiteJob, SuiteLine, TestResult } from './suite/protocol.ts'

/** By file. */
export type Results = ReadonlyMap<string, readonly TestResult[]>

export interface SuiteOutcome {
  readonly results: Results
  readonly ms: number
}

export interface SuiteRun {
  /** Takes the arguments of node. */
  readonly node: string
  readonly program: string
  readonly root: string
  readonly files: readonly string[]
  /** How many times longer than here a file may take. */
  readonly patience: number
  readonly signal: AbortSignal
  begun?(file: string): void
}

/** For a test without a limit of its own, here. */
const testMs = 30_000
/** Without a word: the file has hung, and is ended. */
const silenceMs = 60_000
/** Of what a process that died had printed. */
const keptChars = 1_500

export async function runSuiteOn(run: SuiteRun): Promise<SuiteOutcome> {
  const startedAt = performance.now()
  const results = new Map<string, readonly TestResult[]>()
  let left = [...run.files]
  while (left.length > 0) {
    run.signal.throwIfAborted()
    await runProcess(run, left, results)
    const rest = left.filter((file) => !results.has(file))
    // Not one file ended, and none was blamed: it does not start at all.
    if (rest.length === left.length) throw new Error('the bundle of the tests does not start')
    left = rest
  }
  return { results, ms: performance.now() - startedAt }
}

async function runProcess(
  { node, program, root, patience, signal, begun }: SuiteRun,
  files: readonly string[],
  results: Map<string, readonly TestResult[]>,
): Promise<void> {
  const job: SuiteJob = { kind: 'tests', root, files, testMs: testMs * patience }
  const child = spawn(node, [program, JSON.stringify(job)], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
    detached: true,
    env: {
      PATH: process.env['PATH'],
      HOME: process.env['HOME'],
      NO_COLOR: '1',
      TMPDIR: process.env['TMPDIR'],
    },
  })
  let current: string | null = null
  let why = ''
  let said = ''
  const keep = (chunk: Buffer): void => void (said = `${said}${chunk.toString()}`.slice(-keptChars))
  child.stdout?.on('data', keep)
  child.stderr?.on('data', keep)
  const hung = setTimeout(() => {
    why = `it said nothing for ${(silenceMs * patience) / 1_000} s`
    endGroup(child)
  }, silenceMs * patience)
  const aborted = (): void => endGroup(child)
  signal.addEventListener('abort', aborted, { once: true })
  onLines(child.stdio[3] as Readable, (line) => {
    hung.refresh()
    if (line.kind === 'begun') {
      current = line.file
      begun?.(line.file)
      return
    }
    results.set(line.file, line.tests)
    current = null
  })
  const ended = await new Promise<string>((resolve) => {
    child.once('error', ({ message }) => resolve(message))
    child.once('close', (code, killed) => resolve(`it ended with ${killed ?? code}`))
  })
  clearTimeout(hung)
  signal.removeEventListener('abort', aborted)
  // What a test has started and not ended goes with its group.
  endGroup(child)
  if (current === null) return
  const message = `${why === '' ? ended : why}: ${said.trim()}`
  results.set(current, [{ name: '(process)', state: 'fail', message }])
}

function endGroup({ pid }: ChildProcess): void {
  try {
    if (pid !== undefined) process.kill(-pid, 'SIGKILL')
  } catch {
    // Nothing of it is left.
  }
}

function onLines(stream: Readable, take: (line: SuiteLine) => void): void {
  let rest = ''
  stream.setEncoding('utf8')
  stream.on('data', (chunk: string) => {
    const lines = (rest + chunk).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) take(JSON.parse(line) as SuiteLine)
  })
}
