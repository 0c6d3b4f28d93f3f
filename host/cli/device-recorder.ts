/**
 * `selvedge sensors --record`: asks the daemon at a steady rate and writes each new reading as a row of a trace.
 *
 * Rows have the time at which they came, by a clock that never goes back: a trace whose times did could not be played.
 */
import { open, type FileHandle } from 'node:fs/promises'
import { resolve } from 'node:path'
import { isSelvedgeError, messageOf } from '../../core/index.ts'
import type { DevicesReport } from '../api/index.ts'
import { canRewrite, LiveBlock } from './live-block.ts'
import { cliProblems } from './problems.ts'
import { renderError } from './render-error.ts'
import { sleep } from './sleep.ts'
import { ageText, countText, plain } from './text.ts'
import type { World } from './world.ts'

export interface Recording {
  /** `-` for standard output. */
  readonly file: string
  readonly everyMs: number
  /** The sensors to record, of what the daemon answers. */
  look(): Promise<DevicesReport>
}

interface Sink {
  readonly name: string
  write(text: string): Promise<void>
  close(): Promise<void>
}

/**
 * Goes on until Ctrl-C, also while the daemon does not answer.
 * @throws ERR_RECORD_FILE, and what the first look throws
 */
export async function record(world: World, recording: Recording): Promise<void> {
  // The library of traces comes with the drivers, which no other command needs.
  const { traceHeader, traceLine } = await import('../devices/index.ts')
  const { clock, signal } = world
  const first = await recording.look()
  const sink = await openSink(world, recording.file)
  const began = { wallMs: clock.now(), monotonicMs: clock.monotonicMs() }
  const progress = new Progress(world, sink.name, began.monotonicMs)
  const written = new Map<string, number>()
  try {
    await sink.write(traceHeader)
    for (let report: DevicesReport | null = first; ;) {
      const timeMs = began.wallMs + Math.round(clock.monotonicMs() - began.monotonicMs)
      const rows = (report?.sensors ?? []).flatMap(({ name, value, unit, timeMs: readMs, problem }) => {
        if (value === null || readMs === null || problem !== undefined || written.get(name) === readMs)
          return []
        written.set(name, readMs)
        return [traceLine({ timeMs, sensor: name, value, unit })]
      })
      if (rows.length > 0) await sink.write(rows.join(''))
      progress.add(rows.length)
      await sleep(recording.everyMs, signal).catch(() => {})
      if (signal.aborted) return
      report = await recording.look().catch((error: unknown) => progress.trouble(error))
    }
  } finally {
    await sink.close()
    progress.end()
  }
}

async function openSink({ stdout, cwd }: World, file: string): Promise<Sink> {
  if (file === '-') {
    return { name: 'standard output', write: async (text) => stdout.write(text), close: async () => {} }
  }
  const path = resolve(cwd, file)
  const refuse = (what: string, cause: unknown): Error => {
    const isThere = (cause as NodeJS.ErrnoException).code === 'EEXIST'
    const why = isThere ? 'it is there already' : messageOf(cause)
    const hint = isThere ? 'name another file, or remove this one' : undefined
    return cliProblems.error('ERR_RECORD_FILE', `${plain(file)} ${what}: ${why}`, {
      cause,
      ...(hint !== undefined && { hint }),
    })
  }
  // What was recorded once can hardly be recorded again.
  const handle: FileHandle = await open(path, 'wx').catch((cause: unknown) => {
    throw refuse('cannot be written', cause)
  })
  return {
    name: plain(file),
    write: (text) =>
      handle.appendFile(text).catch((cause: unknown) => {
        throw refuse('takes nothing more', cause)
      }),
    close: () => handle.close(),
  }
}

/** What is told on standard error: a line that counts on a terminal, else one at the end. */
class Progress {
  readonly #world: World
  readonly #target: string
  readonly #beganMs: number
  readonly #block: LiveBlock | null
  #rows = 0
  #trouble = ''

  constructor(world: World, target: string, beganMs: number) {
    this.#world = world
    this.#target = target
    this.#beganMs = beganMs
    this.#block = canRewrite(world.stderr, world.env) ? new LiveBlock(world.stderr) : null
  }

  add(rows: number): void {
    this.#rows += rows
    if (rows > 0) this.#trouble = ''
    this.#block?.draw([`recording to ${this.#target}: ${this.#text()}; Ctrl-C ends it`])
  }

  /** An error of ours is told once, and the recording goes on. @throws any other */
  trouble(error: unknown): null {
    if (!isSelvedgeError(error)) throw error
    const { stderr } = this.#world
    if (error.code !== this.#trouble) stderr.write(renderError(error, stderr.colour))
    this.#trouble = error.code
    return null
  }

  end(): void {
    const text = `recorded ${this.#text()} to ${this.#target}`
    if (this.#block === null) this.#world.stderr.write(`${text}\n`)
    else this.#block.draw([text])
  }

  #text(): string {
    const forMs = this.#world.clock.monotonicMs() - this.#beganMs
    return `${countText(this.#rows, 'reading')} in ${ageText(forMs)}`
  }
}
