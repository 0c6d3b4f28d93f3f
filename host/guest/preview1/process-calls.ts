/** Arguments, environment, clocks, chance, and the end of the process. */
import { FileError } from '../filesystem/index.ts'
import { clockIds } from './abi.ts'
import type { CallContext, Calls } from './context.ts'
import { preview1Limits } from './limits.ts'

const nanosecondsPerMs = 1_000_000
/** performance.now() is that exact. */
const monotonicResolutionNs = 1_000n
const realtimeResolutionNs = 1_000_000n

/** What a signal does that nobody handles; a guest has no handlers. From `signal` of the witx. */
const harmless: ReadonlySet<number> = new Set([0, 16, 17, 22, 27])
const stopping: ReadonlySet<number> = new Set([18, 19, 20, 21])
const lastSignal = 30

export function processCalls({ memory, clock, args, env, random, exit }: CallContext): Calls {
  const sizesOf = (strings: readonly Uint8Array[]) => (countPointer: number, bytesPointer: number) => {
    memory.setU32(countPointer, strings.length)
    memory.setU32(bytesPointer, totalBytes(strings))
  }
  const copy = (strings: readonly Uint8Array[]) => (pointersPointer: number, bytesPointer: number) => {
    memory.bytes(pointersPointer, strings.length * 4)
    const target = memory.bytes(bytesPointer, totalBytes(strings))
    let at = 0
    for (const [index, text] of strings.entries()) {
      memory.setU32(pointersPointer + index * 4, bytesPointer + at)
      target.set(text, at)
      at += text.length
    }
  }
  return {
    args_sizes_get: sizesOf(args),
    args_get: copy(args),
    environ_sizes_get: sizesOf(env),
    environ_get: copy(env),
    clock_res_get(id: number, pointer: number) {
      if (id !== clockIds.realtime && id !== clockIds.monotonic) throw new FileError('EINVAL')
      memory.setU64(pointer, id === clockIds.realtime ? realtimeResolutionNs : monotonicResolutionNs)
    },
    clock_time_get(id: number, _precision: bigint, pointer: number) {
      if (id !== clockIds.realtime && id !== clockIds.monotonic) throw new FileError('EINVAL')
      const ms = id === clockIds.realtime ? clock.now() : clock.monotonicMs()
      memory.setU64(pointer, BigInt(Math.round(ms * nanosecondsPerMs)))
    },
    random_get(pointer: number, length: number) {
      const target = memory.bytes(pointer, length)
      for (let at = 0; at < length; at += preview1Limits.streamBytes) {
        target.set(random(Math.min(preview1Limits.streamBytes, length - at)), at)
      }
    },
    sched_yield() {},
    proc_exit(code: number) {
      exit(code)
    },
    proc_raise(signal: number) {
      if (signal > lastSignal) throw new FileError('EINVAL')
      if (harmless.has(signal)) return
      if (stopping.has(signal)) throw new FileError('ENOTSUP')
      // As a shell reports a process that a signal ended.
      exit(128 + signal)
    },
  }
}

/** Strings as the guest reads them. @throws RangeError where there are too many or one has a NUL inside */
export function cStrings(texts: readonly string[]): Uint8Array[] {
  if (texts.length > preview1Limits.strings) {
    throw new RangeError(`${texts.length} arguments or variables, more than ${preview1Limits.strings}`)
  }
  return texts.map((text) => {
    if (text.includes('\0'))
      throw new RangeError(`${JSON.stringify(text)} has a NUL, which ends a guest's string`)
    return new TextEncoder().encode(`${text}\0`)
  })
}

function totalBytes(strings: readonly Uint8Array[]): number {
  return strings.reduce((total, text) => total + text.length, 0)
}
