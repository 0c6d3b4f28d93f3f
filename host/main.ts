/**
 * The program. The only file that reads arguments and environment, hears signals and sets the exit code; the
 * node itself is loaded when `up` asks for it, so that every other command answers at once.
 */
// oxlint-disable-next-line import/no-unassigned-import
import '../core/compat.ts'
import { fstatSync, readSync, statSync, writeSync } from 'node:fs'
import * as nodeModule from 'node:module'
import { isatty } from 'node:tty'
import { fileURLToPath } from 'node:url'
import { memoryCapBytes, systemClock, type RegisteredProblem } from '../core/index.ts'
import { useCompileCache, type CodeCache } from './compile-cache.ts'
import { ownFolders } from './own-folders.ts'
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

const ending = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    // Whoever asks twice does not want to wait for a clean end.
    if (ending.signal.aborted) process.exit(1)
    ending.abort(new Interruption(signal))
  })
}
// Who started this process for its addresses alone (addresses.ts) has gone.
process.once('disconnect', () => ending.abort(new Interruption('SIGTERM')))
process.channel?.unref()
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
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

async function loadProblems(): Promise<readonly RegisteredProblem[]> {
  return (await import('./problems.ts')).allProblems()
}

const world: World = {
  stdout: output(process.stdout),
  stderr: output(process.stderr),
  cwd: process.cwd(),
  folders: ownFolders(env, process.getuid?.() ?? null, process.argv[2], ownerOf),
  program: { node: process.execPath, program: fileURLToPath(new URL('selvedge.mjs', import.meta.url)) },
  env,
  streams: {
    stdin: { [Symbol.asyncIterator]: readStdin },
    stdout: (bytes) => writeBytes(process.stdout, bytes),
    stderr: (bytes) => writeBytes(process.stderr, bytes),
    terminal: { stdin: isatty(0), stdout: isatty(1), stderr: isatty(2) },
  },
  ask: (question, how) => askAt(process.stdin, process.stderr, question, how?.hidden === true, ending.signal),
  keys: (onKey) => keysAt(process.stdin, onKey),
  clock: systemClock,
  signal: ending.signal,
  problems: loadProblems,
  async startNode(options) {
    const [{ startNode }, problems] = await Promise.all([import('./node/index.ts'), loadProblems()])
    const node = await startNode({ ...options, problems })
    // A node often ends with its power.
    if (isCaching) codeCache.flushCompileCache?.()
    return node
  },
}

// Of some versions of Node.js only.
const codeCache = nodeModule as CodeCache
const isCaching = useCompileCache(codeCache, world.folders.cache, process.getuid?.() ?? null)

async function startedAgain(): Promise<number | null> {
  const capBytes = memoryCapBytes()
  return capBytes === Infinity ? null : (await import('./addresses.ts')).startedAgain(capBytes, ending.signal)
}

process.exitCode = await awake(async () => (await startedAgain()) ?? runCli(process.argv.slice(2), world))
// Nothing that a library left behind (a socket that lingers, a timer) may keep a finished command alive; what
// was written to a pipe must still get out.
const flushed = (stream: NodeJS.WriteStream): Promise<void> =>
  new Promise((done) => stream.write('', () => done()))
const all = Promise.all([flushed(process.stdout), flushed(process.stderr)])
// Unless nobody reads it: whoever was asked to end does not wait for that.
const lastWordsMs = 200
const patience = new Promise<void>((done) => {
  if (ending.signal.aborted) setTimeout(done, lastWordsMs)
})
await Promise.race([all, patience])
process.exit()
