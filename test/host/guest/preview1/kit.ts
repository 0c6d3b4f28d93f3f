/** A preview1 guest without a module: its memory, its calls by name, and small things put into the one for the other. */
import { createPreview1, type Preview1Options } from '../../../../host/guest/preview1/index.ts'
import type { ByteSink, ByteSource, Waitable } from '../../../../host/guest/bytes.ts'

/** What `GuestExit` of the engine is to the real one. */
export class Exit extends Error {
  readonly code: number

  constructor(code: number) {
    super(`exit ${code}`)
    this.code = code
  }
}

export const errno = {
  success: 0,
  again: 6,
  badf: 8,
  exist: 20,
  fault: 21,
  ilseq: 25,
  inval: 28,
  io: 29,
  isdir: 31,
  loop: 32,
  mfile: 33,
  nametoolong: 37,
  noent: 44,
  notdir: 54,
  notsock: 57,
  notsup: 58,
  perm: 63,
  pipe: 64,
  rofs: 69,
  spipe: 70,
  notcapable: 76,
} as const

export class Guest {
  readonly memory = new WebAssembly.Memory({ initial: 1 })
  readonly preview1: ReturnType<typeof createPreview1>
  readonly waits: (readonly Waitable[])[] = []
  readonly written: string[] = ['', '', '']
  nowMs = 1_000
  #free = 1_024

  constructor(options: Partial<Preview1Options> = {}) {
    this.preview1 = createPreview1({
      args: ['guest', 'one two'],
      env: [['NAME', 'välue']],
      stdin: sourceOf([]),
      stdout: this.sink(1),
      stderr: this.sink(2),
      terminal: { stdin: false, stdout: true, stderr: false },
      files: { openPreopens: () => [] },
      wait: (waitables) => {
        this.waits.push(waitables)
        const due = Math.min(...waitables.map(({ dueAtMs }) => dueAtMs ?? Infinity))
        if (due === Infinity) throw new Error('would wait for ever')
        this.nowMs = due
      },
      clock: { now: () => 1_700_000_000_000 + this.nowMs, monotonicMs: () => this.nowMs },
      random: (length) => new Uint8Array(length).fill(7),
      exit(code) {
        throw new Exit(code)
      },
      ...options,
    })
    this.preview1.bind(this.memory)
  }

  /** Calls as a guest does; its i32 are signed in JavaScript, which is the callee's matter. */
  call(name: string, ...args: (number | bigint)[]): unknown {
    const run = this.preview1.imports.wasi_snapshot_preview1[name]
    if (run === undefined) throw new Error(`no ${name}`)
    return (run as (...all: (number | bigint)[]) => unknown)(...args)
  }

  get view(): DataView {
    return new DataView(this.memory.buffer)
  }

  /** Room for so many bytes. */
  room(bytes: number): number {
    const at = this.#free
    this.#free += (bytes + 15) & ~7
    return at
  }

  /** @returns pointer and length, as paths are given */
  text(value: string | Uint8Array): [number, number] {
    const bytes = typeof value === 'string' ? new TextEncoder().encode(value) : value
    const at = this.room(bytes.length)
    new Uint8Array(this.memory.buffer).set(bytes, at)
    return [at, bytes.length]
  }

  /** An array of buffers. @returns pointer and count */
  pieces(...buffers: (readonly [pointer: number, length: number])[]): [number, number] {
    const at = this.room(buffers.length * 8)
    for (const [index, [pointer, length]] of buffers.entries()) {
      this.view.setUint32(at + index * 8, pointer, true)
      this.view.setUint32(at + index * 8 + 4, length, true)
    }
    return [at, buffers.length]
  }

  read(pointer: number, length: number): string {
    return new TextDecoder().decode(new Uint8Array(this.memory.buffer, pointer, length))
  }

  u32(pointer: number): number {
    return this.view.getUint32(pointer, true)
  }

  u64(pointer: number): bigint {
    return this.view.getBigUint64(pointer, true)
  }

  sink(index: number, room: () => number | null = () => 4): ByteSink {
    return {
      capacity: room,
      write: (bytes) => {
        this.written[index] += new TextDecoder().decode(bytes)
      },
      flush() {},
      ready: () => room() !== 0,
      close() {},
    }
  }
}

/** Gives each chunk once; an empty one is a moment at which nothing is there. */
export function sourceOf(chunks: readonly string[]): ByteSource & { readonly closed: () => boolean } {
  const left = chunks.map((chunk) => new TextEncoder().encode(chunk))
  let isClosed = false
  return {
    read(maxBytes) {
      const chunk = left.shift()
      if (chunk === undefined) return null
      if (chunk.length > maxBytes) left.unshift(chunk.subarray(maxBytes))
      return chunk.slice(0, maxBytes)
    },
    ready: () => left[0]?.length !== 0,
    close() {
      isClosed = true
    },
    closed: () => isClosed,
  }
}
