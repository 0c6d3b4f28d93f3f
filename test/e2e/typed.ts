/**
 * The program's commands, typed in the test's own process and run from source: for what a test needs done on the way. What
 * a test is about (what a command says, how it ends) is run by the built program: `stage.run`.
 */
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { systemClock, type Clock } from '../../core/index.ts'
import { runCli, type Output, type World } from '../../host/cli/index.ts'
import { allProblems } from '../../host/problems.ts'
import type { CommandResult, Stage } from '../../demo/stage.ts'

interface Caught extends Output {
  readonly text: () => string
}

function caught(): Caught {
  const parts: string[] = []
  return {
    write: (text) => void parts.push(text),
    isTTY: false,
    colour: false,
    width: 80,
    text: () => parts.join(''),
  }
}

/** So much sooner than a person's is the wait for a release over, which goes on for a second when it runs everywhere. */
const hurry = 10
const hurried: Clock = { ...systemClock, monotonicMs: () => systemClock.monotonicMs() * hurry }
/** By that clock as long as anything is waited for in these tests. */
const longestWait = ['--timeout', String(50 * hurry)]

/** Runs one command to its end, as `stage.run` does. */
export async function type(
  stage: Pick<Stage, 'folder' | 'keys'>,
  args: readonly string[],
): Promise<CommandResult> {
  const isWaiting = args.includes('--wait')
  const [stdout, stderr] = [caught(), caught()]
  const world: World = {
    stdout,
    stderr,
    cwd: stage.folder,
    folders: { data: join(stage.folder, 'none'), keys: stage.keys, cache: join(stage.folder, 'cache') },
    program: { node: process.execPath, program: join(stage.folder, 'nowhere.mjs') },
    env: {},
    streams: {
      stdin: Readable.from([]),
      stdout: async (bytes) => stdout.write(Buffer.from(bytes).toString('utf8')),
      stderr: async (bytes) => stderr.write(Buffer.from(bytes).toString('utf8')),
      terminal: { stdin: false, stdout: false, stderr: false },
    },
    ask: async () => null,
    clock: isWaiting ? hurried : systemClock,
    signal: new AbortController().signal,
    problems: async () => allProblems(),
    startNode: () => Promise.reject(new Error('a node is a process of its own: stage.up starts one')),
  }
  const code = await runCli(isWaiting ? [...args, ...longestWait] : args, world)
  return { code, stdout: stdout.text(), stderr: stderr.text() }
}

/** As `type`, for commands that must succeed. @returns what it wrote to stdout */
export async function mustType(stage: Stage, args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await type(stage, args)
  if (code !== 0) throw new Error(`selvedge ${args[0]} ended with ${code}:\n${stderr.trim()}`)
  return stdout
}
