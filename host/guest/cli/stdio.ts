/**
 * Standard streams of a guest, for `wasi:cli` and preview1 alike: lines into the app's log, where nobody waits for
 * what is written and a flood is dropped; or channels to the node, where everything arrives and the guest waits.
 */
import type { ByteSink, ByteSource } from '../bytes.ts'
import type { HostLine } from '../line.ts'
import type { PartSettings } from '../part.ts'
import { stdioInterface } from '../protocol.ts'

export interface Stdio {
  stdin(): ByteSource
  stdout(): ByteSink
  stderr(): ByteSink
  /** The call is over, or the guest is: a last line without an end is a line too. */
  endLines(): void
}

const made = new WeakMap<HostLine, Stdio>()

/** One set for each sandbox: however often and through whichever WASI a guest asks for `stdout`, it is the same. */
export function createStdio(line: HostLine, settings: PartSettings): Stdio {
  const known = made.get(line)
  if (known !== undefined) return known
  const stdio = settings.stdio === 'piped' ? pipes(line) : lines(line, settings.lineChars)
  made.set(line, stdio)
  return stdio
}

/** @see Stdio.endLines; a guest that never asked for its streams has written nothing */
export function endLines(line: HostLine): void {
  made.get(line)?.endLines()
}

function lines(line: HostLine, lineChars: number): Stdio {
  const sink = (stream: 'stdout' | 'stderr'): LineSink =>
    new LineSink((text) => line.post(stdioInterface, 'line', [stream, text]), lineChars)
  const stdout = sink('stdout')
  const stderr = sink('stderr')
  return {
    stdin: () => atItsEnd,
    stdout: () => stdout,
    stderr: () => stderr,
    endLines() {
      stdout.endLine()
      stderr.endLine()
    },
  }
}

function pipes(line: HostLine): Stdio {
  let stdin: ByteSource | null = null
  const sinks = new Map<string, ByteSink>()
  const sink = (name: 'stdout' | 'stderr'): ByteSink => {
    const made = sinks.get(name) ?? shared(line.open(stdioInterface, name, []).sink, line)
    sinks.set(name, made)
    return made
  }
  return {
    // Opened when it is first asked for: a program that never reads takes nothing from its terminal.
    stdin: () => (stdin ??= line.open(stdioInterface, 'stdin', []).source),
    stdout: () => sink('stdout'),
    stderr: () => sink('stderr'),
    endLines() {},
  }
}

/**
 * A guest that drops its stream may ask for another one: the pipe stays. What it writes goes out at once: it may
 * compute for a long time before it does anything else, and somebody watches.
 */
function shared(sink: ByteSink, line: HostLine): ByteSink {
  return {
    capacity: () => sink.capacity(),
    write(bytes) {
      sink.write(bytes)
      line.poll()
    },
    flush: () => sink.flush(),
    ready: () => sink.ready(),
    close: () => {},
  }
}

const atItsEnd: ByteSource = { read: () => null, ready: () => true, close: () => {} }

/** Turns bytes into lines; what has no end yet is kept up to one line's length. */
class LineSink implements ByteSink {
  readonly #write: (line: string) => void
  readonly #lineChars: number
  readonly #decoder = new TextDecoder()
  #pending = ''
  /** Whether anything was written since the last line was ended. */
  #hasPart = false

  constructor(write: (line: string) => void, lineChars: number) {
    this.#write = write
    this.#lineChars = lineChars
  }

  capacity(): number {
    return 64 * 1024
  }

  write(bytes: Uint8Array): void {
    this.#pending += this.#decoder.decode(bytes, { stream: true })
    const complete = this.#pending.split('\n')
    this.#pending = complete.pop() ?? ''
    for (const text of complete) this.#put(text.endsWith('\r') ? text.slice(0, -1) : text)
    this.#hasPart = true
    if (this.#pending.length > this.#lineChars) this.#putPending()
  }

  flush(): void {}

  ready(): boolean {
    return true
  }

  /** Writes what has no end. A guest may go on writing to it after it was dropped and asked for again. */
  close(): void {
    this.endLine()
  }

  endLine(): void {
    if (!this.#hasPart) return
    this.#hasPart = false
    // The first bytes of a character whose others never came.
    this.#pending += this.#decoder.decode()
    this.#putPending()
  }

  #putPending(): void {
    if (this.#pending !== '') this.#put(this.#pending)
    this.#pending = ''
  }

  #put(text: string): void {
    this.#write(text.length > this.#lineChars ? `${text.slice(0, this.#lineChars)}…` : text)
  }
}
