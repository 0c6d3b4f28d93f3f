/**
 * A sandbox in a process of its own: an engine that crashes, or is broken out of, has neither the node's memory nor
 * its files. Where Node.js has a permission model the process may read its own program and nothing else; elsewhere
 * it runs as another user, if the node may choose one.
 */
import { spawn, type ChildProcess, type StdioOptions } from 'node:child_process'
import type { Readable, Writable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { messageOf } from '../../../core/index.ts'
import {
  encodeFrame,
  FrameReader,
  packToGuest,
  spareArgument,
  unpackToHost,
  type Boot,
  type ToHost,
} from '../../guest/index.ts'
import { addressFlags } from '../address-space.ts'
import type { StoredComponent } from '../cache.ts'
import { confinementFor, flagsOf } from './confinement.ts'
import { isToHost } from './inbound-check.ts'
import type { LinkFactory, LinkOptions, SandboxLink } from './link.ts'

/**
 * Largest batch taken from a sandbox. Its values are bounded one by one where they are used: one of 4 MiB
 * (`EngineLimits.valueBytes`) has at most 131,072 objects, or half a million numbers, and a batch few of them.
 */
const frameBounds = { bytes: 64 * 1024 * 1024, objects: 524_288, values: 4_194_304 } as const
const stdio: StdioOptions = ['ignore', 'pipe', 'pipe', 'pipe', 'pipe']

export const spawnProcess: LinkFactory = (options) => new ProcessLink(options)

class ProcessLink implements SandboxLink {
  readonly #child: ChildProcess
  readonly #options: LinkOptions
  readonly #toGuest: Writable
  readonly #reader = new FrameReader(frameBounds)
  readonly #gone: Promise<void>
  #wake: ReturnType<typeof setTimeout> | undefined
  #said = ''
  #isOver = false

  constructor(options: LinkOptions) {
    this.#options = options
    const { program, limits, preopens, isSpare = false } = options
    const entry = fileURLToPath(program.sandboxProcess)
    const confined = confinementFor(entry, preopens)
    const child = spawn(
      process.execPath,
      [
        `--max-old-space-size=${limits.sandboxHeapMb}`,
        ...addressFlags(),
        ...flagsOf(confined, [entry], preopens),
        entry,
        ...(isSpare ? [spareArgument] : []),
      ],
      { env: {}, stdio, cwd: '/', windowsHide: true, ...confined.user },
    )
    this.#child = child
    this.#toGuest = child.stdio[3] as Writable
    this.#toGuest.on('error', () => {}) // it may be gone before it has read everything; 'exit' says why
    const fromGuest = child.stdio[4] as Readable
    fromGuest.on('data', (chunk: Buffer) => this.#onData(chunk))
    fromGuest.on('error', () => {})
    const print = (chunk: Buffer): void => {
      const text = chunk.toString('utf8', 0, 2_000)
      this.#said = `${this.#said}${text}`.slice(-4_000)
      options.events.printed(text)
    }
    child.stdout?.on('data', print)
    child.stderr?.on('data', print)
    this.#gone = new Promise((resolve) => {
      child.on('error', (error) => {
        this.#end('host-fault', `its process could not be started: ${messageOf(error)}`)
        resolve()
      })
      child.on('exit', (code, signal) => {
        this.#died(code, signal)
        resolve()
      })
    })
  }

  get pid(): number | null {
    return this.#child.pid ?? null
  }

  send(batch: Parameters<SandboxLink['send']>[0]): void {
    this.#toGuest.write(encodeFrame(packToGuest(batch)))
  }

  modulesOf({ modules }: StoredComponent): Promise<Boot['modules']> {
    return Promise.resolve(
      modules.map(({ name, hasMemory, bytes }) => ({ name, hasMemory, module: new Uint8Array(bytes) })),
    )
  }

  get sharesMemory(): boolean {
    return false
  }

  begun(): null {
    return null
  }

  isHeldUp(): boolean {
    return false
  }

  async terminate(): Promise<void> {
    this.#isOver = true
    clearTimeout(this.#wake)
    this.#child.kill('SIGKILL')
    await this.#gone
  }

  #onData(chunk: Buffer): void {
    if (this.#isOver) return
    try {
      this.#reader.push(chunk)
      for (let batch = this.#reader.next(); batch !== null; batch = this.#reader.next()) this.#take(batch)
    } catch (error) {
      this.#end('host-fault', `its process sent what no sandbox sends: ${messageOf(error)}`)
    }
  }

  #take(batch: readonly unknown[]): void {
    const messages: ToHost[] = []
    for (const message of unpackToHost(batch)) {
      if (!isToHost(message)) throw new Error('a message of no known form')
      if (message.t === 'wake') this.#wakeIn(message.afterMs)
      else messages.push(message)
    }
    if (messages.length > 0) this.#options.events.batch(messages)
  }

  /** A guest sleeps in one place at a time: what it waited for before it woke up for another reason is over. */
  #wakeIn(afterMs: number): void {
    clearTimeout(this.#wake)
    this.#wake = setTimeout(() => this.send([]), Math.min(Math.ceil(afterMs), 0x7fff_ffff))
  }

  #died(code: number | null, signal: string | null): void {
    if (/heap out of memory|Array buffer allocation failed/i.test(this.#said))
      return this.#end('memory', 'its process ran out of heap')
    const how = signal === null ? `exit code ${code}` : signal
    this.#end('crash', `its process died (${how})${firstComplaint(this.#said)}`)
  }

  #end(reason: 'memory' | 'host-fault' | 'crash', message: string): void {
    if (this.#isOver) return
    this.#isOver = true
    clearTimeout(this.#wake)
    this.#options.events.ended(reason, message)
  }
}

/** Node prints an uncaught error behind the place it came from; the error itself is what helps. */
function firstComplaint(text: string): string {
  const line = text.split('\n').find((candidate) => /error|fatal/i.test(candidate))
  return line === undefined ? '' : `: ${line.trim().slice(0, 200)}`
}
