/**
 * A program as a sensor: it is run for each reading, and what it writes is the value.
 *
 * It runs in a process group of its own, which ends as a whole when it is too slow or too talkative. Of the node's own
 * environment it sees nothing.
 */
import { spawn, type ChildProcess } from 'node:child_process'
import * as v from 'valibot'
import type { Clock } from '../../../core/index.ts'
import { durationField } from '../../toml/index.ts'
import type { Sensor, SensorDriver } from '../contract.ts'
import { numberIn, textValueOptions } from './text-value.ts'

const argument = v.pipe(v.string(), v.maxLength(4_096), v.regex(/^[^\0]*$/, 'has a zero character'))

const options = v.strictObject({
  ...textValueOptions,
  /** Program and arguments; no shell is between. */
  command: v.optional(v.pipe(v.array(argument), v.minLength(1, 'names no program'), v.maxLength(64))),
  /** A line for /bin/sh, instead of `command`. */
  shell: v.optional(v.pipe(argument, v.minLength(1))),
  /** Its variables, beside a usual PATH. */
  env: v.optional(
    v.pipe(
      v.record(
        v.pipe(v.string(), v.regex(/^[A-Za-z_][A-Za-z0-9_]{0,63}$/, 'is no name of a variable')),
        argument,
      ),
      v.check((table) => Object.keys(table).length <= 64, 'has too many entries; at most 64 fit'),
    ),
    {},
  ),
  /** It is ended when it takes longer. */
  timeout: v.optional(durationField('50ms', '4500ms'), '4s'),
})

type CommandOptions = v.InferOutput<typeof options>

const maxOutputBytes = 65_536
/** Of what it wrote to stderr, for the error. */
const shownErrorBytes = 160

const usualPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

interface Run {
  readonly argv: readonly string[]
  readonly env: Readonly<Record<string, string>>
  readonly timeoutMs: number
  readonly cwd: string
  readonly clock: Clock
}

/** @throws Error saying how it ended, where it did not end well */
function outputOf({ argv, env, timeoutMs, cwd, clock }: Run, signal: AbortSignal): Promise<string> {
  const [file = '', ...args] = argv
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, {
      cwd,
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { PATH: usualPath, LANG: 'C', ...env },
    })
    const chunks: Buffer[] = []
    let size = 0
    let told = ''
    const done = (): void => {
      cancelTimer()
      signal.removeEventListener('abort', onAbort)
    }
    const end = (error: Error): void => {
      done()
      killGroup(child)
      reject(error)
    }
    const onAbort = (): void => end(signal.reason as Error)
    const late = (): void => end(new Error(`${file} did not end in ${timeoutMs / 1_000} s`))
    const cancelTimer = clock.after(timeoutMs, late)
    signal.addEventListener('abort', onAbort, { once: true })
    // Where the system had no files left there are no pipes: then its error is all that comes.
    const { stdout, stderr } = child as Partial<typeof child>
    stdout?.on('data', (chunk: Buffer) => {
      size += chunk.length
      if (size > maxOutputBytes) return end(new Error(`${file} wrote more than 64 KiB`))
      chunks.push(chunk)
    })
    stderr?.on('data', (chunk: Buffer) => {
      told = `${told}${chunk.toString('utf8')}`.slice(-shownErrorBytes)
    })
    child.once('error', (error) => end(error))
    // `close`, and not `exit`: only then everything was read. A grandchild that keeps the pipe open runs into the timer.
    child.once('close', (code, killedBy) => {
      if (code === 0) {
        done()
        return resolve(Buffer.concat(chunks).toString('utf8'))
      }
      const how = code === null ? `was ended by ${killedBy}` : `ended with ${code}`
      end(new Error(`${file} ${how}${told.trim() === '' ? '' : `: ${told.trim()}`}`))
    })
  })
}

/** All that it started too. */
function killGroup(child: ChildProcess): void {
  if (child.pid === undefined) return
  try {
    process.kill(-child.pid, 'SIGKILL')
  } catch {
    // The group has ended.
  }
}

function argvOf({ command, shell }: CommandOptions): readonly string[] {
  if (shell !== undefined && command === undefined) return ['/bin/sh', '-c', shell]
  if (command !== undefined && shell === undefined) return command
  throw new Error('write either `command = ["program", "argument"]` or `shell = "line"` in its table')
}

export const commandSensor: SensorDriver<CommandOptions> = {
  kind: 'command',
  summary: 'a program that writes the value: a number, or JSON with a number in it',
  options,
  async open(name, table, { clock, base = process.cwd() }): Promise<Sensor> {
    const { unit, pointer, scale, resolution = null } = table
    const run = { argv: argvOf(table), env: table.env, timeoutMs: table.timeout, cwd: base, clock }
    const closing = new AbortController()
    return {
      name,
      driver: 'command',
      unit,
      range: null,
      resolution,
      async read(signal) {
        signal?.throwIfAborted()
        const ending = new AbortController()
        const end = (): void => ending.abort(signal?.aborted === true ? signal.reason : closing.signal.reason)
        signal?.addEventListener('abort', end, { once: true })
        closing.signal.addEventListener('abort', end, { once: true })
        try {
          const text = await outputOf(run, ending.signal)
          return { value: numberIn(text, pointer) * scale, unit, timeMs: clock.now() }
        } finally {
          signal?.removeEventListener('abort', end)
          closing.signal.removeEventListener('abort', end)
        }
      },
      async close() {
        closing.abort(new Error('the sensor was closed'))
      },
    }
  },
}
