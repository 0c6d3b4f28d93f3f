/** The outside of a command, caught: what it wrote, and a clock that stands where it is told. */
import { Readable } from 'node:stream'
import { systemClock, type Clock } from '../../../core/index.ts'
import type { NodeOptions, NodeStarter, Output, World } from '../../../host/cli/index.ts'
import { runCli } from '../../../host/cli/index.ts'
import { sampleNow } from '../api/sample-status.ts'
import { allProblems } from '../../../host/problems.ts'

export interface CaughtOutput extends Output {
  readonly text: () => string
}

export function caughtOutput(changes: Partial<Output> = {}): CaughtOutput {
  let written = ''
  return {
    write: (text) => void (written += text),
    isTTY: false,
    colour: false,
    width: 80,
    ...changes,
    text: () => written,
  }
}

/** Shows the time of the samples, and measures ten seconds in each: nobody is to wait as long as a person would. */
const clock: Clock = {
  ...systemClock,
  now: () => sampleNow,
  monotonicMs: () => systemClock.monotonicMs() * 10,
}

const noNode: NodeStarter = (options: NodeOptions) => {
  throw new Error(`nobody was to start a node in ${options.data}`)
}

/** For a command that runs no program. */
export const noStreams: World['streams'] = {
  stdin: Readable.from([]),
  stdout: async () => {},
  stderr: async () => {},
  terminal: { stdin: false, stdout: false, stderr: false },
}

export interface RunOptions {
  readonly data?: string
  readonly keys?: string
  readonly stdout?: Partial<Output>
  readonly stderr?: Partial<Output>
  readonly startNode?: NodeStarter
  readonly signal?: AbortSignal
  readonly stdin?: Readable
  readonly cwd?: string
  readonly env?: World['env']
  readonly machine?: World['machine']
  readonly program?: World['program']
  /** Answers questions; nobody is there where it is missing. */
  readonly ask?: World['ask']
  readonly press?: World['keys']
  /** Called with each thing that is written to stdout. */
  readonly onAnswer?: (text: string) => void
  /** Called with what is written to stdout as bytes. */
  readonly onBytes?: (bytes: Uint8Array) => void
}

/** Runs a command line as a person would type it. */
export async function run(
  line: string | readonly string[],
  options: RunOptions = {},
): Promise<{ code: number; stdout: string; stderr: string }> {
  const stdout = caughtOutput(options.stdout)
  const stderr = caughtOutput(options.stderr)
  const world: World = {
    stdout: {
      ...stdout,
      write(text) {
        stdout.write(text)
        options.onAnswer?.(text)
      },
    },
    stderr,
    cwd: options.cwd ?? '/nowhere',
    folders: {
      data: options.data ?? '/nowhere/data',
      keys: options.keys ?? '/nowhere/keys',
      cache: '/nowhere/cache',
    },
    env: options.env ?? {},
    program: options.program ?? { node: '/usr/bin/node', program: '/usr/lib/selvedge/dist/selvedge.mjs' },
    ...(options.machine === undefined ? {} : { machine: options.machine }),
    ask: options.ask ?? (async () => null),
    streams: {
      ...noStreams,
      ...(options.stdin === undefined ? {} : { stdin: options.stdin }),
      stdout: async (bytes) => {
        stdout.write(Buffer.from(bytes).toString('utf8'))
        options.onBytes?.(bytes)
      },
      stderr: async (bytes) => stderr.write(Buffer.from(bytes).toString('utf8')),
    },
    ...(options.press === undefined ? {} : { keys: options.press }),
    clock,
    signal: options.signal ?? new AbortController().signal,
    problems: async () => allProblems(),
    startNode: options.startNode ?? noNode,
  }
  const typed = typeof line === 'string' ? line.split(' ').filter(Boolean) : line
  const code = await runCli(typed, world)
  return { code, stdout: stdout.text(), stderr: stderr.text() }
}
