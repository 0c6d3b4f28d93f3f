/**
 * The two implementations that the contract suites of WASI 0.2 run against, by one shape: ours, as a sandbox makes
 * it, and preview2-shim's for Node.js. Interfaces go by their names without version, as jco's glue has them.
 */
import * as shim from '@bytecodealliance/preview2-shim'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { StreamFailure, type ByteSink, type ByteSource, type Waitable } from '../../../host/guest/bytes.ts'
import { createIo, dispose } from '../../../host/guest/io/index.ts'
import type { HostLine } from '../../../host/guest/line.ts'
import type { PartContext, PartSettings } from '../../../host/guest/part.ts'
import { wasiParts } from '../../../host/guest/parts.ts'

type Call = (...args: readonly unknown[]) => unknown
/** Functions of an interface by their camelCase names. */
export type Interface = Readonly<Record<string, Call>>
export type Resource = Readonly<Record<string, Call>> & object

export interface World {
  readonly args: readonly string[]
  readonly env: readonly (readonly [string, string])[]
}

export interface Subject {
  readonly name: 'ours' | 'preview2-shim'
  /** `wasi:io/poll` and so on, in a world of their own where that is possible. */
  open(world?: Partial<World>): (path: string) => Interface
  /** A stream that reads `content`, and one that writes to where `written` reads from. */
  input(content: Uint8Array): Resource
  output(): { readonly stream: Resource; written(): Uint8Array }
}

/** A source, a sink and a guest's thread that are all in this one: what is waited for becomes so by `arrive`. */
export class Bench {
  readonly lines: string[] = []
  held = 0
  sleeps = 0
  readonly context: PartContext
  #arrivals: (() => void)[] = []

  constructor({ args = [], env = [], ...rest }: Partial<PartSettings> = {}) {
    const line: HostLine = {
      call: () => undefined,
      post: (_id, _name, [stream, text]) => void this.lines.push(`${String(stream)}: ${String(text)}`),
      open() {
        throw new Error('no channels here')
      },
      wait: (waitables) => this.#wait(waitables),
      poll: () => {},
      asleep: (run) => run(),
    }
    const hold = (): (() => void) => {
      this.held += 1
      return () => void (this.held -= 1)
    }
    this.context = {
      line,
      hold,
      handles: { take: () => (this.held += 1), giveBack: () => (this.held -= 1) },
      held: () => this.held,
      io: createIo(line, hold),
      settings: {
        args,
        env,
        preopens: [],
        stdio: 'lines',
        terminal: { stdin: false, stdout: false, stderr: false },
        lineChars: 4_096,
        ...rest,
      },
    }
  }

  /** Happens when the guest sleeps next with nothing ready; further ones one sleep later each. */
  arrive(run: () => void): void {
    this.#arrivals.push(run)
  }

  interface(path: string): Interface {
    for (const kind of wasiParts) {
      const found = kind.create(this.context).imports[path]
      if (found !== undefined) return found as Interface
    }
    throw new Error(`no ${path}`)
  }

  input(source: ByteSource): Resource {
    return this.context.io.inputStream(source) as Resource
  }

  output(sink: ByteSink): Resource {
    return this.context.io.outputStream(sink) as Resource
  }

  pollable(waitable: Waitable): Resource {
    return this.context.io.pollable(waitable) as Resource
  }

  #wait(waitables: readonly Waitable[]): void {
    while (!waitables.some((waitable) => waitable.ready())) {
      this.sleeps += 1
      const arrival = this.#arrivals.shift()
      if (arrival !== undefined) {
        arrival()
        continue
      }
      const due = Math.min(...waitables.map(({ dueAtMs }) => dueAtMs ?? Infinity))
      if (due === Infinity) throw new Error('the guest would sleep for ever')
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, Math.max(0, due - performance.now()))
    }
  }
}

export const ours: Subject = {
  name: 'ours',
  open(world = {}) {
    const bench = new Bench(world)
    return (path) => bench.interface(path)
  },
  input(content) {
    let at = 0
    return new Bench().input({
      read(maxBytes) {
        if (at === content.length) return null
        const bytes = content.slice(at, at + maxBytes)
        at += bytes.length
        return bytes
      },
      ready: () => true,
      close() {},
    })
  },
  output() {
    const pieces: Uint8Array[] = []
    const stream = new Bench().output({
      capacity: () => 64 * 1024,
      write: (bytes) => void pieces.push(bytes.slice()),
      flush() {},
      ready: () => true,
      close() {},
    })
    return { stream, written: () => new Uint8Array(Buffer.concat(pieces)) }
  },
}

interface ShimFiles {
  _clearPreopens(): void
  _addPreopen(guestPath: string, hostPath: string): void
  readonly preopens: { getDirectories(): [Resource, string][] }
}
interface ShimCli {
  _setEnv(env: object): void
  _setArgs(args: readonly string[]): void
}

/** Its streams are those of files, in a folder of its own each. */
function shimFile(content: Uint8Array): { readonly path: string; readonly file: Resource } {
  const root = mkdtempSync(join(tmpdir(), 'selvedge-shim-'))
  onTestFinished(() => rmSync(root, { recursive: true, force: true }))
  const path = join(root, 'f')
  writeFileSync(path, content)
  const files = shim.filesystem as unknown as ShimFiles
  files._clearPreopens() // oxlint-disable-line no-underscore-dangle -- the shim's own name
  files._addPreopen('/data', root) // oxlint-disable-line no-underscore-dangle -- the shim's own name
  const folder = files.preopens.getDirectories()[0]![0]
  // As it was: jco reads its own files through the same shim, in the other tests of this process.
  files._clearPreopens() // oxlint-disable-line no-underscore-dangle -- the shim's own name
  files._addPreopen('/', '/') // oxlint-disable-line no-underscore-dangle -- the shim's own name
  return { path, file: folder['openAt']!({}, 'f', {}, { read: true, write: true }) as Resource }
}

const packages = shim as unknown as Readonly<Record<string, Readonly<Record<string, Interface>>>>

export const theirs: Subject = {
  name: 'preview2-shim',
  open({ args = [], env = [] } = {}) {
    const cli = shim.cli as unknown as ShimCli
    cli._setEnv(Object.fromEntries(env)) // oxlint-disable-line no-underscore-dangle -- the shim's own name
    cli._setArgs(args) // oxlint-disable-line no-underscore-dangle -- the shim's own name
    return (path) => {
      const [, name = '', inner = ''] = /^wasi:([a-z]+)\/([a-z-]+)$/.exec(path) ?? []
      const found = packages[name]?.[inner.replace(/-./g, (part) => part.slice(1).toUpperCase())]
      if (found === undefined) throw new Error(`the shim has no ${path}`)
      return found
    }
  },
  input: (content) => shimFile(content).file['readViaStream']!(0n) as Resource,
  output() {
    const { path, file } = shimFile(new Uint8Array())
    return {
      stream: file['writeViaStream']!(0n) as Resource,
      written: () => new Uint8Array(readFileSync(path)),
    }
  },
}

export const subjects: readonly Subject[] = [ours, theirs]

/** The WIT error that it ends with, or `{ ok }`; anything else that is thrown is a trap, and passes. */
export function outcome(run: () => unknown): { readonly ok: unknown } | { readonly err: unknown } {
  try {
    return { ok: run() }
  } catch (error) {
    if (typeof error === 'object' && error !== null && 'payload' in error) return { err: error.payload }
    // The shim throws some payloads bare, which the glue takes as well.
    if (typeof error === 'object' && error !== null && 'tag' in error) return { err: { tag: error.tag } }
    throw error
  }
}

export function drop(resource: object): void {
  ;(resource as Record<symbol, () => void>)[dispose]?.()
}

/** A source that ends with a failure, told once as the contract of sources has it. */
export function failingSource(message: string): ByteSource {
  let isTold = false
  return {
    read() {
      if (isTold) return null
      isTold = true
      throw new StreamFailure(message)
    },
    ready: () => true,
    close() {},
  }
}

export const text = (bytes: unknown): string => new TextDecoder().decode(bytes as Uint8Array)
export const utf8 = (value: string): Uint8Array => new TextEncoder().encode(value)
