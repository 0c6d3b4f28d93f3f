/**
 * One run of the program. The only file that reads arguments and environment, hears signals and sets the exit code.
 * What starts a node is left to whoever calls it: commands do without, so that they answer at once.
 */
import { fstatSync, readSync, statSync, writeSync } from 'node:fs'
import { isatty } from 'node:tty'
import { fileURLToPath } from 'node:url'
import { memoryCapBytes, systemClock, type RegisteredProblem } from '../core/index.ts'
import { ownFolders, type OwnFolders } from './own-folders.ts'
import {
  cliProblems,
  Interruption,
  renderError,
  runCli,
  wantsColour,
  askAt,
  awake,
  keysAt,
  type Output,
  type World,
} from './cli/index.ts'

const { env } = process

function output(stream: NodeJS.WriteStream): Output {
  const isTTY = stream.isTTY === true
  return {
    write: (text) => void stream.write(text),
    isTTY,
    colour: wantsColour(env, isTTY),
    get width() {
      // Some terminals do not say.
      return isTTY ? Math.max(20, stream.columns || 80) : 80
    },
    get height() {
      return isTTY && stream.rows > 0 ? Math.max(4, stream.rows) : undefined
    },
  }
}

/**
 * Touched only when it is read: the mere look at it would take what is typed ahead.
 * @throws EISDIR for a folder, which Node.js takes for an input that is empty
 */
function readStdin(): AsyncIterator<Uint8Array> {
  if (isFolder(0)) readSync(0, new Uint8Array(1))
  return process.stdin[Symbol.asyncIterator]() as AsyncIterator<Uint8Array>
}

function isFolder(fd: number): boolean {
  try {
    return fstatSync(fd).isDirectory()
  } catch {
    return false
  }
}

function writeBytes(stream: NodeJS.WriteStream, bytes: Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    stream.write(bytes, (error) => (error instanceof Error ? reject(error) : resolve()))
  })
}

function ownerOf(path: string): number | null {
  return statSync(path, { throwIfNoEntry: false })?.uid ?? null
}

function endOnSignals(): AbortController {
  const ending = new AbortController()
  let isTold = false
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      // Whoever asks twice does not want to wait for a clean end.
      if (isTold) process.exit(1)
      isTold = true
      ending.abort(new Interruption(signal))
    })
  }
  // Who started this process for its addresses alone (addresses.ts) has gone.
  const end = (): void => ending.abort(new Interruption('SIGTERM'))
  process.once('disconnect', end)
  if (process.connected === false) end()
  process.channel?.unref()
  return ending
}

/** @param isNode it goes on: who reads its log is not who needs it, and a full disk takes lines again */
function endWithReaders(isNode: boolean): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (isNode) return
      // The reader of a pipe has gone, as `head` does: nobody is left to tell.
      if (error.code === 'EPIPE') process.exit(0)
      if (stream === process.stdout) {
        const said = renderError(
          cliProblems.error('ERR_OUTPUT', `cannot write the output: ${error.message}`),
          false,
        )
        // At once: the process is about to end.
        writeSync(2, said)
      }
      process.exit(1)
    })
  }
}

export async function loadProblems(): Promise<readonly RegisteredProblem[]> {
  return (await import('./problems.ts')).allProblems()
}

/** Where what can be made again is kept. */
export function cacheFolder(): string {
  return foldersHere().cache
}

function foldersHere(): OwnFolders {
  return ownFolders(env, process.getuid?.() ?? null, process.argv[2], ownerOf)
}

function worldAround(signal: AbortSignal, needs: ProgramNeeds): World {
  return {
    stdout: output(process.stdout),
    stderr: output(process.stderr),
    cwd: process.cwd(),
    folders: foldersHere(),
    program: {
      node: process.execPath,
      program: fileURLToPath(new URL('selvedge.mjs', import.meta.url)),
    },
    env,
    streams: {
      stdin: { [Symbol.asyncIterator]: readStdin },
      stdout: (bytes) => writeBytes(process.stdout, bytes),
      stderr: (bytes) => writeBytes(process.stderr, bytes),
      terminal: { stdin: isatty(0), stdout: isatty(1), stderr: isatty(2) },
    },
    ask: (question, how) => askAt(process.stdin, process.stderr, question, how?.hidden === true, signal),
    keys: (onKey) => keysAt(process.stdin, onKey),
    clock: systemClock,
    signal,
    problems: loadProblems,
    ...needs,
  }
}

export type ProgramNeeds = Pick<World, 'startNode'>

function flushed(stream: NodeJS.WriteStream): Promise<void> {
  return new Promise((done) => stream.write('', () => done()))
}

/** For whoever waits no longer than this for its last words to be read, ms. */
const lastWordsMs = 200

/** @returns the exit code of the process that did it in place of this one; null where this one can */
async function startedAgain(signal: AbortSignal): Promise<number | null> {
  const capBytes = memoryCapBytes()
  return capBytes === Infinity ? null : (await import('./addresses.ts')).startedAgain(capBytes, signal)
}

/** Does what was typed, and ends the process. */
export async function runProgram(needs: ProgramNeeds): Promise<never> {
  const ending = endOnSignals()
  endWithReaders(process.argv[2] === 'up')
  const world = worldAround(ending.signal, needs)
  process.exitCode = await awake(
    async () => (await startedAgain(ending.signal)) ?? runCli(process.argv.slice(2), world),
  )
  // Nothing that a library left behind (a socket that lingers, a timer) may keep a finished command alive; what
  // was written to a pipe must still get out.
  const all = Promise.all([flushed(process.stdout), flushed(process.stderr)])
  // Unless nobody reads it: whoever was asked to end does not wait for that.
  const patience = new Promise<void>((done) => {
    if (ending.signal.aborted) setTimeout(done, lastWordsMs)
  })
  await Promise.race([all, patience])
  process.exit()
}
