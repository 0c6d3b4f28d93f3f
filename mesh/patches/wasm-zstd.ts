/**
 * zstd as WebAssembly, for every Node.js: the module of `@bokuweb/zstd-wasm`, without the package's own JavaScript,
 * which keeps one instance whose memory only grows and asks the packed bytes how much to allocate. Here each call
 * has an instance of its own, bounded, and gone afterwards.
 */
import { patchLimits } from './limits.ts'
import type { Zstd } from './zstd.ts'

/** Names as the package's build has shortened them; a test holds them to what they do. */
interface Exports {
  readonly f: WebAssembly.Memory
  readonly g: () => void
  readonly h: (result: number) => number
  readonly i: (sizeBytes: number) => number
  readonly j: () => number
  readonly l: (...args: number[]) => number
  readonly n: () => number
  readonly q: (...args: number[]) => number
  readonly s: (sizeBytes: number) => number
}

const pageBytes = 64 * 1024

/** `ZSTD_error_dstSize_tooSmall`, one of the codes that zstd promises to keep. */
const outputTooSmall = 70

/** @throws where the bytes are another module. */
export function wasmZstd(moduleBytes: Uint8Array): Zstd {
  const module = new WebAssembly.Module(new Uint8Array(moduleBytes))
  return {
    compress(bytes, dictionary, level) {
      const run = instance(module)
      const { i: boundOf, j: context, l: compress } = run.exports
      const room = boundOf(bytes.length)
      const to = run.allocate(room)
      const [from, prefix] = [run.put(bytes), run.put(dictionary)]
      const length = compress(context(), to, room, from, bytes.length, prefix, dictionary.length, level)
      return run.take(to, length)
    },
    decompress(frame, dictionary, sizeBytes) {
      const run = instance(module)
      const { n: context, q: decompress } = run.exports
      const to = run.allocate(sizeBytes)
      const [from, prefix] = [run.put(frame), run.put(dictionary)]
      const length = decompress(context(), to, sizeBytes, from, frame.length, prefix, dictionary.length)
      const bytes = run.take(to, length)
      if (bytes.length !== sizeBytes) throw new Error(`a frame holds ${bytes.length} bytes, not ${sizeBytes}`)
      return bytes
    },
  }
}

interface Run {
  readonly exports: Exports
  allocate(sizeBytes: number): number
  put(bytes: Uint8Array): number
  /** @throws what zstd says where `length` is no length */
  take(at: number, length: number): Uint8Array
}

function instance(module: WebAssembly.Module): Run {
  const exports = new WebAssembly.Instance(module, { a: imports((pages) => grow(exports.f, pages)) })
    .exports as unknown as Exports
  exports.g()
  const allocate = (sizeBytes: number): number => {
    const at = exports.s(sizeBytes)
    if (at === 0) throw new Error(`zstd has no room for ${sizeBytes} bytes`)
    return at
  }
  return {
    exports,
    allocate,
    put(bytes) {
      const at = allocate(bytes.length)
      new Uint8Array(exports.f.buffer).set(bytes, at)
      return at
    },
    take(at, length) {
      const code = exports.h(length) === 0 ? 0 : -(length | 0)
      if (code === outputTooSmall) throw new RangeError('the frame holds more than there is room for')
      if (code !== 0) throw new Error(`zstd refused with its code ${code}`)
      return new Uint8Array(exports.f.buffer).slice(at, at + length)
    },
  }
}

function imports(resize: (sizeBytes: number) => number): Record<string, (size: number) => number> {
  // exit, keep-alive, abort, timers, resize
  return { a: never, b: () => 0, c: never, d: () => 0, e: (sizeBytes) => resize(sizeBytes >>> 0) }
}

function never(): never {
  throw new Error('zstd gave up')
}

function grow(memory: WebAssembly.Memory, sizeBytes: number): number {
  if (sizeBytes > patchLimits.zstdMemoryBytes) return 0
  try {
    memory.grow(Math.max(0, Math.ceil((sizeBytes - memory.buffer.byteLength) / pageBytes)))
    return 1
  } catch {
    return 0
  }
}
