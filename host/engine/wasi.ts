/**
 * WASI 0.2 over an empty world, for a sandbox's thread: preview2-shim's streams, random numbers and types, with
 * our own clocks and polling.
 *
 * The bundle takes the shim's plain JavaScript implementation (its Node.js one starts a thread for every worker
 * and reaches for real files). That one waits with promises, which a synchronous guest cannot; here a guest that
 * waits puts its thread to sleep, and the deadline is the node's business.
 */
import * as shimCli from '@bytecodealliance/preview2-shim/cli'
import * as shimFilesystem from '@bytecodealliance/preview2-shim/filesystem'
import * as shimIo from '@bytecodealliance/preview2-shim/io'
import * as shimRandom from '@bytecodealliance/preview2-shim/random'
import { GuestExit } from './guest-ends.ts'

type Functions = Readonly<Record<string, unknown>>
export type GuestImports = Record<string, Functions>

/** The parts of the shim's plain implementation that its published types (of the other one) do not name. */
interface PlainIo {
  readonly error: Functions
  readonly streams: Functions & Record<'InputStream' | 'OutputStream', new () => PlainStream>
  readonly poll: { readonly Pollable: new () => object }
  inputStreamCreate(handler: object): object
  outputStreamCreate(handler: object): object
  pollableCreate(source: { ready(): boolean; wait(): unknown }): PlainPollable
}
interface PlainPollable {
  ready(): boolean
  block(): void
  _onDispose(run: () => void): void
}
interface PlainStream {
  subscribe(): PlainPollable
}

export interface WasiOptions {
  /** Takes whole lines without their ends. */
  line(stream: 'stdout' | 'stderr', line: string): void
  /** Longer lines are cut into pieces of this many characters. */
  readonly lineChars: number
}

/** Most random bytes a guest gets in one call; asking for more is a fault of the guest. */
const maxRandomBytes = 1024 * 1024
/** Streams and pollables a guest may hold at once: each costs the worker's heap, which must never run full. */
const maxHandles = 1_024
const nanosecondsPerMs = 1_000_000n

const io = shimIo as unknown as PlainIo
const sleepCell = new Int32Array(new SharedArrayBuffer(4))
/** When each timer is due, in ms of performance.now(). */
const dueAt = new WeakMap<object, number>()

/** Interfaces by path without version, as jco's glue asks for them. */
export function createWasi(options: WasiOptions): GuestImports {
  adaptShim()
  const { random, insecure, insecureSeed } = shimRandom as unknown as Record<string, Functions>
  const filesystem = (shimFilesystem as unknown as { types: Functions }).types
  return {
    ...cli(options),
    'wasi:clocks/monotonic-clock': monotonicClock,
    'wasi:clocks/wall-clock': wallClock,
    'wasi:filesystem/preopens': { getDirectories: () => [] },
    'wasi:filesystem/types': filesystem,
    'wasi:io/error': io.error,
    'wasi:io/poll': { Pollable: io.poll.Pollable, poll },
    'wasi:io/streams': io.streams,
    'wasi:random/random': boundedRandom(random!, 'getRandomBytes'),
    'wasi:random/insecure': boundedRandom(insecure!, 'getInsecureRandomBytes'),
    'wasi:random/insecure-seed': insecureSeed!,
  }
}

function cli({ line, lineChars }: WasiOptions): GuestImports {
  const { terminalInput, terminalOutput } = shimCli as unknown as Record<string, Functions>
  const stdout = lines((text) => line('stdout', text), lineChars)
  const stderr = lines((text) => line('stderr', text), lineChars)
  return {
    'wasi:cli/environment': { getEnvironment: () => [], getArguments: () => [], initialCwd: () => undefined },
    'wasi:cli/exit': {
      exit(status: { readonly tag: string }) {
        throw new GuestExit(status.tag === 'err' ? 1 : 0)
      },
      exitWithCode(code: number) {
        throw new GuestExit(code)
      },
    },
    'wasi:cli/stdin': { getStdin: () => io.inputStreamCreate({ ...atItsEnd, drop: holdHandle() }) },
    'wasi:cli/stdout': { getStdout: () => outputStream(stdout) },
    'wasi:cli/stderr': { getStderr: () => outputStream(stderr) },
    'wasi:cli/terminal-input': terminalInput!,
    'wasi:cli/terminal-output': terminalOutput!,
    'wasi:cli/terminal-stdin': { getTerminalStdin: () => undefined },
    'wasi:cli/terminal-stdout': { getTerminalStdout: () => undefined },
    'wasi:cli/terminal-stderr': { getTerminalStderr: () => undefined },
  }
}

const atItsEnd = {
  blockingRead() {
    throw { tag: 'closed' } // oxlint-disable-line no-throw-literal -- how jco spells a WIT error
  },
}

/** A stream of its own each time, as the guest closes what it drops. */
function outputStream(handler: LineHandler): object {
  const release = holdHandle()
  return io.outputStreamCreate({
    ...handler,
    drop() {
      handler.drop()
      release()
    },
  })
}

let handles = 0

/** Counts one more handle of the guest's. @returns what gives it back */
function holdHandle(): () => void {
  if (handles >= maxHandles)
    throw new Error(`a guest holds ${maxHandles} streams and pollables and drops none`)
  handles += 1
  return () => {
    handles -= 1
  }
}

interface LineHandler {
  write(bytes: Uint8Array): void
  flush(): void
  drop(): void
}

/** A stream handler that turns bytes into lines; what has no end yet is kept up to one line's length. */
function lines(write: (line: string) => void, lineChars: number): LineHandler {
  const decoder = new TextDecoder()
  let pending = ''
  const cut = (): void => {
    const complete = pending.split('\n')
    pending = complete.pop() ?? ''
    for (const text of complete) {
      const whole = text.endsWith('\r') ? text.slice(0, -1) : text
      write(whole.length > lineChars ? `${whole.slice(0, lineChars)}…` : whole)
    }
    if (pending.length > lineChars) {
      write(`${pending.slice(0, lineChars)}…`)
      pending = ''
    }
  }
  return {
    write(bytes: Uint8Array) {
      pending += decoder.decode(bytes, { stream: true })
      cut()
    },
    flush() {},
    drop() {
      if (pending !== '') write(pending)
      pending = ''
    },
  }
}

const monotonicClock: Functions = {
  resolution: () => 1_000n,
  now: () => BigInt(Math.round(performance.now() * 1e6)),
  subscribeInstant: (instant: bigint) => timer(Number(instant) / 1e6),
  subscribeDuration: (duration: bigint) => timer(performance.now() + Number(duration) / 1e6),
}

const wallClock: Functions = {
  now() {
    const ms = BigInt(Date.now())
    return { seconds: ms / 1_000n, nanoseconds: Number((ms % 1_000n) * nanosecondsPerMs) }
  },
  resolution: () => ({ seconds: 0n, nanoseconds: Number(nanosecondsPerMs) }),
}

function timer(atMs: number): object {
  const release = holdHandle()
  const pollable = io.pollableCreate({ ready: () => performance.now() >= atMs, wait: () => undefined })
  onDrop(pollable, release)
  dueAt.set(pollable, atMs)
  return pollable
}

/** Puts the thread to sleep until the earliest of the pollables is ready. */
function poll(list: readonly PlainPollable[]): Uint32Array {
  if (list.length === 0) throw new Error('a guest polled an empty list')
  for (;;) {
    const ready = list.flatMap((pollable, index) => (pollable.ready() ? index : []))
    if (ready.length > 0) return Uint32Array.from(ready)
    sleepUntil(Math.min(...list.map((pollable) => dueAt.get(pollable) ?? Infinity)))
  }
}

/** Only timers are ever not ready here, so every wait has an end; it may be longer than the app lives. */
function sleepUntil(atMs: number): void {
  const ms = atMs - performance.now()
  if (ms > 0) Atomics.wait(sleepCell, 0, 0, Math.min(ms, 0x7fff_ffff))
}

/** Lets the shim's classes wait without promises, and counts the pollables that its streams hand out. */
function adaptShim(): void {
  const pollable = io.poll.Pollable.prototype as PlainPollable
  pollable.block = block
  for (const { prototype } of [io.streams.InputStream, io.streams.OutputStream]) {
    const stream = prototype as PlainStream
    const { subscribe } = stream
    stream.subscribe = function countedSubscribe(this: PlainStream): PlainPollable {
      const release = holdHandle()
      const made = subscribe.call(this)
      onDrop(made, release)
      return made
    }
  }
}

function onDrop(pollable: PlainPollable, run: () => void): void {
  pollable._onDispose(run) // oxlint-disable-line no-underscore-dangle -- the shim's own name
}

function block(this: PlainPollable): void {
  poll([this])
}

function boundedRandom(functions: Functions, name: string): Functions {
  const original = functions[name] as (length: bigint) => Uint8Array
  return {
    ...functions,
    [name](length: bigint) {
      if (length > maxRandomBytes) {
        throw new RangeError(`a guest asked for ${length} random bytes at once, more than ${maxRandomBytes}`)
      }
      return original(length)
    },
  }
}
