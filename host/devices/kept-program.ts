/**
 * A program that runs for as long as a device is open: gpiomon that tells edges, gpioset that holds a level.
 *
 * It must not outlive the node, also where that is killed: it would keep the line, and nobody could open it again.
 * So it stands behind a shell that waits for the end of its input, which comes with the node's own.
 */
import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process'
import { within, type Clock } from '../../core/index.ts'
import { LineCutter } from './line-cutter.ts'
import { plainEnvironment } from './program.ts'

/** Ends the program with its input; itself, the program takes the shell's place, and its process number with it. */
export const keeper = 'exec 3<&0; { read -r _ <&3; kill "$$"; } >/dev/null 2>&1 & exec "$@" </dev/null 3<&-'

const maxLineChars = 512
/** From being asked to end to being killed. */
const endMs = 1_000

export interface KeptEvents {
  line(line: string): void
  /** Once, with what it complained of, where it was not asked to end. */
  ended(why: string): void
}

export class KeptProgram {
  readonly #child: ChildProcessWithoutNullStreams
  readonly #clock: Clock
  readonly #gone: Promise<void>
  readonly #stdin: boolean
  #isEnding = false

  /** @param speaks whether it is told things on its input; it must then end by itself with the node */
  constructor(path: string, args: readonly string[], clock: Clock, events: KeptEvents, speaks = false) {
    this.#clock = clock
    this.#stdin = speaks
    const line = speaks ? [path, ...args] : ['/bin/sh', '-c', keeper, 'sh', path, ...args]
    this.#child = spawn(line[0] ?? path, line.slice(1), {
      stdio: ['pipe', 'pipe', 'pipe'],
      detached: true,
      env: plainEnvironment,
    })
    // Where the system had no files left there are no pipes: then its error is all that comes.
    const { stdin, stdout, stderr } = this.#child as Partial<ChildProcessWithoutNullStreams>
    const complaints = new LineCutter(maxLineChars)
    let complaint = ''
    const lines = new LineCutter(maxLineChars)
    stdout?.on('data', (bytes: Buffer) => {
      // Programs that wait for orders end what they say with a prompt and not with a line.
      for (const each of speaks ? [bytes.toString('utf8').slice(-maxLineChars)] : lines.add(bytes))
        events.line(each)
    })
    stderr?.on('data', (bytes: Buffer) => {
      complaint = complaints.add(bytes)[0] ?? complaint
    })
    // It may have gone by the time it is told something.
    stdin?.on('error', () => {})
    this.#gone = new Promise((resolve) => {
      const over = (why: string): void => {
        // What still waits beside it, and would end whoever has its number next.
        this.#signal('SIGKILL')
        resolve()
        if (!this.#isEnding) events.ended(complaint === '' ? why : complaint)
      }
      this.#child.once('error', (error) => over(error.message))
      this.#child.once('close', (code, signal) => over(`it ended with ${signal ?? code ?? 'nothing'}`))
      this.#child.once('exit', () => this.#signal('SIGKILL'))
    })
  }

  tell(text: string): void {
    if (!this.#stdin) throw new Error('this program is told nothing')
    ;(this.#child as Partial<ChildProcessWithoutNullStreams>).stdin?.write(text)
  }

  /** Resolves when it has gone. May be called twice. */
  async close(): Promise<void> {
    if (!this.#isEnding) {
      this.#isEnding = true
      this.#signal('SIGTERM')
    }
    await within({ clock: this.#clock, ms: endMs }, () => this.#gone).catch(() => this.#signal('SIGKILL'))
  }

  /** The whole group: the program, and the shell that waits beside it. */
  #signal(signal: NodeJS.Signals): void {
    const { pid } = this.#child
    if (pid === undefined) return
    try {
      process.kill(-pid, signal)
    } catch {
      // Nobody of it is left.
    }
  }
}
